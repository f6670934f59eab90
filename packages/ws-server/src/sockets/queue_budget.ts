import { NetError } from '@bt/ws-protocol'
import { type QueueBudget, TRY_AGAIN_LATER } from '@bt/ws-protocol/internal'
import { shed_reason } from './shed_reason.js'

/** A connection whose send queue counts against a {@link TotalQueueBudget}. */
export interface BudgetedConnection {
  /** The number of queued bytes. */
  readonly queued: number
  /** Writes the queue to the network, as far as the network takes it. */
  flush(): void
  /**
   * Closes with `code` and `reason`, drops the queue, and reports `error` at the end of the turn. Returns
   * `false` if it is ending already.
   */
  shed(error: NetError, code: number, reason: string): boolean
}

/**
 * The fraction of the limit that has to be sent, at least, between two counts, because a count takes time in
 * proportion to the number of connections.
 */
const MIN_STEP = 1 / 64

/**
 * Limits the total size of the send queues of a server, and sheds the largest queues above it. Counting all
 * queues for each message would be too slow, so they are counted again when as much has been sent since the
 * last count as was left then.
 */
export class TotalQueueBudget implements QueueBudget {
  readonly #limit_bytes: number
  readonly #connections: () => Iterable<BudgetedConnection>
  /** Shed connections, whose queues still count until they have ended. */
  readonly #ending = new WeakSet<BudgetedConnection>()
  #bytes_until_count: number
  #shed = 0

  constructor(limit_bytes: number, connections: () => Iterable<BudgetedConnection>) {
    this.#limit_bytes = limit_bytes
    this.#connections = connections
    this.#bytes_until_count = this.#next_step(0)
  }

  /** The number of connections closed because of the limit. */
  get shed(): number {
    return this.#shed
  }

  took(frame_bytes: number): void {
    this.#bytes_until_count -= frame_bytes
    if (this.#bytes_until_count <= 0) this.#count()
  }

  #count(): void {
    const connections = Array.from(this.#connections())
    const target_bytes = this.#limit_bytes * (1 - MIN_STEP)
    let total_bytes = total_of(connections)
    if (total_bytes > target_bytes) {
      // Messages sent in this turn may only be waiting for the end of the turn.
      for (const connection of connections) connection.flush()
      total_bytes = total_of(connections)
    }
    this.#bytes_until_count = this.#next_step(Math.min(total_bytes, target_bytes))
    if (total_bytes > target_bytes) this.#shed_largest(connections, total_bytes - target_bytes)
  }

  #shed_largest(connections: readonly BudgetedConnection[], excess_bytes: number): void {
    const total_bytes = total_of(connections)
    const by_size = connections.map(connection => ({ connection, queued: connection.queued }))
    let shed_bytes = 0
    for (const { connection, queued } of by_size.sort((a, b) => b.queued - a.queued)) {
      if (shed_bytes >= excess_bytes) return
      if (!this.#ending.has(connection)) {
        const error = queue_shed(total_bytes - shed_bytes, this.#limit_bytes, queued)
        if (connection.shed(error, TRY_AGAIN_LATER, shed_reason())) this.#shed += 1
        this.#ending.add(connection)
      }
      // This includes ending connections, so that no other connection is shed because of them.
      shed_bytes += queued
    }
  }

  #next_step(total_bytes: number): number {
    return Math.max(this.#limit_bytes - total_bytes, this.#limit_bytes * MIN_STEP)
  }
}

function total_of(connections: readonly BudgetedConnection[]): number {
  return connections.reduce((sum, { queued }) => sum + queued, 0)
}

function queue_shed(total_bytes: number, limit_bytes: number, queued: number): NetError {
  const message = `closed with ${TRY_AGAIN_LATER}: ${total_bytes} bytes wait in the queues of all sockets, max_total_queue is ${limit_bytes}, and this was the largest queue with ${queued}; send slow peers less, or raise the limit if there is memory`
  return new NetError('queue_shed', message)
}
