// Whoever was held up for longer (a tab in the background) does not make up for it in one burst.
const MOST_LATE_MS = 250

/** Says how many messages are due, for a steady rate from a timer that is not. */
export class Pacer {
  #rate: number
  #last_ms: number
  #fraction = 0

  /** `rate` is in messages a second, counted from `now_ms` on. */
  constructor(rate: number, now_ms: number) {
    this.#rate = rate
    this.#last_ms = now_ms
  }

  /** Goes on with another rate. */
  set_rate(rate: number): void {
    this.#rate = rate
  }

  /** How many messages have become due since it was asked last. */
  due(now_ms: number): number {
    const passed_ms = Math.min(now_ms - this.#last_ms, Math.max(MOST_LATE_MS, 1000 / this.#rate))
    this.#last_ms = now_ms
    this.#fraction += (passed_ms * this.#rate) / 1000
    const due = Math.floor(this.#fraction)
    this.#fraction -= due
    return due
  }
}
