import { setImmediate as end_of_turn } from 'node:timers/promises'
import type { ClusterLink, ClusterSink } from '@bt/ws-protocol/broker'
import { forward_messages } from '@bt/ws-protocol/broker'
import { type NatsConnection, PermissionViolationError, type Subscription } from '@nats-io/transport-node'
import { in_words, is_harmless, refusal } from './nats_error.js'

const NO_PINGS = 'it answers no pings: see whether it is at work, and what may stand between'

/** Whether there is somebody to tell; if not, why. */
type State =
  | { readonly name: 'open'; readonly sink: ClusterSink }
  | { readonly name: 'ended'; readonly why: Error }

/** Somebody who waits for NATS to answer. */
interface Waiting {
  readonly reject: (error: Error) => void
}

/** Channels that are subscribed together. */
interface Batch {
  refusal: Error | undefined
}

/** One connection to NATS, over its own client. */
export class NatsLink implements ClusterLink {
  readonly #connection: NatsConnection
  readonly #subscriptions = new Map<string, Subscription>()
  /** The client leaves those in the dark who wait for an answer when the connection ends. */
  readonly #waiting = new Set<Waiting>()
  /** What was subscribed, and is not known yet to stand. */
  readonly #subscribing = new Set<Batch>()
  #state: State
  /** What ends the connection, when NATS has said so. */
  #fatal: Error | undefined
  #max_bytes: number

  constructor(connection: NatsConnection, sink: ClusterSink) {
    this.#connection = connection
    this.#state = { name: 'open', sink }
    this.#max_bytes = connection.info?.max_payload ?? 0
    connection.closed().then(error => this.#ended(in_words(error ?? undefined)))
    this.#watch()
  }

  get max_bytes(): number {
    // NATS may change it while it is at work.
    this.#max_bytes = this.#connection.info?.max_payload ?? this.#max_bytes
    return this.#max_bytes
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    if (this.#state.name === 'ended') throw this.#state.why
    const batch: Batch = { refusal: undefined }
    const begun = new Map<string, Subscription>()
    this.#subscribing.add(batch)
    try {
      if (this.#connection.isClosed()) await this.#answer()
      for (const channel of channels) begun.set(channel, this.#begin(channel, batch))
      await this.#answer()
      // Refusals of a kind that names no channel are told later in the turn.
      await end_of_turn()
    } finally {
      this.#subscribing.delete(batch)
    }
    if (batch.refusal === undefined) return
    for (const [channel, subscription] of begun) this.#stop(channel, subscription)
    throw batch.refusal
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) {
      const subscription = this.#subscriptions.get(channel)
      if (subscription !== undefined) this.#stop(channel, subscription)
    }
  }

  publish(channel: string, bytes: Uint8Array): void {
    if (this.#state.name === 'open' && !this.#connection.isClosed()) this.#connection.publish(channel, bytes)
  }

  async sync(): Promise<void> {
    if (this.#state.name === 'ended') throw this.#state.why
    await this.#answer()
  }

  async close(): Promise<void> {
    this.#fall_silent()
    // It ends early when the connection does, or is destroyed.
    await this.#answer().catch(() => {})
    await this.#connection.close()
  }

  destroy(): void {
    this.#fall_silent()
    this.#connection.close()
    this.#reject_waiting(new Error('the connection was destroyed'))
  }

  #fall_silent(): void {
    if (this.#state.name === 'open')
      this.#state = { name: 'ended', why: new Error('the connection was closed') }
  }

  #begin(channel: string, batch: Batch): Subscription {
    const subscription = this.#connection.subscribe(channel, {
      callback: (error, message) => {
        if (error !== null) this.#not_subscribed(batch, error)
        else if (this.#state.name === 'open') forward_messages(this.#state.sink, channel, message.data)
      },
    })
    this.#subscriptions.set(channel, subscription)
    return subscription
  }

  /** What was subscribed long ago ends as well when it is forbidden: then whoever goes by it has to learn anew what stands. */
  #not_subscribed(batch: Batch, error: Error): void {
    const why = refusal(error)
    if (this.#subscribing.has(batch)) batch.refusal ??= why
    else this.#give_up(new Error(`${why.message} any more`, { cause: error }))
  }

  /** The channel may have got another one meanwhile. */
  #stop(channel: string, subscription: Subscription): void {
    subscription.unsubscribe()
    if (this.#subscriptions.get(channel) === subscription) this.#subscriptions.delete(channel)
  }

  /** Settles when NATS has gone through all that it was sent. */
  #answer(): Promise<void> {
    if (this.#connection.isClosed())
      return this.#connection.closed().then(error => {
        throw in_words(error ?? undefined)
      })
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { reject }
      this.#waiting.add(waiting)
      this.#connection
        .flush()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(waiting))
    })
  }

  #ended(why: Error): void {
    const state = this.#state
    if (state.name === 'open') this.#state = { name: 'ended', why }
    this.#reject_waiting(why)
    if (state.name === 'open') state.sink.lost(why)
  }

  #give_up(why: Error): void {
    this.#ended(why)
    this.#connection.close()
  }

  #reject_waiting(why: Error): void {
    for (const { reject } of this.#waiting) reject(why)
    this.#waiting.clear()
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'error') this.#told(status.error)
      // The client would wait until what it has written is taken, which may be never.
      else if (status.type === 'staleConnection') this.#give_up(this.#fatal ?? new Error(NO_PINGS))
    }
  }

  /** What ends the connection is told as its end, and what the callback of a subscription is told is told there. */
  #told(error: Error): void {
    const is_permission = error instanceof PermissionViolationError
    if (!is_harmless(error)) this.#fatal = in_words(error)
    if (is_permission ? error.operation === 'subscription' : !is_harmless(error)) return
    const told = refusal(error)
    if (!is_permission && this.#subscribing.size > 0) {
      for (const batch of this.#subscribing) batch.refusal ??= told
    } else if (this.#state.name === 'open') {
      this.#state.sink.refused(told)
    }
  }
}
