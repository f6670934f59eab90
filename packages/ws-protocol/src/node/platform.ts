import { performance } from 'node:perf_hooks'
import type { Platform } from '../platform.js'

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
    allocate: size_bytes => Buffer.allocUnsafe(size_bytes),
    byte_length: text => Buffer.byteLength(text),
    write(text, target, offset) {
      ;(target as Buffer).write(text, offset)
    },
  },
  // Runs when the running callback has returned, and again behind the promise jobs that it started.
  defer: task => process.nextTick(task),
  warn: error => process.emitWarning(error),
}
