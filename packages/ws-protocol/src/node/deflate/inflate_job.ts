import { constants, createInflateRaw } from 'node:zlib'
import { END, type Inflated, InflateProgress, inflate_now } from './inflate_progress.js'
import { CHUNK_BYTES, MessageJob } from './message_job.js'
import { ZlibStream, zlib_pool } from './zlib_stream.js'

/**
 * A payload of up to the first size is decompressed on this thread, unless its output exceeds the second. On
 * Node 20, that takes 11 µs for 1 KiB of text, whereas a stream on another thread, even a reused one, takes
 * 33 µs of this thread. The slowest payload, 4 KiB of the smallest empty blocks with dynamic codes, takes 0.4
 * ms.
 */
const MAX_SHORT_COMPRESSED_BYTES = 4_096
const MAX_SHORT_BYTES = 32_768

/** The memory of a stream with the largest window, by zlib's manual. */
const INFLATE_BYTES = 32_768 + 7_168
const KIND = 'inflate'

/** Decompresses one message (RFC 7692 §7.2.2). */
export class InflateJob extends MessageJob<Inflated> {
  readonly #max_payload: number
  /** Released at the end. */
  #context: Uint8Array | undefined
  #progress: InflateProgress | undefined

  /**
   * `context` is the data that the message may refer to; it must not change until the message is
   * decompressed.
   */
  constructor(
    payload: Uint8Array,
    context: Uint8Array | undefined,
    max_payload: number,
    finished: (result: Inflated) => void,
  ) {
    super(payload, finished)
    this.#context = context
    this.#max_payload = max_payload
  }

  override start(): void {
    const progress = new InflateProgress(this.payload, this.#context)
    this.#progress = progress
    this.#inflate(progress)
  }

  override end(): void {
    super.end()
    this.#context = undefined
    this.#progress = undefined
  }

  /**
   * Counts the whole buffer that the payload was collected in: it may be larger than the payload, and belongs
   * to this job alone.
   */
  protected override get input_bytes(): number {
    return this.payload.buffer.byteLength
  }

  protected override get is_short(): boolean {
    return this.payload.length <= MAX_SHORT_COMPRESSED_BYTES
  }

  protected override get output_bytes(): number {
    return this.#progress?.size ?? 0
  }

  protected override get stream_bytes(): number {
    // The stream gets a copy of the payload, with the tail appended.
    return INFLATE_BYTES + CHUNK_BYTES + this.payload.length
  }

  protected override work_now(): Inflated | undefined {
    const max_bytes = Math.min(this.#max_payload, MAX_SHORT_BYTES)
    const result = inflate_now(this.payload, this.#context, max_bytes)
    return result === 'message_too_large' && max_bytes < this.#max_payload ? undefined : result
  }

  #inflate(progress: InflateProgress): void {
    const { dictionary } = progress
    // A dictionary can only be set when a stream is created.
    const stream =
      dictionary === undefined
        ? zlib_pool.take(KIND, inflate_stream)
        : new ZlibStream(inflate_stream(dictionary))
    this.use(stream, Buffer.concat([progress.rest, END]), {
      chunk: chunk => {
        if (progress.size + chunk.length > this.#max_payload) this.finish('message_too_large')
        else progress.add(chunk)
      },
      failed: () => this.finish('broken_compression'),
      finished: read_bytes => {
        this.release_stream()
        if (dictionary === undefined) zlib_pool.give_back(KIND, stream)
        else stream.destroy()
        if (!progress.end_stream(read_bytes)) this.finish('broken_compression')
        else if (progress.is_complete) this.finish(progress.message)
        else this.#inflate(progress)
      },
    })
  }
}

/** `Z_FINISH` makes a stream fail if the input ends before its last block. */
const inflate_stream = (dictionary?: Uint8Array) =>
  createInflateRaw({ flush: constants.Z_FINISH, chunkSize: CHUNK_BYTES, dictionary })
