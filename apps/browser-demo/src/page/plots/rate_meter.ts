interface Reading {
  readonly at_ms: number
  readonly total: number
}

/** Computes a rate per second from periodic readings of a total. */
export class RateMeter {
  readonly #window_ms: number
  #readings: Reading[] = []

  /** Averages over the last `window_ms`. */
  constructor(window_ms: number) {
    this.#window_ms = window_ms
  }

  /** Takes a reading, and returns the rate. */
  read(total: number, at_ms: number): number {
    this.#readings.push({ at_ms, total })
    // One older reading stays as the start of the window.
    while ((this.#readings[1]?.at_ms ?? at_ms) <= at_ms - this.#window_ms) this.#readings.shift()
    const [first] = this.#readings
    if (first === undefined || first.at_ms === at_ms) return 0
    return ((total - first.total) * 1000) / (at_ms - first.at_ms)
  }
}
