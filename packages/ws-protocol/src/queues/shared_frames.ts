import {
  frame_end,
  header_size,
  OPCODE,
  read_frames,
  text_payload,
  write_binary_frame,
  write_header,
  write_text_frame,
} from '../frames/frame.js'
import { BATCH_BYTES, type FrameBatch } from './batch.js'
import type { FrameMemory } from './frame_memory.js'

const FIRST_BYTES = 4_096

/** The memory that holds the frames of a {@link SharedBatch}. */
export interface FrameSource {
  /** Returns the frames between two offsets. */
  view(start: number, end: number): Uint8Array
  /** Adds a holder. */
  hold(): void
  /** Removes a holder. */
  release(): void
}

/**
 * Frames that any number of queues share: one message that was framed once, or several consecutive ones. It
 * is immutable, so all queues hold the same object.
 */
export class SharedBatch implements FrameBatch {
  readonly messages: number
  readonly #source: FrameSource
  readonly #start: number
  readonly #end: number
  #frames: Uint8Array | undefined
  #with_next: SharedBatch | undefined
  #for_sessions: SharedBatch | undefined

  constructor(source: FrameSource, start: number, end: number, messages: number) {
    this.#source = source
    this.#start = start
    this.#end = end
    this.messages = messages
  }

  get frame_bytes(): number {
    return this.#end - this.#start
  }

  get frames(): Uint8Array {
    this.#frames ??= this.#source.view(this.#start, this.#end)
    return this.#frames
  }

  /** Returns these frames and the message `next`, if that directly follows them; otherwise `undefined`. */
  joined_by(next: SharedBatch): SharedBatch | undefined {
    if (next.#start !== this.#end || next.#source !== this.#source) return undefined
    this.#with_next ??= new SharedBatch(this.#source, this.#start, next.#end, this.messages + next.messages)
    return this.#with_next
  }

  /** Returns the same messages as sessions get them, whose binary messages begin with a byte of their own. */
  for_sessions(): SharedBatch {
    this.#for_sessions ??= this.#with_leading_bytes()
    return this.#for_sessions
  }

  #with_leading_bytes(): SharedBatch {
    const views = [...read_frames(this.frames)]
    if (views.every(({ opcode }) => opcode === OPCODE.TEXT)) return this
    const bytes_of = ({ length }: Uint8Array): number => header_size(length + 1, false) + length + 1
    // A text needs no more than the same bytes as binary data would.
    const target = new Uint8Array(views.reduce((sum, { payload }) => sum + bytes_of(payload), 0))
    let end = 0
    for (const { opcode, payload } of views) {
      if (opcode === OPCODE.BINARY) end = write_binary_frame(target, end, payload, false, 1)
      else {
        const start = write_header(target, end, opcode, payload.length, false)
        target.set(payload, start)
        end = start + payload.length
      }
    }
    return new SharedBatch(new ReceivedFrames(target), 0, end, this.messages)
  }

  /** Returns the same messages one by one. */
  *parts(): Generator<SharedBatch> {
    const { frames } = this
    for (let at = 0; at < frames.length; ) {
      const end = frame_end(frames, at) as number
      yield new SharedBatch(this.#source, this.#start + at, this.#start + end, 1)
      at = end
    }
  }

  /** Adds a holder. */
  hold(): void {
    this.#source.hold()
  }

  release(): void {
    this.#source.release()
  }
}

/** Unmasked frames, packed one after another, that any number of queues share without copies. */
export class SharedFrames implements FrameSource {
  readonly #memory: FrameMemory
  #bytes: Uint8Array
  #used = 0
  /** How many queues use the memory, and its writer as one more. */
  #holders = 1

  constructor(memory: FrameMemory) {
    this.#memory = memory
    this.#bytes = memory.allocate(FIRST_BYTES)
  }

  /** Whether further messages should go into new memory. */
  get is_full(): boolean {
    return this.#used >= BATCH_BYTES
  }

  /** Frames another message. The caller must hold the frames while it passes them to queues. */
  add(payload: string | Uint8Array): SharedBatch {
    const is_text = typeof payload === 'string'
    const payload_bytes = is_text ? this.#memory.byte_length(payload) : payload.length
    const start = this.#used
    this.#make_room(start + header_size(payload_bytes, false) + payload_bytes)
    this.#used = is_text
      ? write_text_frame(this.#bytes, start, payload, false, this.#memory.write)
      : write_binary_frame(this.#bytes, start, payload, false)
    return new SharedBatch(this, start, this.#used, 1)
  }

  /** Returns the frames between two offsets. */
  view(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, end)
  }

  /** Adds a holder. */
  hold(): void {
    this.#holders += 1
  }

  /** Removes a holder; after the last one, the memory is free for reuse. */
  release(): void {
    this.#holders -= 1
    if (this.#holders === 0) this.#memory.release(this.#bytes)
  }

  #make_room(needed_bytes: number): void {
    if (needed_bytes <= this.#bytes.length) return
    const larger = this.#memory.allocate(Math.max(needed_bytes, this.#bytes.length * 2))
    larger.set(this.#bytes.subarray(0, this.#used))
    // Queues may still hold views of the old memory, so it is not reused.
    this.#bytes = larger
  }
}

/** Frames in memory that is not reused, such as those from another server. */
class ReceivedFrames implements FrameSource {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  view(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, end)
  }

  hold(): void {}
  release(): void {}
}

/** The frames of a message from another server, once checked. */
export interface ReceivedMessages {
  /** The messages that can be sent; `undefined` if none can. */
  readonly batch: SharedBatch | undefined
  /**
   * How many are left out because their text is not UTF-8, for which a client would fail its connection (RFC
   * 6455 §8.1).
   */
  readonly not_utf8: number
}

/**
 * Returns bytes from another server as frames that are ready to be sent; `undefined` unless they are one or
 * more whole, unmasked messages. The bytes are only copied if some messages are left out, and must not change
 * any more.
 */
export function received_messages(
  bytes: Uint8Array,
  is_utf8: (payload: Uint8Array) => boolean,
): ReceivedMessages | undefined {
  let messages = 0
  const left_out: { readonly at: number; readonly end: number }[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = frame_end(bytes, at)
    if (end === undefined) return undefined
    const text = text_payload(bytes, at, end)
    if (text === undefined || is_utf8(text)) messages += 1
    else left_out.push({ at, end })
    at = end
  }
  const not_utf8 = left_out.length
  if (messages === 0) return not_utf8 === 0 ? undefined : { batch: undefined, not_utf8 }
  const frames = not_utf8 === 0 ? bytes : without(bytes, left_out)
  return { batch: new SharedBatch(new ReceivedFrames(frames), 0, frames.length, messages), not_utf8 }
}

function without(
  bytes: Uint8Array,
  left_out: readonly { readonly at: number; readonly end: number }[],
): Uint8Array {
  const rest = new Uint8Array(bytes.length)
  let used = 0
  let from = 0
  for (const { at, end } of [...left_out, { at: bytes.length, end: bytes.length }]) {
    rest.set(bytes.subarray(from, at), used)
    used += at - from
    from = end
  }
  return rest.subarray(0, used)
}

/** Frames each broadcast message once, and packs all broadcasts of one turn together. */
export class TurnFramer {
  readonly #memory: FrameMemory
  readonly #soon: (task: () => void) => void
  #frames: SharedFrames | undefined
  #is_end_due = false

  /** `soon` runs a task when the running callback is done. */
  constructor(memory: FrameMemory, soon: (task: () => void) => void) {
    this.#memory = memory
    this.#soon = soon
  }

  /** Frames a message for all queues that it is pushed to in this turn. */
  frame(payload: string | Uint8Array): SharedBatch {
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
    this.#frames?.release()
    this.#frames = undefined
  }
}
