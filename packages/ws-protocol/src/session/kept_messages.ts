import type { Batch } from '../queues/batch.js'

/** The messages that a side of a session has written, the oldest first, until the other side has handled them. */
export interface KeptMessages {
  /** Their size as frames, in bytes. */
  readonly bytes: number
  /** Keeps a batch, and returns it as it is to be written. */
  add(batch: Batch): Batch
  /** Forgets the oldest messages. */
  forget(messages: number): void
  /** Forgets the oldest messages, and returns them as the application has sent them. */
  take(messages: number): readonly (string | Uint8Array)[]
  /**
   * Returns batches of the messages that there are now, without the first `skip` ones, one after another.
   * Meanwhile, only those that were returned may be forgotten.
   */
  without_first(skip: number): IterableIterator<Batch>
}
