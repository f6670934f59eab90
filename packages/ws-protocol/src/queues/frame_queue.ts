import { header_size, OPCODE, write_binary_frame, write_header, write_text_frame } from '../frames/frame.js'
import { BATCH_BYTES, type FrameBatch } from './batch.js'
import type { FrameMemory } from './frame_memory.js'
import type { SendQueue } from './send_queue.js'
import { SharedBatch } from './shared_frames.js'

const FIRST_CHUNK_BYTES = 512

/**
 * A smaller shared frame is copied if others are queued before it: holding it would keep all frames of its
 * turn alive, which are far larger. If a whole batch is queued, all but large frames are copied.
 */
const MIN_SHARED_BYTES = 2_048

/**
 * A UTF-16 unit takes at most this many bytes as UTF-8, so a short text is known to fit without being
 * measured.
 */
const MAX_BYTES_PER_UNIT = 3

/** From this length on, a text is tried as ASCII first. */
const LONG_TEXT_LENGTH = 4_096

/**
 * Whether a frame leaves hardly any room behind it in a batch, so that it gets a buffer of exactly its size.
 */
function is_large(frame_bytes: number): boolean {
  return frame_bytes > BATCH_BYTES / 2
}

/** Frames of one queue, in memory of its own. */
class Chunk implements FrameBatch {
  bytes: Uint8Array
  frame_bytes = 0
  messages = 0
  readonly #memory: FrameMemory

  constructor(size_bytes: number, memory: FrameMemory) {
    this.bytes = memory.allocate(size_bytes)
    this.#memory = memory
  }

  get frames(): Uint8Array {
    return this.bytes.subarray(0, this.frame_bytes)
  }

  release(): void {
    this.#memory.release(this.bytes)
  }
}

/**
 * A queue of frames that are ready to be written. Messages are framed when they are pushed, so a full queue
 * takes at most about twice the memory that it counts, and hardly more for small messages. A broadcast frame
 * is held once for all queues.
 */
export class FrameQueue implements SendQueue {
  readonly #is_masked: boolean
  readonly #memory: FrameMemory
  readonly #leading_bytes: 0 | 1
  /** Batches that are complete, the oldest first. */
  #sealed: FrameBatch[] | undefined
  /** The batch that further frames are added to. */
  #open: Chunk | SharedBatch | undefined
  #bytes = 0

  /** `leading_bytes`: 1 for the messages of a session: see {@link write_binary_frame}. */
  constructor(is_masked: boolean, memory: FrameMemory, leading_bytes: 0 | 1 = 0) {
    this.#is_masked = is_masked
    this.#memory = memory
    this.#leading_bytes = leading_bytes
  }

  get has_full_batch(): boolean {
    return this.#bytes >= BATCH_BYTES
  }

  push(message: string | Uint8Array | SharedBatch, room_bytes: number): number {
    const frame_bytes =
      typeof message === 'string'
        ? this.#push_text(message, room_bytes)
        : message instanceof SharedBatch
          ? this.#push_shared(this.#leading_bytes === 0 ? message : message.for_sessions(), room_bytes)
          : this.#push_bytes(message, room_bytes)
    if (frame_bytes <= room_bytes) this.#bytes += frame_bytes
    return frame_bytes
  }

  take(): FrameBatch | undefined {
    const batch = this.#sealed === undefined ? this.#take_open() : this.#take_sealed(this.#sealed)
    if (batch !== undefined) this.#bytes -= batch.frame_bytes
    return batch
  }

  #push_text(text: string, room_bytes: number): number {
    if (text.length >= LONG_TEXT_LENGTH) {
      const ascii_bytes = this.#frame_size(text.length)
      if (ascii_bytes <= room_bytes && this.#push_ascii(text, ascii_bytes)) return ascii_bytes
    } else {
      const max_bytes = this.#frame_size(text.length * MAX_BYTES_PER_UNIT)
      const chunk = max_bytes <= room_bytes ? this.#chunk_for_any(max_bytes) : undefined
      if (chunk !== undefined) return this.#write_text(chunk, text)
    }
    const frame_bytes = this.#frame_size(this.#memory.byte_length(text))
    return frame_bytes > room_bytes ? frame_bytes : this.#write_text(this.#chunk_for(frame_bytes), text)
  }

  #write_text(chunk: Chunk, text: string): number {
    const { bytes, frame_bytes: start } = chunk
    const end = write_text_frame(bytes, start, text, this.#is_masked, this.#memory.write)
    return this.#added(chunk, end - start)
  }

  /** Adds the text if it is all ASCII, as most long texts are; returns whether it is. */
  #push_ascii(text: string, frame_bytes: number): boolean {
    const chunk = this.#chunk_for(frame_bytes)
    const { bytes, frame_bytes: start } = chunk
    const payload_start = write_header(bytes, start, OPCODE.TEXT, text.length, this.#is_masked)
    if (this.#memory.write_ascii(text, bytes, payload_start)) {
      this.#added(chunk, frame_bytes)
      return true
    }
    // An empty chunk would become an empty batch.
    if (start === 0) {
      chunk.release()
      this.#open = undefined
    }
    return false
  }

  /** Adds frames that are unmasked, and so only for servers. */
  #push_shared(frame: SharedBatch, room_bytes: number): number {
    const { frame_bytes } = frame
    if (frame_bytes > room_bytes) return frame_bytes
    const open = this.#open
    const joined = open instanceof SharedBatch ? open.joined_by(frame) : undefined
    if (joined === undefined) {
      const is_shared = this.has_full_batch ? is_large(frame_bytes) : frame_bytes >= MIN_SHARED_BYTES
      if (this.#bytes > 0 && !is_shared) return this.#push_copy(frame)
      this.#seal()
      frame.hold()
    }
    this.#open = joined ?? frame
    return frame_bytes
  }

  #push_copy({ frames, frame_bytes, messages }: SharedBatch): number {
    const chunk = this.#chunk_for(frame_bytes)
    chunk.bytes.set(frames, chunk.frame_bytes)
    return this.#added(chunk, frame_bytes, messages)
  }

  #push_bytes(payload: Uint8Array, room_bytes: number): number {
    const leading_bytes = this.#leading_bytes
    const frame_bytes = this.#frame_size(leading_bytes + payload.length)
    if (frame_bytes > room_bytes) return frame_bytes
    const chunk = this.#chunk_for(frame_bytes)
    write_binary_frame(chunk.bytes, chunk.frame_bytes, payload, this.#is_masked, leading_bytes)
    return this.#added(chunk, frame_bytes)
  }

  #frame_size(payload_bytes: number): number {
    return header_size(payload_bytes, this.#is_masked) + payload_bytes
  }

  #added(chunk: Chunk, frame_bytes: number, messages = 1): number {
    chunk.frame_bytes += frame_bytes
    chunk.messages += messages
    if (chunk.frame_bytes >= BATCH_BYTES) this.#seal()
    return frame_bytes
  }

  /**
   * Returns the open chunk if it has enough room, or a new one if there is none; `undefined` if the open
   * chunk would have to grow.
   */
  #chunk_for_any(max_bytes: number): Chunk | undefined {
    const open = this.#open
    if (open instanceof Chunk) return open.frame_bytes + max_bytes <= open.bytes.length ? open : undefined
    return max_bytes <= BATCH_BYTES ? this.#new_chunk(max_bytes) : undefined
  }

  #chunk_for(frame_bytes: number): Chunk {
    const open = this.#open
    if (!(open instanceof Chunk)) return this.#new_chunk(frame_bytes)
    const needed_bytes = open.frame_bytes + frame_bytes
    if (needed_bytes <= open.bytes.length) return open
    if (needed_bytes > BATCH_BYTES) return this.#new_chunk(frame_bytes)
    const larger = this.#memory.allocate(Math.min(BATCH_BYTES, needed_bytes * 2))
    larger.set(open.frames)
    this.#memory.release(open.bytes)
    open.bytes = larger
    return open
  }

  #new_chunk(frame_bytes: number): Chunk {
    this.#seal()
    const usual = this.has_full_batch ? BATCH_BYTES : FIRST_CHUNK_BYTES
    const size_bytes = is_large(frame_bytes) ? frame_bytes : Math.max(frame_bytes, usual)
    const chunk = new Chunk(size_bytes, this.#memory)
    this.#open = chunk
    return chunk
  }

  #seal(): void {
    if (this.#open === undefined) return
    this.#sealed ??= []
    this.#sealed.push(this.#open)
    this.#open = undefined
  }

  #take_open(): FrameBatch | undefined {
    const batch = this.#open
    this.#open = undefined
    return batch
  }

  /**
   * Takes the oldest batch, joined with those behind it up to the size of one batch: copying them costs less
   * than another write.
   */
  #take_sealed(sealed: FrameBatch[]): FrameBatch | undefined {
    this.#seal()
    let [count, bytes] = [0, 0]
    for (const { frame_bytes } of sealed) {
      if (bytes + frame_bytes > BATCH_BYTES) break
      bytes += frame_bytes
      count += 1
    }
    const batch = count <= 1 ? sealed.shift() : this.#joined(sealed.splice(0, count), bytes)
    if (sealed.length === 0) this.#sealed = undefined
    return batch
  }

  #joined(batches: readonly FrameBatch[], size_bytes: number): FrameBatch {
    const joined = new Chunk(size_bytes, this.#memory)
    for (const batch of batches) {
      joined.bytes.set(batch.frames, joined.frame_bytes)
      joined.frame_bytes += batch.frame_bytes
      joined.messages += batch.messages
      batch.release()
    }
    return joined
  }
}
