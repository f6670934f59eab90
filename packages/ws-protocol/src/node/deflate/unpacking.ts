import { type InflateRaw, inflateRawSync } from 'node:zlib'
import { end_of } from './deflate_context.js'
import { joined } from './message_job.js'

/** A message, or what is wrong with it. */
export type Inflated = Uint8Array | 'message_too_large' | 'broken_compression'

/** The four bytes that an endpoint appends to what it received (RFC 7692 §7.2.2). */
const TAIL_BYTES = 4

/**
 * The tail, and an empty block with BFINAL set. zlib reports no message that is cut off in the middle of a block; but only if it is at the end of one
 * behind the tail does it read that last block, and end behind its last byte.
 */
export const END: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff)

/** For what follows a block with BFINAL set, zlib needs a new stream: 1 MiB of such blocks, each empty, would take it more than ten seconds. */
const MOST_STREAMS = 32

/** A peer with a smaller window can be read with the largest (RFC 7692 §7.1.2). */
const LARGEST_WINDOW_BITS = 15

/**
 * What has come out of a message so far, and what is left of it. Blocks behind one with BFINAL set belong to the message as well (RFC 7692 §7.2.1),
 * and may refer to what is before it; zlib stops there, and the rest is read by another stream.
 */
export class Unpacking {
  readonly #context: Uint8Array | undefined
  readonly #parts: Uint8Array[] = []
  #rest: Uint8Array
  #size = 0
  #streams = 0

  /** `context`: what the message may refer to. */
  constructor(payload: Uint8Array, context: Uint8Array | undefined) {
    this.#rest = payload
    this.#context = context
  }

  /** What no stream has read yet, without {@link END}. */
  get rest(): Uint8Array {
    return this.#rest
  }

  /** Whether all is read. A single 0 opens the empty block that ends with the tail (§7.2.3.6); without it, nothing is left but the tail. */
  get is_complete(): boolean {
    return this.#rest.length === 0 || (this.#rest.length === 1 && this.#rest[0] === 0)
  }

  /** What the rest may refer to. */
  get dictionary(): Uint8Array | undefined {
    if (this.#parts.length === 0) return this.#context
    return end_of(
      this.#context === undefined ? this.#parts : [this.#context, ...this.#parts],
      LARGEST_WINDOW_BITS,
    )
  }

  /** Bytes unpacked so far. */
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

  /** Notes that a stream ended after so many bytes of the rest and of {@link END}. Returns whether it may end there. */
  end_stream(read_bytes: number): boolean {
    const beyond = read_bytes - this.#rest.length
    this.#streams += 1
    this.#rest = this.#rest.subarray(read_bytes)
    // The empty block that the tail belongs to may have BFINAL set itself.
    if (beyond > 0) return beyond === TAIL_BYTES || beyond === END.length
    return this.is_complete || this.#streams < MOST_STREAMS
  }
}

/** Unpacks a message at once. */
export function inflate_now(
  payload: Uint8Array,
  context: Uint8Array | undefined,
  most_bytes: number,
): Inflated {
  const unpacking = new Unpacking(payload, context)
  try {
    while (!unpacking.is_complete) {
      const { buffer, engine } = inflate_rest(unpacking, most_bytes)
      unpacking.add(buffer)
      if (unpacking.size > most_bytes) return 'message_too_large'
      if (!unpacking.end_stream(engine.bytesWritten)) return 'broken_compression'
    }
  } catch (error) {
    return is_too_large(error) ? 'message_too_large' : 'broken_compression'
  }
  return unpacking.message
}

/** What zlib returns with the option `info`, which its types leave out. */
interface InfoResult {
  readonly buffer: Buffer
  readonly engine: InflateRaw
}

function inflate_rest({ rest, dictionary, size }: Unpacking, most_bytes: number): InfoResult {
  const options = { info: true, dictionary, maxOutputLength: Math.max(1, most_bytes - size) }
  const result: unknown = inflateRawSync(Buffer.concat([rest, END]), options)
  return result as InfoResult
}

function is_too_large(error: unknown): boolean {
  return error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}
