import type { CancelTimer, Clock } from '../time/clock.js'

/**
 * The number of checks of a connection within the time of the option `heartbeat`. Checks are counted instead
 * of milliseconds, so that a process that was suspended does not take its peers for dead when it resumes.
 */
export const CHECKS_PER_HEARTBEAT = 10

/** A connection that a heartbeat checks. */
export interface HeartbeatTarget {
  /** Checks for a sign of life since the last check, and pings or terminates the connection if necessary. */
  check(): void
}

/** Checks any number of connections with one timer. */
export class Heartbeat {
  readonly #check_every_ms: number | undefined
  readonly #clock: Clock
  readonly #targets: () => Iterable<HeartbeatTarget>
  #cancel_timer: CancelTimer | undefined

  /** `interval_ms` is the option `heartbeat`. `targets` returns the connections to check, each time. */
  constructor(interval_ms: number | false, clock: Clock, targets: () => Iterable<HeartbeatTarget>) {
    this.#check_every_ms = interval_ms === false ? undefined : interval_ms / CHECKS_PER_HEARTBEAT
    this.#clock = clock
    this.#targets = targets
  }

  /** Starts checking; does nothing if started already. */
  start(): void {
    if (this.#check_every_ms !== undefined && this.#cancel_timer === undefined)
      this.#wait(this.#check_every_ms)
  }

  /** Stops checking. */
  stop(): void {
    this.#cancel_timer?.()
    this.#cancel_timer = undefined
  }

  #wait(ms: number): void {
    const cancel = this.#clock.start_timer(ms, () => {
      for (const target of this.#targets()) target.check()
      // A check may have ended the last connection, and stopped this heartbeat.
      if (this.#cancel_timer === cancel) this.#wait(ms)
    })
    this.#cancel_timer = cancel
  }
}
