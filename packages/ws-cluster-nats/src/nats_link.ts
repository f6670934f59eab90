import { setImmediate as end_of_turn } from 'node:timers/promises'
import type { ClusterLink, ClusterSink } from '@bt/ws-protocol/broker'
import { forward_messages } from '@bt/ws-protocol/broker'
import { type NatsConnection, PermissionViolationError, type Subscription } from '@nats-io/transport-node'
import { connection_error, keeps_connection, refusal_error } from './nats_error.js'

const NO_PINGS = 'it answers no pings: see whether it is at work, and what may stand between'

/** The state of the link; after its end, the error that later calls reject with. */
type State =
  | { readonly name: 'open'; readonly events: ClusterSink }
  | { readonly name: 'ended'; readonly reason: Error }

/** A call that waits for NATS to answer. */
interface PendingFlush {
  readonly reject: (error: Error) => void
}

/** The channels of one call of `subscribe`. */
interface SubscribeBatch {
  refusal: Error | undefined
}

/** One connection to NATS, over its own client. */
export class NatsLink implements ClusterLink {
  readonly #connection: NatsConnection
  readonly #subscriptions = new Map<string, Subscription>()
  /** Kept here because the client never settles a flush that is pending when the connection ends. */
  readonly #pending_flushes = new Set<PendingFlush>()
  /** Batches that NATS has not confirmed yet. */
  readonly #subscribing = new Set<SubscribeBatch>()
  #state: State
  /** The error after which NATS closes the connection, once it has arrived. */
  #fatal_error: Error | undefined
  #max_bytes: number

  constructor(connection: NatsConnection, events: ClusterSink) {
    this.#connection = connection
    this.#state = { name: 'open', events }
    this.#max_bytes = connection.info?.max_payload ?? 0
    connection.closed().then(error => this.#end(connection_error(error ?? undefined)))
    this.#watch_status()
  }

  get max_bytes(): number {
    // NATS may change its limit while connected, and the client drops `info` when the connection ends.
    this.#max_bytes = this.#connection.info?.max_payload ?? this.#max_bytes
    return this.#max_bytes
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    if (this.#state.name === 'ended') throw this.#state.reason
    const batch: SubscribeBatch = { refusal: undefined }
    const started = new Map<string, Subscription>()
    this.#subscribing.add(batch)
    try {
      if (this.#connection.isClosed()) await this.#flush()
      for (const channel of channels) started.set(channel, this.#start_subscription(channel, batch))
      await this.#flush()
      // The client reports refusals that name no channel later in the same turn.
      await end_of_turn()
    } finally {
      this.#subscribing.delete(batch)
    }
    if (batch.refusal === undefined) return
    for (const [channel, subscription] of started) this.#end_subscription(channel, subscription)
    throw batch.refusal
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) {
      const subscription = this.#subscriptions.get(channel)
      if (subscription !== undefined) this.#end_subscription(channel, subscription)
    }
  }

  publish(channel: string, bytes: Uint8Array): void {
    if (this.#state.name === 'open' && !this.#connection.isClosed()) this.#connection.publish(channel, bytes)
  }

  async sync(): Promise<void> {
    if (this.#state.name === 'ended') throw this.#state.reason
    await this.#flush()
  }

  async close(): Promise<void> {
    this.#mark_closed()
    // The flush rejects if the connection is lost or destroyed first, and then there is nothing left to wait
    // for.
    await this.#flush().catch(() => {})
    await this.#connection.close()
  }

  destroy(): void {
    this.#mark_closed()
    this.#connection.close()
    this.#reject_pending_flushes(new Error('the connection was destroyed'))
  }

  #mark_closed(): void {
    if (this.#state.name === 'open')
      this.#state = { name: 'ended', reason: new Error('the connection was closed') }
  }

  #start_subscription(channel: string, batch: SubscribeBatch): Subscription {
    const subscription = this.#connection.subscribe(channel, {
      callback: (error, message) => {
        if (error !== null) this.#on_subscription_error(batch, error)
        else if (this.#state.name === 'open') forward_messages(this.#state.events, channel, message.data)
      },
    })
    this.#subscriptions.set(channel, subscription)
    return subscription
  }

  /**
   * Rejects a pending `subscribe`. NATS also ends an established subscription whose permission is revoked;
   * then the link is lost, so that the server subscribes again and learns which channels remain.
   */
  #on_subscription_error(batch: SubscribeBatch, error: Error): void {
    const refusal = refusal_error(error)
    if (this.#subscribing.has(batch)) batch.refusal ??= refusal
    else this.#fail(new Error(`${refusal.message} any more`, { cause: error }))
  }

  #end_subscription(channel: string, subscription: Subscription): void {
    subscription.unsubscribe()
    // The channel may have been subscribed again since.
    if (this.#subscriptions.get(channel) === subscription) this.#subscriptions.delete(channel)
  }

  /** Resolves when NATS has processed everything that was written before. */
  #flush(): Promise<void> {
    if (this.#connection.isClosed())
      return this.#connection.closed().then(error => {
        throw connection_error(error ?? undefined)
      })
    return new Promise((resolve, reject) => {
      const pending: PendingFlush = { reject }
      this.#pending_flushes.add(pending)
      this.#connection
        .flush()
        .then(resolve, reject)
        .finally(() => this.#pending_flushes.delete(pending))
    })
  }

  #end(reason: Error): void {
    const state = this.#state
    if (state.name === 'open') this.#state = { name: 'ended', reason }
    this.#reject_pending_flushes(reason)
    if (state.name === 'open') state.events.lost(reason)
  }

  #fail(reason: Error): void {
    this.#end(reason)
    this.#connection.close()
  }

  #reject_pending_flushes(reason: Error): void {
    for (const { reject } of this.#pending_flushes) reject(reason)
    this.#pending_flushes.clear()
  }

  async #watch_status(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'error') this.#on_error(status.error)
      // The client would wait for its pending writes, which a peer that no longer reads never takes.
      else if (status.type === 'staleConnection') this.#fail(this.#fatal_error ?? new Error(NO_PINGS))
    }
  }

  /**
   * Handles an error that NATS sent. One about a subscription is reported by the callback of that
   * subscription, and one that ends the connection by `lost` when the connection closes.
   */
  #on_error(error: Error): void {
    const is_permission = error instanceof PermissionViolationError
    if (is_permission && error.operation === 'subscription') return
    if (!keeps_connection(error)) this.#fatal_error = connection_error(error)
    const refusal = refusal_error(error)
    if (!is_permission && this.#subscribing.size > 0) {
      // Whatever the error says, the subscriptions were refused if NATS confirms the flush after it.
      for (const batch of this.#subscribing) batch.refusal ??= refusal
    } else if (keeps_connection(error) && this.#state.name === 'open') {
      this.#state.events.refused(refusal)
    }
  }
}
