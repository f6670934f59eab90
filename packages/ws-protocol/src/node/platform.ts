import { channel } from 'node:diagnostics_channel'
import { performance } from 'node:perf_hooks'
import { nextTick } from 'node:process'
import { type FrameBatch, FrameQueue } from '../frame_queue.js'
import type { Platform } from '../platform.js'
import { frame_memory } from './frame_memory.js'

let deferred: (() => void)[] = []
const promise_jobs = Promise.resolve()

/** A tick that is asked for from within a promise job comes when all promise jobs are done; asked for from without, before them. */
function ask_for_tick(): void {
  nextTick(run_deferred)
}

function run_deferred(): void {
  const tasks = deferred
  deferred = []
  let done = 0
  try {
    while (done < tasks.length) tasks[done++]?.()
  } finally {
    // One that throws, which the process is told of, keeps none of the others from being run.
    if (done < tasks.length) {
      deferred = [...tasks.slice(done), ...deferred]
      nextTick(run_deferred)
    }
  }
}

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
  defer(task) {
    deferred.push(task)
    if (deferred.length === 1) promise_jobs.then(ask_for_tick)
  },
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
