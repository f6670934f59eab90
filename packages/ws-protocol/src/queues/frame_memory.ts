import type { WriteText } from '../frames/frame.js'

/**
 * Buffers for frames, and a platform's fastest UTF-8 encoder. A lone surrogate is written as U+FFFD, as in
 * browsers.
 */
export interface FrameMemory {
  /** Returns a buffer of at least that size, with undefined content. */
  allocate(size_bytes: number): Uint8Array
  /** Takes back a buffer that is no longer in use. */
  release(buffer: Uint8Array): void
  /** Returns how many bytes `text` takes as UTF-8. */
  byte_length(text: string): number
  /**
   * Writes `text` as UTF-8 into a buffer from {@link FrameMemory.allocate} that has room for it, from
   * `offset` on; returns how many bytes it took.
   */
  readonly write: WriteText
  /**
   * Does the same if the text is all ASCII; otherwise returns `false`, with undefined content written. For a
   * long text, this is faster than measuring it.
   */
  write_ascii(text: string, target: Uint8Array, offset: number): boolean
}
