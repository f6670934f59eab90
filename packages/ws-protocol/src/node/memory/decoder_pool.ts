import { type DecoderEvents, type DecoderSettings, FrameDecoder } from '../../frames/decoder.js'
import { decoder_memory } from './decoder_memory.js'

function ignore(): void {}

/** The events of a spare decoder, so that it does not keep the last connection alive. */
const NO_EVENTS: DecoderEvents = {
  on_message: ignore,
  on_compressed: ignore,
  on_ping: ignore,
  on_pong: ignore,
  on_close: ignore,
  on_broken: ignore,
}

/**
 * Lends decoders to connections with the same settings. Between messages, a connection needs none, and an
 * idle connection takes a tenth less memory without one. One spare is enough, since connections read one
 * after another; it also stays in the processor's caches.
 */
export class DecoderPool {
  readonly #settings: DecoderSettings
  #spare: FrameDecoder | undefined

  constructor(settings: DecoderSettings) {
    this.#settings = settings
  }

  /** Lends a decoder that calls `events`. */
  lend(events: DecoderEvents): FrameDecoder {
    const spare = this.#spare
    if (spare === undefined) return new FrameDecoder(this.#settings, decoder_memory, events)
    this.#spare = undefined
    spare.deliver_to(events)
    return spare
  }

  /** Takes back an idle decoder. */
  take_back(decoder: FrameDecoder): void {
    decoder.deliver_to(NO_EVENTS)
    this.#spare = decoder
  }
}
