import type { CancelTimer, Clock } from './clock.js'

/**
 * How often a connection is checked in the time of the option `heartbeat`. Checks are counted, not milliseconds, so that a process that was stopped
 * and goes on does not take its peers for dead.
 */
export const LOOKS_PER_HEARTBEAT = 10

/** What a heartbeat checks. */
export interface Beating {
  /** Checks for a sign of life since the last check, and does what is due. */
  look(): void
}

/** Checks any number of connections with one timer. */
export class Heartbeat {
  readonly #look_every_ms: number | undefined
  readonly #clock: Clock
  readonly #beating: () => Iterable<Beating>
  #cancel_timer: CancelTimer | undefined

  /** `interval_ms`: the option `heartbeat`. `beating`: returns the connections to check, each time. */
  constructor(interval_ms: number | false, clock: Clock, beating: () => Iterable<Beating>) {
    this.#look_every_ms = interval_ms === false ? undefined : interval_ms / LOOKS_PER_HEARTBEAT
    this.#clock = clock
    this.#beating = beating
  }

  /** Starts checking; does nothing if started already. */
  start(): void {
    if (this.#look_every_ms !== undefined && this.#cancel_timer === undefined) this.#wait(this.#look_every_ms)
  }

  /** Stops checking. */
  stop(): void {
    this.#cancel_timer?.()
    this.#cancel_timer = undefined
  }

  #wait(ms: number): void {
    const cancel = this.#clock.start_timer(ms, () => {
      for (const beating of this.#beating()) beating.look()
      // A check may have ended the last connection, and stopped this.
      if (this.#cancel_timer === cancel) this.#wait(ms)
    })
    this.#cancel_timer = cancel
  }
}
