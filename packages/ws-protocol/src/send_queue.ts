import type { SharedBatch } from './shared_frames.js'

/** As many bytes as are worth a write of their own: what waits is passed on in pieces of about this size. */
export const BATCH_BYTES = 65_536

/** Messages that are passed to a port together; what else it holds is between the queue and the port of a platform. */
export interface Batch {
  /** How many messages it holds. */
  readonly messages: number
  /** How many bytes they take as frames, headers included. */
  readonly frame_bytes: number
}

/** Messages that wait to be sent, in order, in the form that the port of a platform takes. The outbox limits it. */
export interface SendQueue<Kind extends Batch> {
  /** Whether a batch is full, so that nothing is gained by waiting for more. */
  readonly has_full_batch: boolean
  /**
   * Adds a message if its frame takes no more than `room_bytes`. Returns the size of the frame, added or not. Bytes are copied; what was framed for
   * many queues, if the platform has that, is not.
   */
  push(message: string | Uint8Array | SharedBatch, room_bytes: number): number
  /** Removes and returns the oldest batch; `undefined` if nothing waits. */
  take(): Kind | undefined
}
