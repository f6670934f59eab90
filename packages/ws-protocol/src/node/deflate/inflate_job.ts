import { constants, createInflateRaw } from 'node:zlib'
import { CHUNK_BYTES, MessageJob } from './message_job.js'
import { END, type Inflated, inflate_now, Unpacking } from './unpacking.js'
import { ZlibStream, zlib_pool } from './zlib_stream.js'

/**
 * A payload up to the first size is unpacked on this thread, unless it turns out to be more than the second. On Node 20, that takes 1 KiB of text 11 µs,
 * and a stream on another thread, also one that is used again, 33 µs of this one. 4 KiB of the smallest blocks with codes of their own, which contain
 * nothing, take the longest: 0.4 ms.
 */
const MOST_SHORT_PACKED_BYTES = 4_096
const MOST_SHORT_BYTES = 32_768

/** With the largest window, by zlib's manual. */
const INFLATE_BYTES = 32_768 + 7_168
const KIND = 'inflate'

/** Unpacks one message (RFC 7692 §7.2.2). */
export class InflateJob extends MessageJob<Inflated> {
  readonly #max_payload: number
  /** Let go of at the end. */
  #context: Uint8Array | undefined
  #unpacking: Unpacking | undefined

  /** `context`: what the message may refer to; it has to stay as it is until the message is unpacked. */
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
    const unpacking = new Unpacking(this.payload, this.#context)
    this.#unpacking = unpacking
    this.#unpack(unpacking)
  }

  override end(): void {
    super.end()
    this.#context = undefined
    this.#unpacking = undefined
  }

  /** The buffer that the payload was collected in is this job's alone, and may be larger. */
  protected override get input_bytes(): number {
    return this.payload.buffer.byteLength
  }

  protected override get is_short(): boolean {
    return this.payload.length <= MOST_SHORT_PACKED_BYTES
  }

  protected override get output_bytes(): number {
    return this.#unpacking?.size ?? 0
  }

  protected override get stream_bytes(): number {
    // With a copy of the payload, which the stream is given together with what follows it.
    return INFLATE_BYTES + CHUNK_BYTES + this.payload.length
  }

  protected override work_now(): Inflated | undefined {
    const most_bytes = Math.min(this.#max_payload, MOST_SHORT_BYTES)
    const result = inflate_now(this.payload, this.#context, most_bytes)
    return result === 'message_too_large' && most_bytes < this.#max_payload ? undefined : result
  }

  #unpack(unpacking: Unpacking): void {
    const { dictionary } = unpacking
    // What a stream may refer to is set when it is made.
    const stream =
      dictionary === undefined
        ? zlib_pool.take(KIND, inflate_stream)
        : new ZlibStream(inflate_stream(dictionary))
    this.use(stream, Buffer.concat([unpacking.rest, END]), {
      chunk: chunk => {
        if (unpacking.size + chunk.length > this.#max_payload) this.finish('message_too_large')
        else unpacking.add(chunk)
      },
      failed: () => this.finish('broken_compression'),
      finished: read_bytes => {
        this.let_go()
        if (dictionary === undefined) zlib_pool.give_back(KIND, stream)
        else stream.destroy()
        if (!unpacking.end_stream(read_bytes)) this.finish('broken_compression')
        else if (unpacking.is_complete) this.finish(unpacking.message)
        else this.#unpack(unpacking)
      },
    })
  }
}

/** `Z_FINISH` has a stream fail if the input is over before its last block. */
const inflate_stream = (dictionary?: Uint8Array) =>
  createInflateRaw({ flush: constants.Z_FINISH, chunkSize: CHUNK_BYTES, dictionary })
