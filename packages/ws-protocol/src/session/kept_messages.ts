import { own_frame_end } from '../frames/frame.js'
import type { Batch, FrameBatch } from '../queues/batch.js'
import type { MessageBatch } from '../queues/message_queue.js'

/** A batch that may have to be sent again. */
export interface KeptBatch {
  /** The number of messages. */
  readonly messages: number
  /** Their size as frames, in bytes. */
  readonly frame_bytes: number
  /** Returns a batch of the messages without the first `skip` ones, for one socket. */
  without_first(skip: number): Batch
  /** Frees the memory. */
  release(): void
}

/** Keeps a batch of frames. A client's socket masks what it gets, so it gets a copy. */
export function keep_frames(batch: FrameBatch, is_masked: boolean): KeptBatch {
  const { messages, frame_bytes } = batch
  return {
    messages,
    frame_bytes,
    without_first(skip) {
      let start = 0
      for (let i = 0; i < skip; i += 1) start = own_frame_end(batch.frames, start)
      const rest_frames = batch.frames.subarray(start)
      // `slice` would not copy a Buffer but make a view of it.
      const frames = is_masked ? new Uint8Array(rest_frames) : rest_frames
      const rest: FrameBatch = {
        messages: messages - skip,
        frame_bytes: frame_bytes - start,
        frames,
        release() {},
      }
      return rest
    },
    release: () => batch.release(),
  }
}

/** Keeps a batch of messages. */
export function keep_messages(batch: MessageBatch): KeptBatch {
  const { messages, frame_bytes } = batch
  return {
    messages,
    frame_bytes,
    without_first(skip) {
      if (skip === 0) return batch
      const payloads = batch.payloads.slice(skip)
      // Only their sum counts, as a limit, so the share of each message is not worth knowing.
      const share = payloads.length / messages
      const rest: MessageBatch = {
        messages: payloads.length,
        payloads,
        frame_bytes: Math.ceil(frame_bytes * share),
        payload_bytes: Math.ceil(batch.payload_bytes * share),
      }
      return rest
    },
    release() {},
  }
}

/** The messages that a side of a session has written, the oldest first, until the other side has handled them. */
export class KeptMessages {
  #batches: KeptBatch[] = []
  /** How many messages of the oldest batch are handled. */
  #handled = 0
  #bytes = 0

  /** Their size as frames, in bytes. A batch counts as long as one of its messages is not handled. */
  get bytes(): number {
    return this.#bytes
  }

  add(batch: KeptBatch): void {
    this.#batches.push(batch)
    this.#bytes += batch.frame_bytes
  }

  /** Forgets the oldest messages. */
  forget(messages: number): void {
    this.#handled += messages
    let count = 0
    for (const batch of this.#batches) {
      if (batch.messages > this.#handled) break
      this.#handled -= batch.messages
      this.#bytes -= batch.frame_bytes
      batch.release()
      count += 1
    }
    this.#batches.splice(0, count)
  }

  /**
   * Returns batches of the messages that there are now, without the first `skip` ones, one after another.
   * Meanwhile, only those that were returned may be forgotten.
   */
  without_first(skip: number): IterableIterator<Batch> {
    return batches_without_first(this.#handled + skip, [...this.#batches])
  }

  /** Forgets all of them. */
  clear(): void {
    for (const batch of this.#batches) batch.release()
    this.#batches = []
    this.#handled = this.#bytes = 0
  }
}

function* batches_without_first(skip: number, batches: readonly KeptBatch[]): Generator<Batch> {
  let left = skip
  for (const batch of batches) {
    if (batch.messages > left) yield batch.without_first(left)
    left = Math.max(left - batch.messages, 0)
  }
}
