import type { CancelTimer, Clock } from './clock.js'

/**
 * How often a connection is looked at in the time of the option `heartbeat`. Looks are counted, not milliseconds: a process that was
 * stopped, and goes on, does not take its peers for dead.
 */
export const LOOKS_PER_HEARTBEAT = 10

/** What a heartbeat looks after. */
export interface Beating {
  /** Looks whether there was a sign of life since the last look, and does what is due. */
  look(): void
}

/** Looks after any number of connections with one timer, which runs while there is one. */
export class Heartbeat {
  readonly #look_every_ms: number | undefined
  readonly #clock: Clock
  readonly #beating = new Set<Beating>()
  #cancel_timer: CancelTimer | undefined

  /** `interval_ms`: the option `heartbeat`. */
  constructor(interval_ms: number | false, clock: Clock) {
    this.#look_every_ms = interval_ms === false ? undefined : interval_ms / LOOKS_PER_HEARTBEAT
    this.#clock = clock
  }

  /** Looks after one more. */
  add(beating: Beating): void {
    this.#beating.add(beating)
    this.#start_timer()
  }

  /** Looks after it no more. */
  delete(beating: Beating): void {
    this.#beating.delete(beating)
    if (this.#beating.size > 0) return
    this.#cancel_timer?.()
    this.#cancel_timer = undefined
  }

  #start_timer(): void {
    if (this.#look_every_ms === undefined || this.#cancel_timer !== undefined) return
    this.#cancel_timer = this.#clock.start_timer(this.#look_every_ms, () => {
      this.#cancel_timer = undefined
      for (const beating of this.#beating) beating.look()
      if (this.#beating.size > 0) this.#start_timer()
    })
  }
}
