/** The delays between attempts, and their number. */
export interface BackoffSettings {
  /** The upper bound of the delay before the first attempt, in milliseconds. */
  readonly min_delay: number
  /** The upper bound of all delays, in milliseconds. */
  readonly max_delay: number
  /** The largest number of attempts without a reset. */
  readonly max_attempts: number
}

/**
 * Exponential backoff with full jitter: each delay is random between 0 and a bound that doubles with every
 * attempt, so that clients that were disconnected together do not reconnect together.
 */
export class Backoff {
  readonly #settings: BackoffSettings
  readonly #random: () => number
  #attempts = 0

  /** `random` returns a number from 0 up to, but not including, 1. */
  constructor(settings: BackoffSettings, random: () => number) {
    this.#settings = settings
    this.#random = random
  }

  /** The number of attempts since the last reset. */
  get attempts(): number {
    return this.#attempts
  }

  /** Whether another attempt is allowed. */
  get may_try(): boolean {
    return this.#attempts < this.#settings.max_attempts
  }

  /** Counts another attempt, and returns the random delay before it, in milliseconds. */
  next_delay_ms(): number {
    const { min_delay, max_delay } = this.#settings
    const bound_ms = Math.min(max_delay, min_delay * 2 ** this.#attempts)
    this.#attempts += 1
    return Math.floor(this.#random() * bound_ms)
  }

  /** Uncounts the last attempt, if there was one: for a failure that says nothing about the peer. */
  uncount(): void {
    if (this.#attempts > 0) this.#attempts -= 1
  }

  /** Starts over with the first attempt. */
  reset(): void {
    this.#attempts = 0
  }
}
