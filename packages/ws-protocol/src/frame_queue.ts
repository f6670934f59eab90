import { OPCODE, write_header } from './frame.js'
import { BATCH_BYTES, type Batch, type SendQueue } from './send_queue.js'

const FIRST_CHUNK_BYTES = 512

/** Where frames are written: buffers, and the fastest UTF-8 that a platform has. A lone surrogate is written as U+FFFD, as browsers do. */
export interface FrameMemory {
  /** A buffer of at least that size. Its content is undefined. */
  allocate(size_bytes: number): Uint8Array
  /** Takes back a buffer that nobody looks at any more, so that it can be handed out again. */
  release(buffer: Uint8Array): void
  /** Writes `text` as UTF-8 into a buffer of {@link FrameMemory.allocate}, from `offset` on; there is room. */
  write(text: string, target: Uint8Array, offset: number): void
}

/** Whole frames, packed one behind another. */
export interface FrameBatch extends Batch {
  /** The frames; those of a client have their mask key still zero. */
  readonly frames: Uint8Array
  /** The buffer that they are in, for {@link FrameMemory.release}. */
  readonly memory: Uint8Array
}

interface Chunk {
  bytes: Uint8Array
  used: number
  messages: number
}

/**
 * A queue of frames that are ready to be written. They are packed when they are pushed, so that a full queue holds at most about
 * twice the bytes it counts, and little more than them for small messages.
 */
export class FrameQueue implements SendQueue<FrameBatch> {
  readonly #is_masked: boolean
  readonly #memory: FrameMemory
  readonly #full: Chunk[] = []
  #open: Chunk | undefined

  constructor(is_masked: boolean, memory: FrameMemory) {
    this.#is_masked = is_masked
    this.#memory = memory
  }

  get has_full_batch(): boolean {
    return this.#full.length > 0
  }

  push(payload: string | Uint8Array, payload_bytes: number, frame_bytes: number): void {
    const chunk = this.#chunk_with_room(frame_bytes)
    const is_text = typeof payload === 'string'
    const opcode = is_text ? OPCODE.TEXT : OPCODE.BINARY
    const offset = write_header(chunk.bytes, chunk.used, opcode, payload_bytes, this.#is_masked)
    if (is_text) this.#memory.write(payload, chunk.bytes, offset)
    else chunk.bytes.set(payload, offset)
    chunk.used += frame_bytes
    chunk.messages += 1
    if (chunk.used >= BATCH_BYTES) this.#seal(chunk)
  }

  take(): FrameBatch | undefined {
    const chunk = this.#full.shift() ?? this.#open
    if (chunk === undefined) return undefined
    if (chunk === this.#open) this.#open = undefined
    const { bytes, used, messages } = chunk
    return { frames: bytes.subarray(0, used), frame_bytes: used, messages, memory: bytes }
  }

  #chunk_with_room(frame_bytes: number): Chunk {
    const open = this.#open
    if (open !== undefined) {
      const needed = open.used + frame_bytes
      if (needed <= open.bytes.length) return open
      if (needed <= BATCH_BYTES) {
        const larger = this.#memory.allocate(Math.min(BATCH_BYTES, Math.max(needed, open.bytes.length * 2)))
        larger.set(open.bytes.subarray(0, open.used))
        this.#memory.release(open.bytes)
        open.bytes = larger
        return open
      }
      this.#seal(open)
    }
    // Behind a large frame nothing else has room: its chunk is no larger than itself.
    const usual = this.has_full_batch ? BATCH_BYTES : FIRST_CHUNK_BYTES
    const size = frame_bytes > BATCH_BYTES / 2 ? frame_bytes : Math.max(frame_bytes, usual)
    this.#open = { bytes: this.#memory.allocate(size), used: 0, messages: 0 }
    return this.#open
  }

  #seal(chunk: Chunk): void {
    this.#full.push(chunk)
    this.#open = undefined
  }
}
