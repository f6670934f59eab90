import { percentile } from './percentile.js'

/** Two percentiles of the round-trip time, in milliseconds; `undefined` without any measurement. */
export interface RoundTripFigures {
  readonly p50_ms: number | undefined
  readonly p99_ms: number | undefined
}

interface RoundTrip {
  readonly back_at_ms: number
  readonly took_ms: number
}

/** The round-trip times of the last few seconds. */
export class RoundTrips {
  readonly #window_ms: number
  #back: RoundTrip[] = []
  #pending_sent_ms: number[] = []

  /** Covers the round trips that ended in the last `window_ms`. */
  constructor(window_ms: number) {
    this.#window_ms = window_ms
  }

  /** Records a sent message. Messages come back in order. */
  sent(at_ms: number): void {
    this.#pending_sent_ms.push(at_ms)
  }

  /** Records the return of the message that was sent at `at_ms`. */
  back(at_ms: number, now_ms: number): void {
    this.#pending_sent_ms = this.#pending_sent_ms.filter(sent_ms => sent_ms > at_ms)
    this.#back.push({ back_at_ms: now_ms, took_ms: now_ms - at_ms })
  }

  /** Forgets everything, because the connection was lost along with its pending messages. */
  clear(): void {
    this.#back = []
    this.#pending_sent_ms = []
  }

  /** Pending messages count with their time so far, so that a stall shows while it lasts. */
  figures(now_ms: number): RoundTripFigures {
    this.#back = this.#back.filter(({ back_at_ms }) => back_at_ms > now_ms - this.#window_ms)
    const back = this.#back.map(({ took_ms }) => took_ms)
    const typical_ms = percentile([...back].sort(ascending), 0.5) ?? 0
    const late = this.#pending_sent_ms
      .map(sent_ms => now_ms - sent_ms)
      .filter(took_ms => took_ms > typical_ms)
    const all = back.concat(late).sort(ascending)
    return { p50_ms: percentile(all, 0.5), p99_ms: percentile(all, 0.99) }
  }
}

function ascending(a: number, b: number): number {
  return a - b
}
