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

/** Looks after any number of connections with one timer. */
export class Heartbeat {
  readonly #look_every_ms: number | undefined
  readonly #clock: Clock
  readonly #beating: () => Iterable<Beating>
  #is_started = false
  #cancel_timer: CancelTimer | undefined

  /** `interval_ms`: the option `heartbeat`. `beating`: those who are to be looked after, whenever it is time. */
  constructor(interval_ms: number | false, clock: Clock, beating: () => Iterable<Beating>) {
    this.#look_every_ms = interval_ms === false ? undefined : interval_ms / LOOKS_PER_HEARTBEAT
    this.#clock = clock
    this.#beating = beating
  }

  /** There is somebody to look after; when it looks already, that changes nothing. */
  start(): void {
    this.#is_started = true
    if (this.#look_every_ms === undefined || this.#cancel_timer !== undefined) return
    this.#cancel_timer = this.#clock.start_timer(this.#look_every_ms, () => {
      this.#cancel_timer = undefined
      for (const beating of this.#beating()) beating.look()
      // Whoever was looked at may have been the last one.
      if (this.#is_started) this.start()
    })
  }

  /** There is nobody to look after any more. */
  stop(): void {
    this.#is_started = false
    this.#cancel_timer?.()
    this.#cancel_timer = undefined
  }
}
