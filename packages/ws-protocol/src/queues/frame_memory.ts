import type { WriteText } from '../frames/frame.js'

/** Buffers to write frames into, and the fastest UTF-8 of a platform. A lone surrogate is written as U+FFFD, as in browsers. */
export interface FrameMemory {
  /** Returns a buffer of at least that size, with undefined content. */
  allocate(size_bytes: number): Uint8Array
  /** Takes back a buffer that nothing uses any more, to hand it out again. */
  release(buffer: Uint8Array): void
  /** Returns how many bytes `text` takes as UTF-8. */
  byte_length(text: string): number
  /** Writes `text` as UTF-8 into a buffer of {@link FrameMemory.allocate}, from `offset` on, if there is room; returns how many bytes it took. */
  readonly write: WriteText
  /**
   * Does the same if the text is all ASCII; otherwise returns `false`, and what it has written is of no use. For a long text, this is quicker than
   * measuring it.
   */
  write_ascii(text: string, target: Uint8Array, offset: number): boolean
}
