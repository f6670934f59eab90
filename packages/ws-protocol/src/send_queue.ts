import type { SharedBatch } from './shared_frames.js'

/** As much as is worth a write of its own: what waits is handed on in pieces of about this many bytes. */
export const BATCH_BYTES = 65_536

/** Messages that are handed to a port together; what else it holds is between the queue and the port of one platform. */
export interface Batch {
  /** How many messages that is. */
  readonly messages: number
  /** How many bytes they take as frames, headers included. */
  readonly frame_bytes: number
}

/** Messages that wait to be sent, in order, in the form that the port of a platform takes them. What bounds it is in the outbox. */
export interface SendQueue<Kind extends Batch> {
  /** Whether a batch is as large as batches get, so that nothing is won by waiting for more. */
  readonly has_full_batch: boolean
  /**
   * Adds a message if its frame takes no more than `room_bytes`. Returns how many bytes that is, added or not. Bytes are copied; what was
   * framed for many queues, where a platform has such, is not.
   */
  push(message: string | Uint8Array | SharedBatch, room_bytes: number): number
  /** Takes out the oldest batch; `undefined` when nothing waits. */
  take(): Kind | undefined
}
