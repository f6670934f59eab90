import { isAscii } from 'node:buffer'
import { BATCH_BYTES } from '../../queues/batch.js'
import type { FrameMemory } from '../../queues/frame_memory.js'

/**
 * The spare buffers that the process keeps for reuse: 1 MiB of those up to the size of a batch, and 4 MiB of
 * larger ones.
 */
const MAX_SPARES = 16
const MAX_LARGE_SPARE_BYTES = 4_194_304
/** Large buffers come in multiples of this size, so that the next one is likely to fit. */
const LARGE_STEP_BYTES = BATCH_BYTES

const spares: Buffer[] = []
const large_spares: Buffer[] = []
let large_bytes = 0

/**
 * Prefers spare buffers. The kernel usually has a turn's messages at its end, so the next turn writes into
 * the same memory.
 */
function allocate(size_bytes: number): Buffer {
  if (size_bytes > BATCH_BYTES) return allocate_large(size_bytes)
  const spare = spares.pop()
  return spare !== undefined && spare.length >= size_bytes ? spare : Buffer.allocUnsafeSlow(size_bytes)
}

function allocate_large(size_bytes: number): Buffer {
  for (let at = large_spares.length - 1; at >= 0; at -= 1) {
    const spare = large_spares[at] as Buffer
    // A slow connection keeps its buffer for long, so a far larger one would be wasted on it.
    if (spare.length < size_bytes || spare.length > 2 * size_bytes) continue
    large_spares.splice(at, 1)
    large_bytes -= spare.length
    return spare
  }
  return Buffer.allocUnsafeSlow(Math.ceil(size_bytes / LARGE_STEP_BYTES) * LARGE_STEP_BYTES)
}

function release(buffer: Uint8Array): void {
  if (buffer.length > BATCH_BYTES) release_large(buffer as Buffer)
  else if (spares.length < MAX_SPARES) spares.push(buffer as Buffer)
}

/** Keeps the latest buffers, since the next messages are most likely of about their size. */
function release_large(buffer: Buffer): void {
  large_spares.push(buffer)
  large_bytes += buffer.length
  while (large_bytes > MAX_LARGE_SPARE_BYTES) large_bytes -= (large_spares.shift() as Buffer).length
}

/**
 * Characters beyond Latin-1. V8 knows without a search that a one-byte string, as it keeps all ASCII,
 * contains none of them.
 */
const NOT_LATIN1 = /[\u0100-\uffff]/

/** Writes ASCII in at most half the time of writing UTF-8. */
function write_ascii(text: string, target: Uint8Array, offset: number): boolean {
  if (NOT_LATIN1.test(text)) return false
  ;(target as Buffer).write(text, offset, 'latin1')
  return isAscii(target.subarray(offset, offset + text.length))
}

/**
 * The method that `write` calls in every version of Node, which the types leave out. Without its checks of
 * arguments, short texts take a tenth less time.
 */
interface WrittenBuffer {
  utf8Write(text: string, offset: number): number
}

/** Node's UTF-8 encoder, and buffers that are reused. */
export const frame_memory: FrameMemory = {
  allocate,
  release,
  byte_length: text => Buffer.byteLength(text),
  write: (text, target, offset) => (target as Uint8Array & WrittenBuffer).utf8Write(text, offset),
  write_ascii,
}
