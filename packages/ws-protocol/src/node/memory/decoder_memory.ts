import { isAscii, isUtf8 } from 'node:buffer'
import type { DecoderMemory } from '../../frames/decoder.js'
import { BATCH_BYTES } from '../../queues/batch.js'
import { frame_memory } from './frame_memory.js'
import { copy_of, unmask } from './read_memory.js'

/** What `toString` calls in every version of Node, which the types do not show: without a look at its arguments, short texts are a third quicker. */
interface SlicedBuffer {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
}

const sliced = (bytes: Uint8Array): SlicedBuffer => bytes as Uint8Array & SlicedBuffer

/** Node's own memory and text. All bytes are its Buffers, as those are that it reads from sockets. */
export const decoder_memory: DecoderMemory = {
  allocate: size_bytes => Buffer.allocUnsafeSlow(size_bytes),
  // A small buffer that is used again may be far larger than it has to be.
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
