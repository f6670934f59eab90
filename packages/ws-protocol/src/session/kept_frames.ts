import { OPCODE, own_frame_end, read_frames } from '../frames/frame.js'
import { BATCH_BYTES, type FrameBatch } from '../queues/batch.js'
import type { FrameMemory } from '../queues/frame_memory.js'
import type { KeptMessages } from './kept_messages.js'

/** The size of the first buffer for small batches, in bytes. */
const FIRST_BYTES = 4_096
/** A larger batch of a server is not copied, so that a message to many is held once. */
const MIN_HELD_BYTES = 2_048

/** Consecutive frames. */
interface Segment {
  readonly bytes: Uint8Array
  /** The end of the frames that are handled. */
  start: number
  end: number
  messages: number
  /** Frees the memory. */
  release(): void
}

/**
 * Keeps frames. Small batches are copied, one behind another: keeping the buffer of each until it is acknowledged
 * would take far more memory, and time.
 */
export class KeptFrames implements KeptMessages {
  readonly #is_masked: boolean
  readonly #memory: FrameMemory
  readonly #text_of: (utf8: Uint8Array) => string
  readonly #segments: Segment[] = []
  /** The last segment, if more can be copied to it. */
  #open: Segment | undefined
  bytes = 0

  /** `is_masked`: for a client, whose socket masks what it gets in place. `text_of` decodes UTF-8. */
  constructor(is_masked: boolean, memory: FrameMemory, text_of: (utf8: Uint8Array) => string) {
    this.#is_masked = is_masked
    this.#memory = memory
    this.#text_of = text_of
  }

  add(batch: FrameBatch): FrameBatch {
    const { frames, frame_bytes, messages } = batch
    this.bytes += frame_bytes
    if (frame_bytes >= MIN_HELD_BYTES && !this.#is_masked) return this.#hold(batch)
    const segment = this.#segment_for(frame_bytes)
    segment.bytes.set(frames, segment.end)
    segment.end += frame_bytes
    segment.messages += messages
    return batch
  }

  forget(messages: number): void {
    let left = messages
    while (left > 0) {
      const segment = this.#segments[0] as Segment
      const forgotten = Math.min(left, segment.messages)
      const start =
        forgotten === segment.messages ? segment.end : after_frames(segment.bytes, segment.start, forgotten)
      this.bytes -= start - segment.start
      segment.start = start
      segment.messages -= forgotten
      left -= forgotten
      if (segment.messages === 0) this.#release_first(segment)
    }
  }

  take(messages: number): readonly (string | Uint8Array)[] {
    const payloads: (string | Uint8Array)[] = []
    for (const { bytes, start, end } of this.#segments) {
      if (payloads.length >= messages) break
      for (const { opcode, payload } of read_frames(bytes.subarray(start, end)))
        payloads.push(opcode === OPCODE.TEXT ? this.#text_of(payload) : new Uint8Array(payload.subarray(1)))
    }
    this.forget(messages)
    return payloads.slice(0, messages)
  }

  without_first(skip: number): IterableIterator<FrameBatch> {
    let left = skip
    const rests: Rest[] = []
    for (const { bytes, start, end, messages } of this.#segments) {
      const skipped = Math.min(left, messages)
      left -= skipped
      if (skipped < messages)
        rests.push({ bytes, start: after_frames(bytes, start, skipped), end, messages: messages - skipped })
    }
    return copies_of(rests)
  }

  #hold(batch: FrameBatch): FrameBatch {
    const { frames, frame_bytes, messages } = batch
    let is_read = false
    this.#open = undefined
    this.#segments.push({
      bytes: frames,
      start: 0,
      end: frame_bytes,
      messages,
      // A peer may acknowledge what the network has not taken yet. Then others must not write there.
      release: () => {
        if (is_read) batch.release()
      },
    })
    return {
      messages,
      frame_bytes,
      frames,
      release: () => {
        is_read = true
      },
    } as FrameBatch
  }

  #segment_for(frame_bytes: number): Segment {
    const open = this.#open
    if (open !== undefined && open.end + frame_bytes <= open.bytes.length) return open
    const usual_bytes = open === undefined ? FIRST_BYTES : BATCH_BYTES
    const bytes = this.#memory.allocate(Math.max(frame_bytes, usual_bytes))
    const release = (): void => this.#memory.release(bytes)
    const segment: Segment = { bytes, start: 0, end: 0, messages: 0, release }
    this.#segments.push(segment)
    this.#open = segment
    return segment
  }

  #release_first(segment: Segment): void {
    this.#segments.shift()
    if (this.#open === segment) this.#open = undefined
    segment.release()
  }
}

/** Returns the offset behind that many frames. */
function after_frames(bytes: Uint8Array, start: number, count: number): number {
  let at = start
  for (let i = 0; i < count; i += 1) at = own_frame_end(bytes, at)
  return at
}

/** Frames of a segment that are to be read, from an offset that stays when the segment loses its first ones. */
interface Rest {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  readonly messages: number
}

function* copies_of(rests: readonly Rest[]): Generator<FrameBatch, undefined> {
  for (const { bytes, start, end, messages } of rests) {
    // The socket masks in place, or writes later, so it gets a copy. `slice` would make a view of a Buffer.
    const frames = new Uint8Array(bytes.subarray(start, end))
    yield { messages, frame_bytes: frames.length, frames, release() {} } as FrameBatch
  }
  return undefined
}
