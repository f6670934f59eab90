/** How long to wait between attempts, and how many there may be. */
export interface BackoffSettings {
  /** The longest wait before the first attempt, in milliseconds. */
  readonly min_delay: number
  /** The longest wait of all, in milliseconds. */
  readonly max_delay: number
  /** How many attempts there may be in a row. */
  readonly max_attempts: number
}

/**
 * Exponential backoff with full jitter: each wait is drawn from 0 up to a bound that doubles with every attempt, so that many who were cut
 * off together do not come back together.
 */
export class Backoff {
  readonly #settings: BackoffSettings
  readonly #random: () => number
  #attempts = 0

  /** `random`: a number from 0 up to 1, which it never is. */
  constructor(settings: BackoffSettings, random: () => number) {
    this.#settings = settings
    this.#random = random
  }

  /** How many attempts there have been in a row. */
  get attempts(): number {
    return this.#attempts
  }

  /** Whether there may be another one. */
  get may_try(): boolean {
    return this.#attempts < this.#settings.max_attempts
  }

  /** Counts another attempt, and draws how many milliseconds to wait before it. */
  next_delay_ms(): number {
    const { min_delay, max_delay } = this.#settings
    const bound_ms = Math.min(max_delay, min_delay * 2 ** this.#attempts)
    this.#attempts += 1
    return Math.floor(this.#random() * bound_ms)
  }

  /** What comes now is the first attempt again. */
  reset(): void {
    this.#attempts = 0
  }
}
