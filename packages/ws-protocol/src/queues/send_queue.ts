import type { Batch } from './batch.js'
import type { SharedBatch } from './shared_frames.js'

/**
 * The pending messages of a connection, in order, in the form that the platform's port writes. The outbox
 * limits its size.
 */
export interface SendQueue {
  /** Whether a full batch is queued, so that waiting for more messages saves no write. */
  readonly has_full_batch: boolean
  /**
   * Adds a message if its frame takes no more than `room_bytes`. Returns the size of the frame, added or not.
   * Bytes are copied; a {@link SharedBatch}, on platforms that have it, is not.
   */
  push(message: string | Uint8Array | SharedBatch, room_bytes: number): number
  /** Removes and returns the oldest batch; `undefined` if the queue is empty. */
  take(): Batch | undefined
}
