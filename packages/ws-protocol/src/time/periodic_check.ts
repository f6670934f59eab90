import type { CancelTimer, Clock } from './clock.js'

/**
 * The number of checks within a span. Checks are counted instead of milliseconds, so that a process that was
 * suspended does not take its peers for dead when it resumes.
 */
export const CHECKS_PER_SPAN = 10

/** Calls a function regularly with one timer, however many connections it checks. */
export class PeriodicCheck {
  readonly #every_ms: number | undefined
  readonly #clock: Clock
  readonly #check: () => void
  #cancel_timer: CancelTimer | undefined

  /** `false` for the span never checks. */
  constructor(span_ms: number | false, clock: Clock, check: () => void) {
    this.#every_ms = span_ms === false ? undefined : span_ms / CHECKS_PER_SPAN
    this.#clock = clock
    this.#check = check
  }

  /** Starts checking; does nothing if started already. */
  start(): void {
    if (this.#every_ms !== undefined && this.#cancel_timer === undefined) this.#wait(this.#every_ms)
  }

  /** Stops checking. */
  stop(): void {
    this.#cancel_timer?.()
    this.#cancel_timer = undefined
  }

  #wait(ms: number): void {
    const cancel = this.#clock.start_timer(ms, () => {
      this.#check()
      // A check may have ended the last connection, and stopped this.
      if (this.#cancel_timer === cancel) this.#wait(ms)
    })
    this.#cancel_timer = cancel
  }
}
