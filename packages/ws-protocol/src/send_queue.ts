import { header_size, OPCODE, write_header } from './frame.js'
import type { TextCodec } from './payload.js'

/** As much as is worth a write of its own: what waits is handed on in pieces of about this many bytes. */
export const BATCH_BYTES = 65_536

const FIRST_CHUNK_BYTES = 512

/** Whole frames that wait to be sent, packed one behind another. */
export interface Batch {
  /** The frames; those of a client have their mask key still zero. */
  readonly bytes: Uint8Array
  /** How many messages that is. */
  readonly messages: number
  /** The memory that the frames are in, for the queue to take back. */
  readonly memory: Uint8Array
}

/** What became of a message: it was `taken`, there is no room now (`full`), or there never will be (`too_large`). */
export type PushResult = 'taken' | 'full' | 'too_large'

interface Chunk {
  bytes: Uint8Array
  used: number
  messages: number
}

/**
 * What waits to be sent: bounded in bytes, frame headers included, in order, and packed as frames when it is pushed, so that a full
 * queue holds at most about twice the bytes it counts, and little more than them for small messages.
 */
export class SendQueue {
  readonly #limit_bytes: number
  readonly #is_masked: boolean
  readonly #text: TextCodec
  readonly #full: Chunk[] = []
  #open: Chunk | undefined
  #bytes = 0
  #messages = 0

  constructor(limit_bytes: number, is_masked: boolean, text: TextCodec) {
    this.#limit_bytes = limit_bytes
    this.#is_masked = is_masked
    this.#text = text
  }

  /** Bytes that wait here. */
  get bytes(): number {
    return this.#bytes
  }

  /** Messages that wait here. */
  get messages(): number {
    return this.#messages
  }

  /** Whether a batch is as large as batches get, so that nothing is won by waiting for more. */
  get has_full_batch(): boolean {
    return this.#full.length > 0
  }

  /**
   * Adds a message, if there is room for it beside what waits here and the `elsewhere_bytes` that were handed on but not taken.
   * Bytes are copied.
   */
  push(payload: string | Uint8Array, elsewhere_bytes: number): PushResult {
    const is_text = typeof payload === 'string'
    const payload_bytes = is_text ? this.#text.byte_length(payload) : payload.byteLength
    const frame_bytes = header_size(payload_bytes, this.#is_masked) + payload_bytes
    if (this.#bytes + elsewhere_bytes + frame_bytes > this.#limit_bytes) {
      return frame_bytes > this.#limit_bytes ? 'too_large' : 'full'
    }
    const chunk = this.#chunk_with_room(frame_bytes)
    const opcode = is_text ? OPCODE.TEXT : OPCODE.BINARY
    const offset = write_header(chunk.bytes, chunk.used, opcode, payload_bytes, this.#is_masked)
    if (is_text) this.#text.write(payload, chunk.bytes, offset)
    else chunk.bytes.set(payload, offset)
    chunk.used += frame_bytes
    chunk.messages += 1
    this.#bytes += frame_bytes
    this.#messages += 1
    if (chunk.used >= BATCH_BYTES) this.#seal(chunk)
    return 'taken'
  }

  /** Takes out the oldest batch; `undefined` when nothing waits. */
  take(): Batch | undefined {
    const chunk = this.#full.shift() ?? this.#open
    if (chunk === undefined) return undefined
    if (chunk === this.#open) this.#open = undefined
    this.#bytes -= chunk.used
    this.#messages -= chunk.messages
    return { bytes: chunk.bytes.subarray(0, chunk.used), messages: chunk.messages, memory: chunk.bytes }
  }

  /** Takes back the memory of a batch that was written and that nobody looks at any more. */
  release(batch: Batch): void {
    this.#text.release(batch.memory)
  }

  /** Throws away what waits. */
  clear(): void {
    this.#full.length = 0
    this.#open = undefined
    this.#bytes = 0
    this.#messages = 0
  }

  #chunk_with_room(frame_bytes: number): Chunk {
    const open = this.#open
    if (open !== undefined) {
      const needed = open.used + frame_bytes
      if (needed <= open.bytes.length) return open
      if (needed <= BATCH_BYTES) {
        const larger = this.#text.allocate(Math.min(BATCH_BYTES, Math.max(needed, open.bytes.length * 2)))
        larger.set(open.bytes.subarray(0, open.used))
        this.#text.release(open.bytes)
        open.bytes = larger
        return open
      }
      this.#seal(open)
    }
    // Behind a large frame nothing else has room: its chunk is no larger than itself.
    const usual = this.has_full_batch ? BATCH_BYTES : FIRST_CHUNK_BYTES
    const size = frame_bytes > BATCH_BYTES / 2 ? frame_bytes : Math.max(frame_bytes, usual)
    this.#open = { bytes: this.#text.allocate(size), used: 0, messages: 0 }
    return this.#open
  }

  #seal(chunk: Chunk): void {
    this.#full.push(chunk)
    this.#open = undefined
  }
}
