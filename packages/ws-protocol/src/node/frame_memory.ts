import type { FrameMemory } from '../frame_queue.js'
import { BATCH_BYTES } from '../send_queue.js'

/** At most so many buffers are kept for the next turns: 1 MiB, for the whole process. */
const MAX_SPARES = 16

const spares: Buffer[] = []

/** As a rule a turn's messages are with the kernel at its end: then the next turn writes into the same memory. */
function allocate(size_bytes: number): Buffer {
  const spare = spares.pop()
  return spare !== undefined && spare.length >= size_bytes ? spare : Buffer.allocUnsafeSlow(size_bytes)
}

function release(buffer: Uint8Array): void {
  if (spares.length < MAX_SPARES && buffer.length <= BATCH_BYTES) spares.push(buffer as Buffer)
}

/** Node's own UTF-8, in buffers that are used again. */
export const frame_memory: FrameMemory = {
  allocate,
  release,
  byte_length: text => Buffer.byteLength(text),
  write: (text, target, offset) => (target as Buffer).write(text, offset),
}
