import type { Duplex } from 'node:stream'
import type { CancelTimer, Clock } from '@bt/ws-protocol/internal'

/**
 * The number of checks within one timeout. Streams are timed by checks rather than by milliseconds, so that a
 * process that was suspended first reads what has arrived in the meantime.
 */
const CHECKS_PER_TIMEOUT = 10
const MAX_CHECK_INTERVAL_MS = 1_000

/**
 * Limits how long each of many new connections may take for its next step, such as the request, with one
 * timer for all.
 */
export class StreamTimeouts {
  readonly #check_interval_ms: number
  readonly #max_checks: number
  readonly #clock: Clock
  readonly #on_timeout: (stream: Duplex) => void
  /** The number of the last check before each stream was added. */
  readonly #added_at = new Map<Duplex, number>()
  #checks = 0
  #cancel_timer: CancelTimer | undefined

  /**
   * `on_timeout` is called after `timeout_ms`, or up to one check interval later: a tenth of it, but at most
   * a second.
   */
  constructor(timeout_ms: number, clock: Clock, on_timeout: (stream: Duplex) => void) {
    this.#check_interval_ms = Math.min(MAX_CHECK_INTERVAL_MS, Math.ceil(timeout_ms / CHECKS_PER_TIMEOUT))
    // The first check may follow right after a stream was added, so it does not count.
    this.#max_checks = Math.ceil(timeout_ms / this.#check_interval_ms) + 1
    this.#clock = clock
    this.#on_timeout = on_timeout
  }

  /** Starts the timeout of a stream. */
  add(stream: Duplex): void {
    this.#added_at.set(stream, this.#checks)
    this.#start_timer()
  }

  /**
   * Ends the timeout of a stream. Returns the elapsed time in milliseconds, rounded down to whole check
   * intervals.
   */
  remove(stream: Duplex): number {
    const added_at = this.#added_at.get(stream)
    if (added_at === undefined) return 0
    this.#added_at.delete(stream)
    return Math.max(0, this.#checks - added_at - 1) * this.#check_interval_ms
  }

  /** Destroys all streams whose timeout runs. */
  destroy_all(): void {
    for (const stream of this.#added_at.keys()) stream.destroy()
    this.#added_at.clear()
    this.#cancel_timer?.()
  }

  #start_timer(): void {
    this.#cancel_timer ??= this.#clock.start_timer(this.#check_interval_ms, () => {
      this.#cancel_timer = undefined
      this.#check()
      if (this.#added_at.size > 0) this.#start_timer()
    })
  }

  #check(): void {
    this.#checks += 1
    for (const [stream, added_at] of this.#added_at) {
      const is_late = this.#checks - added_at >= this.#max_checks
      if (is_late || stream.destroyed) this.#added_at.delete(stream)
      if (is_late && !stream.destroyed) this.#on_timeout(stream)
    }
  }
}
