import { constants, createDeflateRaw, type DeflateRaw } from 'node:zlib'
import { CHUNK_BYTES, joined, MessageJob } from './message_job.js'
import { ZlibStream, zlib_pool } from './zlib_stream.js'

/** Where the streams of one connection come from. */
export interface DeflateStreams {
  /** What a stream holds, by zlib's manual. */
  readonly stream_bytes: number
  take(): ZlibStream
  give_back(stream: ZlibStream): void
}

/** `00 00 ff ff`, which each message ends with and is sent without (RFC 7692 §7.2.1). */
const TAIL_BYTES = 4

/**
 * Packs one message (RFC 7692 §7.2.1), always on another thread: 1 KiB of text takes this thread 27 µs then, and 36 µs otherwise, and what is hard to
 * pack far longer.
 */
export class DeflateJob extends MessageJob<Buffer> {
  readonly #streams: DeflateStreams
  #parts: Buffer[] = []
  #size = 0

  constructor(payload: Uint8Array, streams: DeflateStreams, finished: (packed: Buffer) => void) {
    super(payload, finished)
    this.#streams = streams
  }

  override start(): void {
    const stream = this.#streams.take()
    this.use(stream, this.payload, {
      chunk: chunk => {
        this.#parts.push(chunk)
        this.#size += chunk.length
      },
      // Nothing is wrong with any message: this is want of memory.
      failed: error => {
        throw error
      },
      finished: () => {
        const packed = joined(this.#parts, this.#size - TAIL_BYTES)
        this.let_go()
        this.#streams.give_back(stream)
        this.finish(packed)
      },
    })
  }

  override end(): void {
    super.end()
    this.#parts = []
    this.#size = 0
  }

  /** zlib makes nothing of nothing where it was flushed before. */
  protected override get is_short(): boolean {
    return this.payload.length === 0
  }

  protected override get output_bytes(): number {
    return this.#size
  }

  protected override get stream_bytes(): number {
    return this.#streams.stream_bytes
  }

  /** An empty message (§7.2.3.6). */
  protected override work_now(): Buffer {
    return joined([EMPTY_MESSAGE], EMPTY_MESSAGE.length)
  }
}

const EMPTY_MESSAGE = Uint8Array.of(0)

/** The streams of all connections that compress each message on its own. */
export class SharedStreams implements DeflateStreams {
  readonly stream_bytes: number
  readonly #level: number
  readonly #window_bits: number

  constructor(level: number, window_bits: number) {
    this.#level = level
    this.#window_bits = window_bits
    this.stream_bytes = deflate_bytes(window_bits)
  }

  take(): ZlibStream {
    return zlib_pool.take(this.#kind, () => deflate_stream(this.#level, this.#window_bits))
  }

  give_back(stream: ZlibStream): void {
    zlib_pool.give_back(this.#kind, stream)
  }

  get #kind(): string {
    return `deflate ${this.#level} ${this.#window_bits}`
  }
}

/** The stream of one connection with context takeover (RFC 7692 §7.1.1), made when it is needed. */
export class OwnStream implements DeflateStreams {
  /** It counts for the connection, and not for its messages. */
  readonly stream_bytes = 0
  readonly #level: number
  readonly #window_bits: number
  #stream: ZlibStream | undefined

  constructor(level: number, window_bits: number) {
    this.#level = level
    this.#window_bits = window_bits
  }

  get held_bytes(): number {
    return this.#stream === undefined ? 0 : deflate_bytes(this.#window_bits)
  }

  take(): ZlibStream {
    this.#stream ??= new ZlibStream(deflate_stream(this.#level, this.#window_bits))
    return this.#stream
  }

  /** The next message refers to this one. */
  give_back(): void {}

  end(): void {
    this.#stream?.destroy()
    this.#stream = undefined
  }
}

/**
 * The smallest window that zlib compresses with. It looks back 250 bytes at most there, and so honours a window of 8 bits, too: Node documents that,
 * and takes 8 for 9 itself.
 */
const SMALLEST_WINDOW_BITS = 9
/** zlib's own default. */
const MEM_LEVEL = 8

function deflate_stream(level: number, window_bits: number): DeflateRaw {
  return createDeflateRaw({
    level,
    windowBits: Math.max(SMALLEST_WINDOW_BITS, window_bits),
    memLevel: MEM_LEVEL,
    flush: constants.Z_SYNC_FLUSH,
    chunkSize: CHUNK_BYTES,
  })
}

function deflate_bytes(window_bits: number): number {
  return (1 << (window_bits + 2)) + (1 << (MEM_LEVEL + 9)) + CHUNK_BYTES
}
