import { percentile } from './percentile.js'

/** Two percentiles of the time there and back, in milliseconds; `undefined` while nothing is known. */
export interface RoundTripFigures {
  readonly p50_ms: number | undefined
  readonly p99_ms: number | undefined
}

interface RoundTrip {
  readonly back_at_ms: number
  readonly took_ms: number
}

/** How long messages took there and back over the last few seconds. */
export class RoundTrips {
  readonly #window_ms: number
  #back: RoundTrip[] = []
  #under_way: number[] = []

  /** Forgets what came back longer than `window_ms` ago. */
  constructor(window_ms: number) {
    this.#window_ms = window_ms
  }

  /** A message has been sent; they come back in order. */
  sent(at_ms: number): void {
    this.#under_way.push(at_ms)
  }

  /** The message that was sent at `at_ms` is back. */
  back(at_ms: number, now_ms: number): void {
    this.#under_way = this.#under_way.filter(sent_ms => sent_ms > at_ms)
    this.#back.push({ back_at_ms: now_ms, took_ms: now_ms - at_ms })
  }

  /** The connection is gone, and what was under way with it. */
  clear(): void {
    this.#back = []
    this.#under_way = []
  }

  /** Messages under way count with the time they have taken so far, so that a standstill is seen while it lasts. */
  figures(now_ms: number): RoundTripFigures {
    this.#back = this.#back.filter(({ back_at_ms }) => back_at_ms > now_ms - this.#window_ms)
    const back = this.#back.map(({ took_ms }) => took_ms)
    const typical_ms = percentile([...back].sort(ascending), 0.5) ?? 0
    const late = this.#under_way.map(sent_ms => now_ms - sent_ms).filter(took_ms => took_ms > typical_ms)
    const all = back.concat(late).sort(ascending)
    return { p50_ms: percentile(all, 0.5), p99_ms: percentile(all, 0.99) }
  }
}

function ascending(a: number, b: number): number {
  return a - b
}
