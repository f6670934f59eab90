// After a longer stall, as of a tab in the background, the missed messages do not follow in one burst.
const MOST_LATE_MS = 250

/** Computes how many messages are due, for a steady rate from an unsteady timer. */
export class Pacer {
  #rate: number
  #last_ms: number
  #fraction = 0

  /** `rate` is in messages per second, counted from `now_ms` on. */
  constructor(rate: number, now_ms: number) {
    this.#rate = rate
    this.#last_ms = now_ms
  }

  /** Changes the rate. */
  set_rate(rate: number): void {
    this.#rate = rate
  }

  /** Returns the number of messages that have become due since the last call. */
  due(now_ms: number): number {
    const passed_ms = Math.min(now_ms - this.#last_ms, Math.max(MOST_LATE_MS, 1000 / this.#rate))
    this.#last_ms = now_ms
    this.#fraction += (passed_ms * this.#rate) / 1000
    const due = Math.floor(this.#fraction)
    this.#fraction -= due
    return due
  }
}
