import type { DeflateRaw, InflateRaw } from 'node:zlib'

/** What comes of one input. */
export interface ZlibEvents {
  chunk(chunk: Buffer): void
  /** All that zlib makes of the input was reported. It read so many bytes of it, and less than all if what it unpacks ended before. */
  finished(read_bytes: number): void
  failed(error: Error): void
}

type RawStream = DeflateRaw | InflateRaw

/** A stream of `node:zlib` that takes one input after another, each in one write with the flush that it was made for, and works on another thread. */
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

  /** Whether no other input can follow. */
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

  /** Forgets all that was written. */
  reset(): void {
    this.#stream.reset()
  }

  /** Reports nothing any more, also of what is under way. */
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

/** Streams of all connections that are not in use: one for each of Node's threads, and some for connections with other settings. */
const MOST_IDLE = 8

interface IdleStream {
  readonly kind: string
  readonly stream: ZlibStream
}

/** Keeps streams for those who come next: to make one costs the main thread several times what a message costs it otherwise. */
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
    if (this.#idle.length > MOST_IDLE) this.#idle.shift()?.stream.destroy()
  }
}

export const zlib_pool: ZlibPool = new ZlibPool()
