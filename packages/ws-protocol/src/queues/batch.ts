/** The approximate size of the pieces in which queued messages are written, in bytes. */
export const BATCH_BYTES = 65_536

/** Messages that a port writes together. Each platform's queue and port add a form of their own to this. */
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
  /** Frees the memory of the frames for reuse. */
  release(): void
}
