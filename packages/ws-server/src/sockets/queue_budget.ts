import { NetError } from '@bt/ws-protocol'
import { type QueueBudget, TRY_AGAIN_LATER } from '@bt/ws-protocol/internal'

/** What a budget has to know of a connection, and may do to it. */
export interface Sheddable {
  /** Bytes that wait in its queue. */
  readonly queued: number
  /** Hands to the network what that takes. */
  flush(): void
  /** Closes with `code`, throws away what waits, and reports `error` when the turn is over; `false` if it is about to end already. */
  shed(error: NetError, code: number): boolean
}

/** So much is taken between two counts, at least, as a part of the limit: to count costs time in proportion to the number of connections. */
const LEAST_STEP = 1 / 64

/**
 * Bounds what all connections of a server have queued together: above it, the largest queues are shed first. Counting them all for each
 * message would cost too much; so it is done when as much has been sent since the last count as was left then.
 */
export class TotalQueueBudget implements QueueBudget {
  readonly #limit_bytes: number
  readonly #connections: () => Iterable<Sheddable>
  /** Those that end: what they still hold, they hold for each count until they have. */
  readonly #ending = new WeakSet<Sheddable>()
  #left_bytes: number
  #shed = 0

  constructor(limit_bytes: number, connections: () => Iterable<Sheddable>) {
    this.#limit_bytes = limit_bytes
    this.#connections = connections
    this.#left_bytes = this.#next_step(0)
  }

  /** How many connections were closed for it. */
  get shed(): number {
    return this.#shed
  }

  took(frame_bytes: number): void {
    this.#left_bytes -= frame_bytes
    if (this.#left_bytes <= 0) this.#count()
  }

  #count(): void {
    const connections = Array.from(this.#connections())
    const most_bytes = this.#limit_bytes * (1 - LEAST_STEP)
    let total_bytes = total_of(connections)
    if (total_bytes > most_bytes) {
      // What was sent in this turn may wait for nothing but its end.
      for (const connection of connections) connection.flush()
      total_bytes = total_of(connections)
    }
    this.#left_bytes = this.#next_step(Math.min(total_bytes, most_bytes))
    if (total_bytes > most_bytes) this.#shed_largest(connections, total_bytes - most_bytes)
  }

  #shed_largest(connections: readonly Sheddable[], excess_bytes: number): void {
    const total_bytes = total_of(connections)
    const by_size = connections.map(connection => ({ connection, queued: connection.queued }))
    let shed_bytes = 0
    for (const { connection, queued } of by_size.sort((a, b) => b.queued - a.queued)) {
      if (shed_bytes >= excess_bytes) return
      if (!this.#ending.has(connection)) {
        const error = queue_shed(total_bytes - shed_bytes, this.#limit_bytes, queued)
        if (connection.shed(error, TRY_AGAIN_LATER)) this.#shed += 1
        this.#ending.add(connection)
      }
      // Nor is anybody shed for what those still hold that are about to end.
      shed_bytes += queued
    }
  }

  #next_step(total_bytes: number): number {
    return Math.max(this.#limit_bytes - total_bytes, this.#limit_bytes * LEAST_STEP)
  }
}

function total_of(connections: readonly Sheddable[]): number {
  return connections.reduce((sum, { queued }) => sum + queued, 0)
}

function queue_shed(total_bytes: number, limit_bytes: number, queued: number): NetError {
  const message = `closed with ${TRY_AGAIN_LATER}: ${total_bytes} bytes wait in the queues of all sockets, max_total_queue is ${limit_bytes}, and this was the largest queue with ${queued}; send slow peers less, or raise the limit if there is memory`
  return new NetError('queue_shed', message)
}
