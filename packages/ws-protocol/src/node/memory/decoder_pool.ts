import { type DecoderEvents, type DecoderSettings, FrameDecoder } from '../../frames/decoder.js'
import { decoder_memory } from './decoder_memory.js'

function ignore(): void {}

/** What a spare decoder delivers to, so that it does not keep the last connection alive. */
const NOBODY: DecoderEvents = {
  on_message: ignore,
  on_compressed: ignore,
  on_ping: ignore,
  on_pong: ignore,
  on_close: ignore,
  on_broken: ignore,
}

/**
 * Lends decoders to connections of one kind. Between messages, a connection has no use for one: without it, an idle connection takes a tenth less
 * memory. One spare is enough, since connections read one after another; it also stays in the caches of the processor.
 */
export class DecoderPool {
  readonly #settings: DecoderSettings
  #spare: FrameDecoder | undefined

  constructor(settings: DecoderSettings) {
    this.#settings = settings
  }

  /** Lends a decoder that delivers to `sink`. */
  lend(sink: DecoderEvents): FrameDecoder {
    const spare = this.#spare
    if (spare === undefined) return new FrameDecoder(this.#settings, decoder_memory, sink)
    this.#spare = undefined
    spare.deliver_to(sink)
    return spare
  }

  /** Takes back a decoder that is idle. */
  take_back(decoder: FrameDecoder): void {
    decoder.deliver_to(NOBODY)
    this.#spare = decoder
  }
}
