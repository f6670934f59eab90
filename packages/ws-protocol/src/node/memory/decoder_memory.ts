import { isAscii, isUtf8 } from 'node:buffer'
import type { DecoderMemory } from '../../frames/decoder.js'
import { BATCH_BYTES } from '../../queues/batch.js'
import { frame_memory } from './frame_memory.js'
import { copy_of, unmask } from './read_memory.js'

/**
 * The methods that `toString` calls in every version of Node, which the types leave out. Without its checks
 * of arguments, short texts take a third less time.
 */
interface SlicedBuffer {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
}

const sliced = (bytes: Uint8Array): SlicedBuffer => bytes as Uint8Array & SlicedBuffer

/** Node's memory and text functions. All bytes are Buffers, as Node reads them from sockets. */
export const decoder_memory: DecoderMemory = {
  allocate: size_bytes => Buffer.allocUnsafeSlow(size_bytes),
  // A small buffer from the pool may be far larger than needed.
  borrow: size_bytes =>
    size_bytes > BATCH_BYTES ? frame_memory.allocate(size_bytes) : Buffer.allocUnsafeSlow(size_bytes),
  give_back: buffer => {
    if (buffer.length > BATCH_BYTES) frame_memory.release(buffer)
  },
  copy: copy_of,
  ascii_text: (bytes, start, end) => sliced(bytes).latin1Slice(start, end),
  utf8_text: (bytes, start, end) => sliced(bytes).utf8Slice(start, end),
  unmask,
  is_ascii: isAscii,
  is_utf8: isUtf8,
}
