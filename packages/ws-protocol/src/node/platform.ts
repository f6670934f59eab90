import { channel } from 'node:diagnostics_channel'
import { performance } from 'node:perf_hooks'
import { type FrameBatch, FrameQueue } from '../frame_queue.js'
import type { Platform } from '../platform.js'
import { frame_memory } from './frame_memory.js'

/** Node's timers, its monotonic clock, frames that are ready to be written, `diagnostics_channel`, and `process.emitWarning`. */
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
  channels: {
    open: channel('bt.net.open'),
    close: channel('bt.net.close'),
    message: channel('bt.net.message'),
    queue_full: channel('bt.net.queue_full'),
    refused: channel('bt.net.refused'),
    error: channel('bt.net.error'),
  },
  warn: error => process.emitWarning(error),
}
