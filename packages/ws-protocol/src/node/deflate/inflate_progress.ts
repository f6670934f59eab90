import { type InflateRaw, inflateRawSync } from 'node:zlib'
import { dictionary_of } from './deflate_context.js'
import { joined } from './message_job.js'

/** A decompressed message, or the rule that it breaks. */
export type Inflated = Uint8Array | 'message_too_large' | 'broken_compression'

/** The length of the tail that an endpoint appends to a received payload (RFC 7692 §7.2.2). */
const TAIL_BYTES = 4

/**
 * The tail, and an empty block with BFINAL set. zlib does not report a message that is cut off within a
 * block. But it reads this last block, and ends after its last byte, only if the tail was at the end of a
 * block.
 */
export const END: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff)

/**
 * zlib needs a new stream after each block with BFINAL set: 1 MiB of empty ones would take it more than ten
 * seconds.
 */
const MAX_STREAMS = 32

/** The largest window also decompresses messages of a peer with a smaller one (RFC 7692 §7.1.2). */
const LARGEST_WINDOW_BITS = 15

/**
 * The output of a message so far, and the rest of its input. Blocks after one with BFINAL set still belong to
 * the message (RFC 7692 §7.2.1), and may refer to the data before it; zlib stops there, and another stream
 * reads the rest.
 */
export class InflateProgress {
  readonly #context: Uint8Array | undefined
  readonly #parts: Uint8Array[] = []
  #rest: Uint8Array
  #size = 0
  #streams = 0

  /** `context` is the data that the message may refer to. */
  constructor(payload: Uint8Array, context: Uint8Array | undefined) {
    this.#rest = payload
    this.#context = context
  }

  /** Returns the input that no stream has read yet, without {@link END}. */
  get rest(): Uint8Array {
    return this.#rest
  }

  /**
   * Whether all input is read. A single 0 starts the empty block that ends with the tail (§7.2.3.6); without
   * it, only the tail is left.
   */
  get is_complete(): boolean {
    return this.#rest.length === 0 || (this.#rest.length === 1 && this.#rest[0] === 0)
  }

  /** Returns the data that the rest of the input may refer to. */
  get dictionary(): Uint8Array | undefined {
    if (this.#parts.length === 0) return this.#context
    return dictionary_of(
      this.#context === undefined ? this.#parts : [this.#context, ...this.#parts],
      LARGEST_WINDOW_BITS,
    )
  }

  /** Returns the size of the output so far, in bytes. */
  get size(): number {
    return this.#size
  }

  get message(): Buffer {
    return joined(this.#parts, this.#size)
  }

  add(part: Uint8Array): void {
    this.#parts.push(part)
    this.#size += part.length
  }

  /**
   * Records that a stream ended after `read_bytes` of the rest and {@link END}. Returns whether it may end
   * there.
   */
  end_stream(read_bytes: number): boolean {
    const beyond = read_bytes - this.#rest.length
    this.#streams += 1
    this.#rest = this.#rest.subarray(read_bytes)
    // The empty block that the tail completes may have BFINAL set itself.
    if (beyond > 0) return beyond === TAIL_BYTES || beyond === END.length
    return this.is_complete || this.#streams < MAX_STREAMS
  }
}

/** Decompresses a message on this thread. */
export function inflate_now(
  payload: Uint8Array,
  context: Uint8Array | undefined,
  max_bytes: number,
): Inflated {
  const progress = new InflateProgress(payload, context)
  try {
    while (!progress.is_complete) {
      const { buffer, engine } = inflate_rest(progress, max_bytes)
      progress.add(buffer)
      if (progress.size > max_bytes) return 'message_too_large'
      if (!progress.end_stream(engine.bytesWritten)) return 'broken_compression'
    }
  } catch (error) {
    return is_too_large(error) ? 'message_too_large' : 'broken_compression'
  }
  return progress.message
}

/** The result of zlib with the option `info`, which Node's types leave out. */
interface InfoResult {
  readonly buffer: Buffer
  readonly engine: InflateRaw
}

function inflate_rest({ rest, dictionary, size }: InflateProgress, max_bytes: number): InfoResult {
  const options = { info: true, dictionary, maxOutputLength: Math.max(1, max_bytes - size) }
  const result: unknown = inflateRawSync(Buffer.concat([rest, END]), options)
  return result as InfoResult
}

function is_too_large(error: unknown): boolean {
  return error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}
