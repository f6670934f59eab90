import { channel } from 'node:diagnostics_channel'
import { performance } from 'node:perf_hooks'
import { nextTick } from 'node:process'
import type { Platform } from '../../connection/platform.js'
import { NetError } from '../../errors/errors.js'
import { escape_text } from '../../errors/shown_text.js'
import { limit_warnings } from '../../errors/warning_limit.js'
import { FrameQueue } from '../../queues/frame_queue.js'
import { frame_memory } from '../memory/frame_memory.js'

/** Tasks that are run together, in a tick that is asked for with the first of them. Its two lists are used again and again. */
class Tick {
  readonly #ask: (run: () => void) => void
  #tasks: ((() => void) | undefined)[] = []
  #count = 0
  #spare: ((() => void) | undefined)[] = []

  constructor(ask: (run: () => void) => void) {
    this.#ask = ask
  }

  add(task: () => void): void {
    this.#tasks[this.#count] = task
    this.#count += 1
    if (this.#count === 1) this.#ask(this.#run)
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
      // One that throws, which the process is told of, keeps none of the others from being run.
      for (; done < count; done += 1) this.add(tasks[done] as () => void)
    }
  }
}

const promise_jobs = Promise.resolve()
const tick = new Tick(run => nextTick(run))
// A tick that is asked for from within a promise job comes when all promise jobs are done; asked for from without, before them.
const last_tick = new Tick(run => promise_jobs.then(() => nextTick(run)))

/** Node's timers, its monotonic clock, frames that are ready to be written, `diagnostics_channel`, and `process.emitWarning`. */
export const node_platform: Platform = {
  clock: {
    now_ms: () => performance.now(),
    start_timer(after_ms, task) {
      let immediate: NodeJS.Immediate | undefined
      // Node runs timers before it reads sockets: what arrived while the process was busy comes first.
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

/** What a callback throws may quote a message of a peer, of any length. */
const LONGEST_SHOWN = 4_096

/** Shows a warning; for what a callback threw, also where, which Node prints as its `detail`. */
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

/** Returns where an error was made, its lines escaped. What a callback throws may be anything, and its `stack` too, as with `Error.prepareStackTrace`. */
function stack_of(cause: unknown): string | undefined {
  try {
    const stack: unknown = cause instanceof Error ? cause.stack : undefined
    if (typeof stack !== 'string') return undefined
    return stack.slice(0, LONGEST_SHOWN).split('\n').map(escape_text).join('\n')
  } catch {
    // It throws when it is read, which the message says.
    return undefined
  }
}
