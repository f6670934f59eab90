import { isAscii } from 'node:buffer'
import { BATCH_BYTES } from '../../queues/batch.js'
import type { FrameMemory } from '../../queues/frame_memory.js'

/** How much is kept for the next turns, for the whole process: of buffers up to the size of a batch 1 MiB, and of larger ones 4 MiB. */
const MOST_SPARES = 16
const MOST_LARGE_BYTES = 4_194_304
/** Large buffers come in multiples of this size, so that the next one is likely to fit. */
const LARGE_STEP_BYTES = BATCH_BYTES

const spares: Buffer[] = []
const large_spares: Buffer[] = []
let large_bytes = 0

/** As a rule a turn's messages are with the kernel at its end: then the next turn writes into the same memory. */
function allocate(size_bytes: number): Buffer {
  if (size_bytes > BATCH_BYTES) return allocate_large(size_bytes)
  const spare = spares.pop()
  return spare !== undefined && spare.length >= size_bytes ? spare : Buffer.allocUnsafeSlow(size_bytes)
}

function allocate_large(size_bytes: number): Buffer {
  for (let at = large_spares.length - 1; at >= 0; at -= 1) {
    const spare = large_spares[at] as Buffer
    // A far larger one is too good for it: who is slow keeps what it was given.
    if (spare.length < size_bytes || spare.length > 2 * size_bytes) continue
    large_spares.splice(at, 1)
    large_bytes -= spare.length
    return spare
  }
  return Buffer.allocUnsafeSlow(Math.ceil(size_bytes / LARGE_STEP_BYTES) * LARGE_STEP_BYTES)
}

function release(buffer: Uint8Array): void {
  if (buffer.length > BATCH_BYTES) release_large(buffer as Buffer)
  else if (spares.length < MOST_SPARES) spares.push(buffer as Buffer)
}

/** The latest are kept, since what comes next is most likely as large. */
function release_large(buffer: Buffer): void {
  large_spares.push(buffer)
  large_bytes += buffer.length
  while (large_bytes > MOST_LARGE_BYTES) large_bytes -= (large_spares.shift() as Buffer).length
}

/** Not to be found in text that V8 keeps as one byte a letter, as it keeps all ASCII: then nothing is searched. */
const NOT_LATIN1 = /[\u0100-\uffff]/

/** Half the time of writing UTF-8, or less. */
function write_ascii(text: string, target: Uint8Array, offset: number): boolean {
  if (NOT_LATIN1.test(text)) return false
  ;(target as Buffer).write(text, offset, 'latin1')
  return isAscii(target.subarray(offset, offset + text.length))
}

/** What `write` calls in every version of Node, which the types do not show: without a look at its arguments, short texts are a tenth quicker. */
interface WrittenBuffer {
  utf8Write(text: string, offset: number): number
}

/** Node's own UTF-8, in buffers that are used again. */
export const frame_memory: FrameMemory = {
  allocate,
  release,
  byte_length: text => Buffer.byteLength(text),
  write: (text, target, offset) => (target as Uint8Array & WrittenBuffer).utf8Write(text, offset),
  write_ascii,
}
