import { AsyncResource } from 'node:async_hooks'
import type { DeflateParameters } from './deflate_agreement.js'
import { DeflateContext } from './deflate_context.js'
import { DeflateJob, OwnStream, SharedStreams } from './deflate_job.js'
import { InflateJob } from './inflate_job.js'
import type { Inflated } from './inflate_progress.js'

/** The settings of one connection's compression. */
export interface MessageDeflateSettings {
  /** The zlib level, from 0 to 9. */
  readonly level: number
  /** The largest message to accept, in bytes after decompression. */
  readonly max_payload: number
}

/**
 * Compresses and decompresses the payloads of one connection (permessage-deflate, RFC 7692 §7.2). In between,
 * it only holds the context that the next messages may refer to, and nothing at all without context takeover.
 */
export class MessageDeflate {
  readonly #settings: MessageDeflateSettings
  /**
   * The asynchronous context for callbacks: jobs of all connections are scheduled together, outside of any
   * context.
   */
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

  /** Returns the bytes of memory held: messages, their output so far, contexts, and zlib's own memory. */
  get held_bytes(): number {
    return (
      (this.#peer_context?.held_bytes ?? 0) +
      (this.#own_stream?.held_bytes ?? 0) +
      this.inflating_bytes +
      (this.#deflating?.held_bytes ?? 0)
    )
  }

  /**
   * Decompresses one message (§7.2.2), and calls `done` later with a buffer of its own, unless this is ended
   * first. The next message has to wait for that call.
   *
   * @param payload - all fragments joined, as received; it must not change until `done` is called
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
   * Compresses one message (§7.2.1), and calls `done` later, unless this is ended first. The next message has
   * to wait for that call.
   *
   * @param payload - it must not change until `done` is called
   */
  deflate(payload: Uint8Array, done: (compressed: Uint8Array) => void): void {
    if (this.#is_ended) return
    this.#deflating = new DeflateJob(payload, this.#streams, compressed => {
      this.#deflating = undefined
      this.#scope.runInAsyncScope(done, undefined, compressed)
    })
    this.#deflating.begin()
  }

  /**
   * Returns the bytes of memory held for the message that is being decompressed: its payload, its output so
   * far, and zlib's own memory.
   */
  get inflating_bytes(): number {
    return this.#inflating?.held_bytes ?? 0
  }

  /**
   * Drops the message that is being decompressed, without a callback. No further message can be decompressed
   * after that.
   */
  end_inflating(): void {
    this.#inflating?.end()
    this.#inflating = undefined
  }

  /** Releases everything; no callback follows. */
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
