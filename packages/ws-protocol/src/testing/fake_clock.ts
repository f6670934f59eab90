import type { CancelTimer, Clock } from '../time/clock.js'

interface Timer {
  readonly due_ms: number
  readonly task: () => void
}

/** A clock that stands still until a test advances it. */
export class FakeClock implements Clock {
  #now_ms = 0
  readonly #timers = new Set<Timer>()

  /** Returns the number of running timers. */
  get timers(): number {
    return this.#timers.size
  }

  /** Returns when the next timer is due; infinity if there is none. */
  get next_due_ms(): number {
    return Math.min(...[...this.#timers].map(({ due_ms }) => due_ms))
  }

  /** Returns the time, in milliseconds. */
  now_ms(): number {
    return this.#now_ms
  }

  /** Starts a timer, which {@link FakeClock.advance} lets run out; returns how to cancel it. */
  start_timer(after_ms: number, task: () => void): CancelTimer {
    const timer = { due_ms: this.#now_ms + Math.max(0, after_ms), task }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Advances by `by_ms` milliseconds, and runs the timers that come due, in order. */
  advance(by_ms: number): void {
    const until_ms = this.#now_ms + by_ms
    for (let timer = this.#next(until_ms); timer !== undefined; timer = this.#next(until_ms)) {
      this.#now_ms = Math.max(this.#now_ms, timer.due_ms)
      this.#timers.delete(timer)
      timer.task()
    }
    // A task may have advanced the clock itself.
    this.#now_ms = Math.max(this.#now_ms, until_ms)
  }

  /**
   * Advances by `by_ms` milliseconds as if the process was busy: timers that come due run in the next
   * {@link FakeClock.advance}.
   */
  hold_up(by_ms: number): void {
    this.#now_ms += by_ms
  }

  #next(until_ms: number): Timer | undefined {
    const [first] = [...this.#timers]
      .filter(timer => timer.due_ms <= until_ms)
      .sort((a, b) => a.due_ms - b.due_ms)
    return first
  }
}
