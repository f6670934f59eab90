import { AsyncResource } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'

/** How long short jobs may keep this thread in one turn of the event loop. */
const MOST_BUSY_MS = 1

/** Work that waits for its turn. */
export interface ShortJob {
  /** Does the work at once. */
  run(): void
}

/** Both kinds of turns begin outside of any request: what one connection's caller keeps in an `AsyncLocalStorage` is not for others. */
const outside = new AsyncResource('bt.net.zlib', { requireManualDestroy: true })

/** Lets short jobs run on this thread in the order in which they came; after a millisecond, sockets and timers come first. */
export class ShortTurns {
  /** A job that ends while it waits lets go of its message at once, wherever it stands in line. */
  readonly #waiting = new Set<ShortJob>()
  #is_asked_for = false

  add(job: ShortJob): void {
    this.#waiting.add(job)
    this.#ask()
  }

  remove(job: ShortJob): void {
    this.#waiting.delete(job)
  }

  #ask(): void {
    if (this.#is_asked_for || this.#waiting.size === 0) return
    this.#is_asked_for = true
    outside.runInAsyncScope(setImmediate, undefined, this.#run)
  }

  readonly #run = (): void => {
    const until_ms = performance.now() + MOST_BUSY_MS
    try {
      // A set that is iterated comes to what is added meanwhile, too: a connection's next message, behind those of others.
      for (const job of this.#waiting) {
        this.#waiting.delete(job)
        job.run()
        if (performance.now() >= until_ms) return
      }
    } finally {
      // One that throws keeps none of the others from being run.
      this.#is_asked_for = false
      this.#ask()
    }
  }
}

/** Node has four threads by default, and names, files and keys need one as well. */
const MOST_RUNNING = 3
const MOST_LARGE_RUNNING = 2

/** A job for one of the threads that all of the process shares. */
export interface ThreadJob {
  /** Whether it may take long. */
  readonly is_large: boolean
  /** Starts the work, which ends with `ThreadTurns.remove`. */
  start(): void
}

/**
 * Lets at most three jobs use Node's threads, at most two of them large. Large and other jobs wait in lines of their own, which take turns:
 * neither a few large messages nor a flood of others keeps the other line waiting.
 */
export class ThreadTurns {
  readonly #running = new Set<ThreadJob>()
  readonly #large = new Set<ThreadJob>()
  readonly #other = new Set<ThreadJob>()
  #large_running = 0
  #was_large = false

  add(job: ThreadJob): void {
    const line = job.is_large ? this.#large : this.#other
    line.add(job)
    this.#start()
  }

  /** Takes back a job that waits, or notes that one is over that has run. */
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
    while (this.#running.size < MOST_RUNNING) {
      const job = this.#next()
      if (job === undefined) return
      this.#running.add(job)
      this.#was_large = job.is_large
      if (job.is_large) this.#large_running += 1
      outside.runInAsyncScope(job.start, job)
    }
  }

  #next(): ThreadJob | undefined {
    const may_be_large = this.#large.size > 0 && this.#large_running < MOST_LARGE_RUNNING
    const line = may_be_large && (!this.#was_large || this.#other.size === 0) ? this.#large : this.#other
    const [job] = line
    if (job !== undefined) line.delete(job)
    return job
  }
}

/** The turns of this process, since its connections share the thread, and Node's threads. */
export const short_turns: ShortTurns = new ShortTurns()
export const thread_turns: ThreadTurns = new ThreadTurns()
