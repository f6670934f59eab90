const MAX_SAMPLES = 1_024

/** How long answers to pings took, in milliseconds. */
export interface RoundTripStats {
  /** The median: half of them took at most this long. */
  readonly p50: number
  /** 99 of 100 took at most this long. */
  readonly p99: number
}

/** The last {@link MAX_SAMPLES} round trips of a server. */
export class RoundTrips {
  readonly #ms: number[] = []
  #next = 0

  /** Adds a round trip, which replaces the oldest one. */
  add(ms: number): void {
    this.#ms[this.#next] = ms
    this.#next = (this.#next + 1) % MAX_SAMPLES
  }

  /** Returns the percentiles, or `undefined` without any round trip. */
  stats(): RoundTripStats | undefined {
    if (this.#ms.length === 0) return undefined
    const sorted = [...this.#ms].sort((a, b) => a - b)
    const at = (part: number): number => sorted[Math.ceil(part * sorted.length) - 1] as number
    return { p50: at(0.5), p99: at(0.99) }
  }
}
