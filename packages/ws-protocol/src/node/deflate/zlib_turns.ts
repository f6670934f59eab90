import { AsyncResource } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import { next_turn } from '../turns/real_turns.js'

/** The longest time that short jobs may keep this thread busy in one turn of the event loop. */
const MAX_BUSY_MS = 1

/** A job that runs on this thread. */
export interface ShortJob {
  /** Does the work synchronously. */
  run(): void
}

/**
 * Jobs start in this asynchronous context, since one caller's `AsyncLocalStorage` must not be visible to the
 * jobs of others.
 */
const outside = new AsyncResource('bt.net.zlib', { requireManualDestroy: true })

/**
 * Runs short jobs on this thread in the order in which they were added; after a millisecond, sockets and
 * timers come first.
 */
export class ShortTurns {
  /** A set, so that a job that ends while it waits can be removed from anywhere in the queue. */
  readonly #waiting = new Set<ShortJob>()
  #is_scheduled = false

  /** The number of jobs that wait. */
  get size(): number {
    return this.#waiting.size
  }

  add(job: ShortJob): void {
    this.#waiting.add(job)
    this.#schedule()
  }

  remove(job: ShortJob): void {
    this.#waiting.delete(job)
  }

  #schedule(): void {
    if (this.#is_scheduled || this.#waiting.size === 0) return
    this.#is_scheduled = true
    outside.runInAsyncScope(next_turn, undefined, this.#run)
  }

  readonly #run = (): void => {
    const until_ms = performance.now() + MAX_BUSY_MS
    try {
      // The iteration includes jobs that are added meanwhile, such as a connection's next message, behind
      // those of others.
      for (const job of this.#waiting) {
        this.#waiting.delete(job)
        job.run()
        if (performance.now() >= until_ms) return
      }
    } finally {
      // If a job throws, the others still run.
      this.#is_scheduled = false
      this.#schedule()
    }
  }
}

/** Node has four threads by default, and DNS lookups, files and cryptography need one as well. */
const MAX_RUNNING = 3
const MAX_LARGE_RUNNING = 2

/** A job for one of Node's threads, which the whole process shares. */
export interface ThreadJob {
  /** Whether it may take long. */
  readonly is_large: boolean
  /** Starts the work, which ends with `ThreadTurns.remove`. */
  start(): void
}

/**
 * Lets at most three jobs use Node's threads, at most two of them large. Large and other jobs wait in
 * separate queues, which take turns: neither a few large messages nor a flood of others keeps the other queue
 * waiting.
 */
export class ThreadTurns {
  readonly #running = new Set<ThreadJob>()
  readonly #large = new Set<ThreadJob>()
  readonly #other = new Set<ThreadJob>()
  #large_running = 0
  #was_large = false

  /** The number of jobs that wait or run. */
  get size(): number {
    return this.#running.size + this.#large.size + this.#other.size
  }

  add(job: ThreadJob): void {
    const queue = job.is_large ? this.#large : this.#other
    queue.add(job)
    this.#start()
  }

  /** Removes a job that waits, or records that a running one has finished. */
  remove(job: ThreadJob): void {
    if (this.#running.delete(job)) {
      if (job.is_large) this.#large_running -= 1
      this.#start()
    } else {
      this.#large.delete(job)
      this.#other.delete(job)
    }
  }

  #start(): void {
    while (this.#running.size < MAX_RUNNING) {
      const job = this.#next()
      if (job === undefined) return
      this.#running.add(job)
      this.#was_large = job.is_large
      if (job.is_large) this.#large_running += 1
      outside.runInAsyncScope(job.start, job)
    }
  }

  #next(): ThreadJob | undefined {
    const may_be_large = this.#large.size > 0 && this.#large_running < MAX_LARGE_RUNNING
    const queue = may_be_large && (!this.#was_large || this.#other.size === 0) ? this.#large : this.#other
    const [job] = queue
    if (job !== undefined) queue.delete(job)
    return job
  }
}

/** The turns of this process, whose connections share this thread and Node's threads. */
export const short_turns: ShortTurns = new ShortTurns()
export const thread_turns: ThreadTurns = new ThreadTurns()
