import type { Duplex } from 'node:stream'
import type { CancelTimer, Clock } from '@bt/ws-protocol/internal'

/**
 * How often it is looked who is too late, in the time that each has. Looks are counted, not milliseconds: a process that was stopped, and
 * goes on, finds that many have asked meanwhile.
 */
const LOOKS = 10
const LOOKED_EVERY_MS_AT_MOST = 1_000

/** Those who have connected, and whose request has not come: each has only so long. */
export class Arrivals {
  readonly #look_every_ms: number
  readonly #most_looks: number
  readonly #clock: Clock
  readonly #too_late: (stream: Duplex) => void
  /** How many looks there had been when each connected. */
  readonly #arrived = new Map<Duplex, number>()
  #looks = 0
  #cancel_timer: CancelTimer | undefined

  /** `too_late` is called for each who asks for nothing in `most_ms`: then, or a tenth of that later, or a second where that is less. */
  constructor(most_ms: number, clock: Clock, too_late: (stream: Duplex) => void) {
    this.#look_every_ms = Math.min(LOOKED_EVERY_MS_AT_MOST, Math.ceil(most_ms / LOOKS))
    // The first look may come as soon as somebody has.
    this.#most_looks = Math.ceil(most_ms / this.#look_every_ms) + 1
    this.#clock = clock
    this.#too_late = too_late
  }

  /** One has connected. */
  add(stream: Duplex): void {
    this.#arrived.set(stream, this.#looks)
    this.#start_timer()
  }

  /** Its request is there, or it is turned away; returns for how many milliseconds it has waited, less up to the time of a look. */
  take(stream: Duplex): number {
    const arrived = this.#arrived.get(stream)
    if (arrived === undefined) return 0
    this.#arrived.delete(stream)
    return Math.max(0, this.#looks - arrived - 1) * this.#look_every_ms
  }

  /** Ends all who are there. */
  drop_all(): void {
    for (const stream of this.#arrived.keys()) stream.destroy()
    this.#arrived.clear()
    this.#cancel_timer?.()
  }

  #start_timer(): void {
    this.#cancel_timer ??= this.#clock.start_timer(this.#look_every_ms, () => {
      this.#cancel_timer = undefined
      this.#look()
      if (this.#arrived.size > 0) this.#start_timer()
    })
  }

  #look(): void {
    this.#looks += 1
    for (const [stream, arrived] of this.#arrived) {
      const is_late = this.#looks - arrived >= this.#most_looks
      if (is_late || stream.destroyed) this.#arrived.delete(stream)
      if (is_late && !stream.destroyed) this.#too_late(stream)
    }
  }
}
