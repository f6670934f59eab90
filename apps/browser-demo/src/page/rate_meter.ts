interface Reading {
  readonly at_ms: number
  readonly total: number
}

/** How many a second, from a total that is read again and again. */
export class RateMeter {
  readonly #window_ms: number
  #readings: Reading[] = []

  /** The rate is that over the last `window_ms`. */
  constructor(window_ms: number) {
    this.#window_ms = window_ms
  }

  /** Takes a reading, and returns the rate. */
  read(total: number, at_ms: number): number {
    this.#readings.push({ at_ms, total })
    // One reading that is older stays: the rate is counted from it on.
    while ((this.#readings[1]?.at_ms ?? at_ms) <= at_ms - this.#window_ms) this.#readings.shift()
    const [first] = this.#readings
    if (first === undefined || first.at_ms === at_ms) return 0
    return ((total - first.total) * 1000) / (at_ms - first.at_ms)
  }
}
