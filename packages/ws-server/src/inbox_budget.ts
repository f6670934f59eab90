import { INBOX_LIMIT_BYTES, NetError, TRY_AGAIN_LATER } from '@bt/ws-protocol'
import type { InboxBudget, InboxHolder } from '@bt/ws-protocol/node'

/** Beyond this part of the limit, less and less may wait for each socket. */
const CROWDED_FROM = 1 / 2

/** So much is set free at once, as a part of the limit, and so much may come in between two counts: both take time in proportion to all who hold something. */
const STEP = 1 / 64

/**
 * Bounds what a server holds of what has come in: while much is held, sockets with slow callbacks are paused sooner; above the limit, whoever holds
 * most is shed.
 */
export class TotalInboxBudget implements InboxBudget {
  readonly #limit_bytes: number
  /** Those that hold something and can be shed. */
  readonly #holders = new Set<InboxHolder>()
  #total_bytes = 0
  #uncounted_bytes = 0
  #shed = 0
  #is_busy = false

  constructor(limit_bytes: number) {
    this.#limit_bytes = limit_bytes
  }

  /** Bytes of memory held, as far as it was told. */
  get total_bytes(): number {
    return this.#total_bytes
  }

  /** How many sockets were closed for it. */
  get shed(): number {
    return this.#shed
  }

  get most_waiting_bytes(): number {
    const free_part = Math.max(0, 1 - this.#total_bytes / this.#limit_bytes)
    return INBOX_LIMIT_BYTES * Math.min(1, free_part / (1 - CROWDED_FROM))
  }

  changed(holder: InboxHolder, by_bytes: number): void {
    this.#total_bytes += by_bytes
    if (holder.held_bytes === 0) this.#holders.delete(holder)
    else this.#holders.add(holder)
    if (by_bytes < 0 || this.#is_busy) return
    this.#uncounted_bytes += by_bytes
    this.#is_busy = true
    if (this.#uncounted_bytes > this.#limit_bytes * STEP) this.#count()
    if (this.#total_bytes > this.#limit_bytes) this.#shed_largest()
    this.#is_busy = false
  }

  /** What a paused socket has read ahead, nobody has told. */
  #count(): void {
    this.#uncounted_bytes = 0
    for (const holder of this.#holders) holder.account()
  }

  #shed_largest(): void {
    const total_bytes = this.#total_bytes
    const most_bytes = this.#limit_bytes * (1 - STEP)
    const by_size = Array.from(this.#holders).sort((a, b) => b.held_bytes - a.held_bytes)
    for (const holder of by_size) {
      if (this.#total_bytes <= most_bytes) return
      const error = inbox_shed(total_bytes, this.#limit_bytes, holder.held_bytes)
      if (holder.shed(error, TRY_AGAIN_LATER)) this.#shed += 1
      // What it still holds is in the hands of a callback, or of what ends by itself.
      this.#holders.delete(holder)
    }
  }
}

function inbox_shed(total_bytes: number, limit_bytes: number, held_bytes: number): NetError {
  const message = `closed with ${TRY_AGAIN_LATER}: what has come in from all sockets takes ${total_bytes} bytes of memory, max_total_inbox is ${limit_bytes}, and this socket held ${held_bytes}, more than others; let callbacks finish sooner, lower max_payload, or raise the limit if there is memory`
  return new NetError('inbox_shed', message)
}
