import { header_size, write_binary_frame, write_text_frame } from './frame.js'
import type { FrameMemory } from './frame_queue.js'
import { BATCH_BYTES } from './send_queue.js'

const FIRST_BYTES = 4_096

/** A message that was framed once, for any number of queues. Whoever hands it to queues holds its source meanwhile. */
export class SharedFrame {
  /** Where it is. */
  readonly source: SharedFrames
  /** Where it starts there. */
  readonly start: number
  /** Where it ends there. */
  readonly end: number

  constructor(source: SharedFrames, start: number, end: number) {
    this.source = source
    this.start = start
    this.end = end
  }

  /** How many bytes that is. */
  get frame_bytes(): number {
    return this.end - this.start
  }
}

/** Unmasked frames, packed one behind another, that any number of queues hold together: nothing is copied for any of them. */
export class SharedFrames {
  readonly #memory: FrameMemory
  #bytes: Uint8Array
  #used = 0
  /** How many look at it; whoever adds to it is one of them. */
  #holders = 1
  /** The view that was asked for last: as a rule all queues ask for the same. */
  #view: Uint8Array | undefined
  #view_start = 0

  constructor(memory: FrameMemory) {
    this.#memory = memory
    this.#bytes = memory.allocate(FIRST_BYTES)
  }

  /** Whether that much is together that more is better put elsewhere. */
  get is_full(): boolean {
    return this.#used >= BATCH_BYTES
  }

  /** Frames one more message. */
  add(payload: string | Uint8Array): SharedFrame {
    const is_text = typeof payload === 'string'
    const payload_bytes = is_text ? this.#memory.byte_length(payload) : payload.length
    const start = this.#used
    this.#make_room(start + header_size(payload_bytes, false) + payload_bytes)
    this.#used = is_text
      ? write_text_frame(this.#bytes, start, payload, false, this.#memory.write)
      : write_binary_frame(this.#bytes, start, payload, false)
    return new SharedFrame(this, start, this.#used)
  }

  /** The frames of a part. */
  view(start: number, end: number): Uint8Array {
    if (this.#view === undefined || this.#view_start !== start || this.#view.length !== end - start) {
      this.#view = this.#bytes.subarray(start, end)
      this.#view_start = start
    }
    return this.#view
  }

  /** One more looks at it. */
  hold(): void {
    this.#holders += 1
  }

  /** One of those who looked at it does so no more; with the last one its memory is used for something else. */
  let_go(): void {
    this.#holders -= 1
    if (this.#holders === 0) this.#memory.release(this.#bytes)
  }

  #make_room(needed_bytes: number): void {
    if (needed_bytes <= this.#bytes.length) return
    const larger = this.#memory.allocate(Math.max(needed_bytes, this.#bytes.length * 2))
    larger.set(this.#bytes.subarray(0, this.#used))
    // The old one may still be looked at: it is not used again.
    this.#bytes = larger
    this.#view = undefined
  }
}

/** Frames what is broadcast, each message once, and packs together what comes in one turn. */
export class TurnFramer {
  readonly #memory: FrameMemory
  readonly #soon: (task: () => void) => void
  #frames: SharedFrames | undefined
  #is_end_due = false

  /** `soon`: runs a task when the running callback is done. */
  constructor(memory: FrameMemory, soon: (task: () => void) => void) {
    this.#memory = memory
    this.#soon = soon
  }

  /** Frames a message for all queues that it is pushed to in this turn. */
  frame(payload: string | Uint8Array): SharedFrame {
    if (this.#frames?.is_full) this.#seal()
    this.#frames ??= new SharedFrames(this.#memory)
    if (!this.#is_end_due) {
      this.#is_end_due = true
      this.#soon(() => {
        this.#is_end_due = false
        this.#seal()
      })
    }
    return this.#frames.add(payload)
  }

  #seal(): void {
    this.#frames?.let_go()
    this.#frames = undefined
  }
}
