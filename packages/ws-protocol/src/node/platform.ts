import { performance } from 'node:perf_hooks'
import { type FrameBatch, FrameQueue } from '../frame_queue.js'
import type { Platform } from '../platform.js'
import { frame_memory } from './frame_memory.js'

/** Node's timers, its monotonic clock, frames that are ready to be written, and `process.emitWarning`. */
export const node_platform: Platform<FrameBatch> = {
  clock: {
    now_ms: () => performance.now(),
    start_timer(after_ms, task) {
      const timer = setTimeout(task, after_ms)
      return () => clearTimeout(timer)
    },
  },
  byte_length: text => Buffer.byteLength(text),
  make_queue: is_masked => new FrameQueue(is_masked, frame_memory),
  // A tick that is asked for from within a promise job comes when all promise jobs are done; asked for from without, before them.
  defer: task => queueMicrotask(() => process.nextTick(task)),
  warn: error => process.emitWarning(error),
}
