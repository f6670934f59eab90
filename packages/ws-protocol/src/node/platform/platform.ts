import { channel } from 'node:diagnostics_channel'
import type { Platform } from '../../connection/platform.js'
import { NetError } from '../../errors/errors.js'
import { escape_text } from '../../errors/shown_text.js'
import { limit_warnings } from '../../errors/warning_limit.js'
import { FrameQueue } from '../../queues/frame_queue.js'
import { frame_memory } from '../memory/frame_memory.js'
import { next_tick } from '../turns/real_turns.js'

/**
 * Tasks that run together in one tick, which the first of them schedules. Two lists are reused alternately.
 */
class Tick {
  readonly #schedule: (run: () => void) => void
  #tasks: ((() => void) | undefined)[] = []
  #count = 0
  #spare: ((() => void) | undefined)[] = []

  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule
  }

  add(task: () => void): void {
    this.#tasks[this.#count] = task
    this.#count += 1
    if (this.#count === 1) this.#schedule(this.#run)
  }

  readonly #run = (): void => {
    const tasks = this.#tasks
    const count = this.#count
    this.#tasks = this.#spare
    this.#count = 0
    let done = 0
    try {
      while (done < count) {
        const task = tasks[done] as () => void
        tasks[done] = undefined
        done += 1
        task()
      }
    } finally {
      this.#spare = tasks
      // If a task throws, which reaches the process as an uncaught exception, the others still run.
      for (; done < count; done += 1) this.add(tasks[done] as () => void)
    }
  }
}

const promise_jobs = Promise.resolve()
const tick = new Tick(run => next_tick(run))
// `next_tick` runs its callback after all promise jobs if it is called from within one, and before them
// otherwise.
const last_tick = new Tick(run => promise_jobs.then(() => next_tick(run)))

/**
 * The platform Node: its timers and monotonic clock, queues of frames, `diagnostics_channel`, and
 * `process.emitWarning`.
 */
export const node_platform: Platform = {
  clock: {
    now_ms: () => performance.now(),
    start_timer(after_ms, task) {
      // A test may replace these functions by fake ones before the timer is cancelled, and Node's own
      // `clearImmediate` breaks its queue with an immediate that is not its own.
      const { setTimeout, clearTimeout, setImmediate, clearImmediate } = globalThis
      let immediate: NodeJS.Immediate | undefined
      // Node runs timers before it reads sockets, but data that arrived while the process was busy must be
      // read first.
      const timer = setTimeout(() => {
        immediate = setImmediate(task)
      }, after_ms)
      return () => {
        clearTimeout(timer)
        clearImmediate(immediate)
      }
    },
  },
  byte_length: text => Buffer.byteLength(text),
  make_queue: is_masked => new FrameQueue(is_masked, frame_memory),
  soon: task => tick.add(task),
  defer: task => last_tick.add(task),
  make_controller: () => new AbortController(),
  channels: {
    open: channel('bt.net.open'),
    close: channel('bt.net.close'),
    message: channel('bt.net.message'),
    queue_full: channel('bt.net.queue_full'),
    refused: channel('bt.net.refused'),
    error: channel('bt.net.error'),
  },
  warn: limit_warnings(warn, (task, after_ms) => setTimeout(task, after_ms).unref()),
}

/** The longest text to show: an error thrown by a callback may quote a message of a peer, of any length. */
const LONGEST_SHOWN = 4_096

/** Shows a warning; for an error thrown by a callback with its stack, which Node prints as the `detail`. */
function warn(error: NetError): void {
  const { code, message, cause } = error
  const shown =
    message.length > LONGEST_SHOWN
      ? new NetError(code, `${message.slice(0, LONGEST_SHOWN)}…`, { cause })
      : error
  const stack = code === 'handler_failed' ? stack_of(cause) : undefined
  if (stack !== undefined) Object.defineProperty(shown, 'detail', { value: stack })
  process.emitWarning(shown)
}

/**
 * Returns the escaped stack of a thrown value, which may be anything, as may its `stack` with
 * `Error.prepareStackTrace`.
 */
function stack_of(cause: unknown): string | undefined {
  try {
    const stack: unknown = cause instanceof Error ? cause.stack : undefined
    if (typeof stack !== 'string') return undefined
    return stack.slice(0, LONGEST_SHOWN).split('\n').map(escape_text).join('\n')
  } catch {
    // Reading the stack threw, which the message of the error says.
    return undefined
  }
}
