import type { Batch } from './batch.js'
import type { SharedBatch } from './shared_frames.js'

/** Messages that wait to be sent, in order, in the form that the port of a platform takes. The outbox limits it. */
export interface SendQueue {
  /** Whether a batch is full, so that nothing is gained by waiting for more. */
  readonly has_full_batch: boolean
  /**
   * Adds a message if its frame takes no more than `room_bytes`. Returns the size of the frame, added or not. Bytes are copied; what was framed for
   * many queues, if the platform has that, is not.
   */
  push(message: string | Uint8Array | SharedBatch, room_bytes: number): number
  /** Removes and returns the oldest batch; `undefined` if nothing waits. */
  take(): Batch | undefined
}
