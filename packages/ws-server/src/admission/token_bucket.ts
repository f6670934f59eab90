import type { Clock } from '@bt/ws-protocol/internal'

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
    const now_ms = this.#clock.now_ms()
    const earned = ((now_ms - this.#filled_at_ms) * this.#per_second) / 1_000
    this.#tokens = Math.min(this.#per_second, this.#tokens + earned)
    this.#filled_at_ms = now_ms
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
