import type { CancelTimer, Clock } from '../time/clock.js'

interface Timer {
  readonly due_ms: number
  readonly task: () => void
}

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #now_ms = 0
  readonly #timers = new Set<Timer>()

  /** How many timers are running. */
  get timers(): number {
    return this.#timers.size
  }

  now_ms(): number {
    return this.#now_ms
  }

  start_timer(after_ms: number, task: () => void): CancelTimer {
    const timer = { due_ms: this.#now_ms + Math.max(0, after_ms), task }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Lets `by_ms` milliseconds pass, and runs what comes due on the way, in the order of its time. */
  advance(by_ms: number): void {
    const until_ms = this.#now_ms + by_ms
    for (let timer = this.#next(until_ms); timer !== undefined; timer = this.#next(until_ms)) {
      this.#now_ms = Math.max(this.#now_ms, timer.due_ms)
      this.#timers.delete(timer)
      timer.task()
    }
    // A task may have let time pass itself.
    this.#now_ms = Math.max(this.#now_ms, until_ms)
  }

  /** Lets `by_ms` milliseconds pass in which nothing runs, as if the process was busy; what has come due runs in the next {@link FakeClock.advance}. */
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
