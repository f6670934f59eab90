import type { Clock } from './clock.js'

/** A token bucket that fills at a constant rate, and holds the tokens of one second. */
export class TokenBucket {
  readonly #per_second: number
  readonly #clock: Pick<Clock, 'now_ms'>
  #tokens: number
  #filled_at_ms: number

  constructor(per_second: number, clock: Pick<Clock, 'now_ms'>) {
    this.#per_second = per_second
    this.#clock = clock
    this.#tokens = per_second
    this.#filled_at_ms = clock.now_ms()
  }

  /** Takes a token if a whole one is available. */
  take(): boolean {
    return this.take_up_to(1) === 1
  }

  /** Takes at most `count` tokens, as far as whole ones are available; returns how many. */
  take_up_to(count: number): number {
    this.#fill()
    const taken = Math.min(count, Math.floor(this.#tokens))
    this.#tokens -= taken
    return taken
  }

  /**
   * Returns how long to wait for the next tokens if no whole one is left, in whole milliseconds: until there
   * are as many as `over_ms` brings, and at least one.
   */
  wait_ms(over_ms: number): number {
    this.#fill()
    if (this.#tokens >= 1) return 0
    const missing = Math.max(1, (this.#per_second * over_ms) / 1_000) - this.#tokens
    return Math.ceil((missing * 1_000) / this.#per_second)
  }

  #fill(): void {
    const now_ms = this.#clock.now_ms()
    const earned = ((now_ms - this.#filled_at_ms) * this.#per_second) / 1_000
    this.#tokens = Math.min(this.#per_second, this.#tokens + earned)
    this.#filled_at_ms = now_ms
  }
}
