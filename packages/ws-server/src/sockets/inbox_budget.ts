import { NetError } from '@bt/ws-protocol'
import { INBOX_LIMIT_BYTES, TRY_AGAIN_LATER } from '@bt/ws-protocol/internal'
import type { InboxBudget, InboxHolder } from '@bt/ws-protocol/internal/node'
import { shed_reason } from './shed_reason.js'

/** The fraction of the limit from which the allowance of each socket shrinks. */
const THROTTLE_FROM = 1 / 2

/**
 * The fraction of the limit that is freed at once, and that may be received before holders are counted or
 * shed again, because both take time in proportion to the number of holders.
 */
const STEP = 1 / 64

/**
 * How much more may wait in a session before its socket is paused. The window of the session slows an honest client
 * sooner, and by the bytes on the wire: small messages take many times as much memory. If that paused the socket,
 * it would keep out the acknowledgement that a callback may be waiting for.
 */
const SESSION_FACTOR = 32

/**
 * Limits the memory that a server holds for received data. While much is held, sockets with slow callbacks
 * are paused sooner; above the limit, the holders that free the most memory are shed.
 */
export class TotalInboxBudget implements InboxBudget {
  readonly #limit_bytes: number
  /** Holders of any memory. */
  readonly #holders = new Set<InboxHolder>()
  #total_bytes = 0
  #uncounted_bytes = 0
  /** Holders are shed above this: the limit, or more while only the callbacks could free the excess. */
  #shed_above_bytes: number
  #shed = 0
  #is_busy = false

  constructor(limit_bytes: number) {
    this.#limit_bytes = limit_bytes
    this.#shed_above_bytes = limit_bytes
  }

  /** The memory held by all holders, as last reported. */
  get total_bytes(): number {
    return this.#total_bytes
  }

  /** The number of sockets closed because of the limit. */
  get shed(): number {
    return this.#shed
  }

  get max_waiting_bytes(): number {
    const free_part = Math.max(0, 1 - this.#total_bytes / this.#limit_bytes)
    return INBOX_LIMIT_BYTES * Math.min(1, free_part / (1 - THROTTLE_FROM))
  }

  /** Returns the same limit for sockets of sessions, which are paused later. */
  for_sessions(): InboxBudget {
    const max_waiting_bytes = (): number => this.max_waiting_bytes * SESSION_FACTOR
    return {
      get max_waiting_bytes() {
        return max_waiting_bytes()
      },
      changed: (holder, by_bytes) => this.changed(holder, by_bytes),
    }
  }

  changed(holder: InboxHolder, by_bytes: number): void {
    this.#total_bytes += by_bytes
    if (holder.held_bytes === 0) this.#holders.delete(holder)
    else this.#holders.add(holder)
    if (this.#is_busy) return
    this.#is_busy = true
    try {
      if (by_bytes > 0) this.#on_growth(by_bytes)
      else this.#shed_above_bytes = Math.min(this.#shed_above_bytes, this.#next_step)
    } finally {
      this.#is_busy = false
    }
  }

  #on_growth(by_bytes: number): void {
    this.#uncounted_bytes += by_bytes
    if (this.#uncounted_bytes > this.#limit_bytes * STEP) this.#count()
    if (this.#total_bytes <= this.#shed_above_bytes) return
    this.#shed_largest()
    this.#shed_above_bytes = this.#next_step
  }

  get #next_step(): number {
    const is_exceeded = this.#total_bytes > this.#limit_bytes
    return is_exceeded ? this.#total_bytes + this.#limit_bytes * STEP : this.#limit_bytes
  }

  /** Makes every holder report its memory, because a paused socket does not report what it has read ahead. */
  #count(): void {
    this.#uncounted_bytes = 0
    for (const holder of this.#holders) holder.account()
  }

  #shed_largest(): void {
    const total_bytes = this.#total_bytes
    const target_bytes = this.#limit_bytes * (1 - STEP)
    const sheddable = Array.from(this.#holders).filter(({ sheddable_bytes }) => sheddable_bytes > 0)
    for (const holder of sheddable.sort((a, b) => b.sheddable_bytes - a.sheddable_bytes)) {
      if (this.#total_bytes <= target_bytes) return
      const error = inbox_shed(total_bytes, this.#limit_bytes, holder.held_bytes)
      if (holder.shed(error, TRY_AGAIN_LATER, shed_reason())) this.#shed += 1
    }
  }
}

function inbox_shed(total_bytes: number, limit_bytes: number, held_bytes: number): NetError {
  const message = `closed with ${TRY_AGAIN_LATER}: what has come in from all sockets takes ${total_bytes} bytes of memory, max_total_inbox is ${limit_bytes}, and this socket held ${held_bytes}, more than others; let callbacks finish sooner, lower max_payload, or raise the limit if there is memory`
  return new NetError('inbox_shed', message)
}
