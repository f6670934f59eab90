import { OPCODE, own_frame_end, read_frames } from '../frames/frame.js'
import type { FrameBatch } from '../queues/batch.js'
import type { KeptBatch } from './kept_messages.js'

/** Keeps a batch of frames until the other side of a session has handled their messages. */
export class KeptFrames implements KeptBatch {
  readonly messages: number
  readonly frame_bytes: number
  readonly #batch: FrameBatch
  readonly #is_masked: boolean
  readonly #text_of: (utf8: Uint8Array) => string
  /** How many sockets may still read the memory of the batch. */
  #readers = 0

  /** `is_masked`: for a client, whose socket masks what it gets. `text_of` decodes UTF-8. */
  constructor(batch: FrameBatch, is_masked: boolean, text_of: (utf8: Uint8Array) => string) {
    this.messages = batch.messages
    this.frame_bytes = batch.frame_bytes
    this.#batch = batch
    this.#is_masked = is_masked
    this.#text_of = text_of
  }

  without_first(skip: number): FrameBatch {
    const { frames } = this.#batch
    let start = 0
    for (let i = 0; i < skip; i += 1) start = own_frame_end(frames, start)
    const rest = frames.subarray(start)
    // The socket masks in place, so it gets a copy. `slice` would not copy a Buffer but make a view of it.
    if (this.#is_masked) return new LentFrames(this.messages - skip, new Uint8Array(rest))
    this.#readers += 1
    return new LentFrames(this.messages - skip, rest, this)
  }

  payloads(): readonly (string | Uint8Array)[] {
    return Array.from(read_frames(this.#batch.frames), ({ opcode, payload }) =>
      opcode === OPCODE.TEXT ? this.#text_of(payload) : new Uint8Array(payload.subarray(1)),
    )
  }

  /** A socket is done with the memory. One that is lost never says so. */
  returned(): void {
    this.#readers -= 1
  }

  release(): void {
    // A peer may acknowledge what the network has not taken yet. Then others must not write there.
    if (this.#readers === 0) this.#batch.release()
  }
}

/** Frames for one socket; their memory may be that of a kept batch. */
class LentFrames implements FrameBatch {
  readonly messages: number
  readonly frames: Uint8Array
  readonly #owner: KeptFrames | undefined

  constructor(messages: number, frames: Uint8Array, owner?: KeptFrames) {
    this.messages = messages
    this.frames = frames
    this.#owner = owner
  }

  get frame_bytes(): number {
    return this.frames.length
  }

  release(): void {
    this.#owner?.returned()
  }
}
