import type { DeflateRaw, InflateRaw } from 'node:zlib'

/** The events for one input of a {@link ZlibStream}. */
export interface ZlibEvents {
  chunk(chunk: Buffer): void
  /**
   * All output was reported. `read_bytes` is less than the whole input if the compressed data ended before.
   */
  finished(read_bytes: number): void
  failed(error: Error): void
}

type RawStream = DeflateRaw | InflateRaw

/**
 * A stream of `node:zlib`, which works on another thread. It takes one input after another, each in one write
 * with the stream's flush mode.
 */
export class ZlibStream {
  readonly #stream: RawStream
  #events: ZlibEvents | undefined
  #read_before = 0
  #is_over = false

  constructor(stream: RawStream) {
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.#events?.chunk(chunk))
    stream.on('error', error => {
      this.#is_over = true
      this.#events?.failed(error)
    })
    stream.on('end', () => {
      this.#is_over = true
      this.#finish()
    })
  }

  /** Whether the stream can take no further input. */
  get is_over(): boolean {
    return this.#is_over
  }

  write(input: Uint8Array, events: ZlibEvents): void {
    this.#events = events
    this.#read_before = this.#stream.bytesWritten
    this.#stream.write(input, error => {
      if (!error) this.#finish()
    })
  }

  /** Clears zlib's context. */
  reset(): void {
    this.#stream.reset()
  }

  /** Ends the stream; no event follows, not even for an input in progress. */
  destroy(): void {
    this.#is_over = true
    this.#events = undefined
    this.#stream.destroy()
  }

  #finish(): void {
    const events = this.#events
    this.#events = undefined
    events?.finished(this.#stream.bytesWritten - this.#read_before)
  }
}

/**
 * The number of idle streams to keep: one for each of Node's threads, and some for connections with other
 * settings.
 */
const MAX_IDLE = 8

interface IdleStream {
  readonly kind: string
  readonly stream: ZlibStream
}

/**
 * Keeps idle streams for reuse, since creating one costs the main thread several times as much as a message
 * does otherwise.
 */
export class ZlibPool {
  readonly #idle: IdleStream[] = []

  take(kind: string, make: () => RawStream): ZlibStream {
    const index = this.#idle.map(idle => idle.kind).lastIndexOf(kind)
    const [idle] = index < 0 ? [] : this.#idle.splice(index, 1)
    return idle?.stream ?? new ZlibStream(make())
  }

  give_back(kind: string, stream: ZlibStream): void {
    if (stream.is_over) {
      stream.destroy()
      return
    }
    stream.reset()
    this.#idle.push({ kind, stream })
    if (this.#idle.length > MAX_IDLE) this.#idle.shift()?.stream.destroy()
  }
}

export const zlib_pool: ZlibPool = new ZlibPool()
