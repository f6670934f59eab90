import { performance } from 'node:perf_hooks'
import type { Platform } from '../platform.js'
import { BATCH_BYTES } from '../send_queue.js'

/** At most so many buffers are kept for the next turns: 1 MiB, for the whole process. */
const MAX_SPARES = 16

const spares: Buffer[] = []

/** As a rule a turn's messages are with the kernel at its end: then the next turn writes into the same memory. */
function take_buffer(size_bytes: number): Buffer {
  const spare = spares.pop()
  return spare !== undefined && spare.length >= size_bytes ? spare : Buffer.allocUnsafeSlow(size_bytes)
}

function keep_buffer(buffer: Uint8Array): void {
  if (spares.length < MAX_SPARES && buffer.length <= BATCH_BYTES) spares.push(buffer as Buffer)
}

/** Node's timers, its monotonic clock, its own UTF-8, and `process.emitWarning`. */
export const node_platform: Platform = {
  clock: {
    now_ms: () => performance.now(),
    start_timer(after_ms, task) {
      const timer = setTimeout(task, after_ms)
      return () => clearTimeout(timer)
    },
  },
  text: {
    allocate: take_buffer,
    release: keep_buffer,
    byte_length: text => Buffer.byteLength(text),
    write(text, target, offset) {
      ;(target as Buffer).write(text, offset)
    },
  },
  // A tick that is asked for from within a promise job comes when all promise jobs are done; asked for from without, before them.
  defer: task => queueMicrotask(() => process.nextTick(task)),
  warn: error => process.emitWarning(error),
}
