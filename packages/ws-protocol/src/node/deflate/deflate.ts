import { AsyncResource } from 'node:async_hooks'
import type { DeflateParameters } from './deflate_agreement.js'
import { DeflateContext } from './deflate_context.js'
import { DeflateJob, OwnStream, SharedStreams } from './deflate_job.js'
import { InflateJob } from './inflate_job.js'
import type { Inflated } from './unpacking.js'

/** How one connection compresses. */
export interface MessageDeflateSettings {
  /** From 0 to 9, as zlib has it. */
  readonly level: number
  /** The largest message that is accepted, in bytes, unpacked. */
  readonly max_payload: number
}

/**
 * The payloads of one connection, packed and unpacked (permessage-deflate, RFC 7692 §7.2). A connection that does neither just now holds no more than
 * what its next messages may refer to, and nothing at all if each is compressed on its own.
 */
export class MessageDeflate {
  readonly #settings: MessageDeflateSettings
  /** Turns are taken for all connections together: callbacks run in the asynchronous context in which this was made. */
  readonly #scope = new AsyncResource('bt.net.MessageDeflate', { requireManualDestroy: true })
  readonly #peer_context: DeflateContext | undefined
  readonly #streams: SharedStreams | OwnStream
  #inflating: InflateJob | undefined
  #deflating: DeflateJob | undefined
  #is_ended = false

  constructor(parameters: DeflateParameters, settings: MessageDeflateSettings) {
    this.#settings = settings
    if (!parameters.peer_no_context_takeover) {
      this.#peer_context = new DeflateContext(parameters.peer_window_bits)
    }
    const Streams = parameters.own_no_context_takeover ? SharedStreams : OwnStream
    this.#streams = new Streams(settings.level, parameters.own_window_bits)
  }

  /** Bytes of memory held just now: messages, what has come of them so far, contexts, and zlib's own. */
  get held_bytes(): number {
    return (
      (this.#peer_context?.held_bytes ?? 0) +
      (this.#own_stream?.held_bytes ?? 0) +
      this.inflating_bytes +
      (this.#deflating?.held_bytes ?? 0)
    )
  }

  /**
   * Unpacks one message (§7.2.2), and calls back later, unless this ends first. The next message has to wait for that. What is returned is held in a
   * buffer of its own.
   *
   * @param payload - all fragments joined, as they were received; it has to stay as it is until `done` is called
   */
  inflate(payload: Uint8Array, done: (result: Inflated) => void): void {
    if (this.#is_ended) return
    const { max_payload } = this.#settings
    this.#inflating = new InflateJob(payload, this.#peer_context?.bytes, max_payload, result => {
      this.#inflating = undefined
      if (typeof result !== 'string') this.#peer_context?.add(result)
      this.#scope.runInAsyncScope(done, undefined, result)
    })
    this.#inflating.begin()
  }

  /**
   * Packs one message (§7.2.1), and calls back later, unless this ends first. The next message has to wait for that.
   *
   * @param payload - it has to stay as it is until `done` is called
   */
  deflate(payload: Uint8Array, done: (packed: Uint8Array) => void): void {
    if (this.#is_ended) return
    this.#deflating = new DeflateJob(payload, this.#streams, packed => {
      this.#deflating = undefined
      this.#scope.runInAsyncScope(done, undefined, packed)
    })
    this.#deflating.begin()
  }

  /** Bytes of memory held for the message that is being unpacked: it, what has come of it so far, and zlib's own. */
  get inflating_bytes(): number {
    return this.#inflating?.held_bytes ?? 0
  }

  /** Lets go of the message that is being unpacked, and calls nothing back for it; the next one can't be unpacked, then. */
  end_inflating(): void {
    this.#inflating?.end()
    this.#inflating = undefined
  }

  /** Lets go of everything; nothing is called back any more. */
  end(): void {
    this.#is_ended = true
    this.end_inflating()
    this.#deflating?.end()
    this.#deflating = undefined
    this.#peer_context?.clear()
    this.#own_stream?.end()
  }

  get #own_stream(): OwnStream | undefined {
    return this.#streams instanceof OwnStream ? this.#streams : undefined
  }
}
