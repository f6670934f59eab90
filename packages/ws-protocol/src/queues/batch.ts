/** The size of a batch that is worth a write of its own: queued messages are passed on in pieces of about this size, in bytes. */
export const BATCH_BYTES = 65_536

/** Messages that are passed to a port together; the queue and the port of a platform agree on what else it holds. */
export interface Batch {
  /** The number of messages. */
  readonly messages: number
  /** Their size as frames, headers included, in bytes. */
  readonly frame_bytes: number
}

/** Whole frames, packed one after another. */
export interface FrameBatch extends Batch {
  /** The frames; a client's still have a mask key of zero. */
  readonly frames: Uint8Array
  /** Returns the memory of the frames, which are no longer needed. */
  release(): void
}
