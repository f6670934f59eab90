import type { ClusterLink, ClusterPort, ClusterSink } from '../broker/cluster_port.js'

/** A message published through a {@link FakeBroker}. */
export interface CarriedMessage {
  /** The channel. */
  readonly channel: string
  /** The payload. */
  readonly bytes: Uint8Array
}

/**
 * A broker in memory that a test controls: it handles each call in the next promise job, or when it is
 * released.
 */
export class FakeBroker {
  /** All messages published through any link, in order. */
  readonly carried: CarriedMessage[] = []
  /** The history of subscriptions, as `+channel` and `-channel`. */
  readonly subscriptions: string[] = []
  /** The open connections. */
  readonly links: Set<FakeLink> = new Set()
  /** The number of attempts to connect. */
  attempts = 0
  /** The error with which connecting fails, if it should fail. */
  connect_error: Error | undefined
  /** The channels to which subscribing is refused. */
  readonly forbidden: Set<string> = new Set()
  /**
   * The largest number of channels of a connection. Beyond it, all pending subscriptions are refused, since a
   * real broker does not say which one was too many either.
   */
  max_channels: number = Number.POSITIVE_INFINITY
  /** The largest message, in bytes. */
  max_bytes = 1_048_576
  #is_held = false
  readonly #held: (() => void)[] = []

  /** Returns a port that connects to this broker. */
  port(prefix = 'bt'): ClusterPort {
    return {
      broker: 'Fake at 127.0.0.1:1',
      prefix,
      connect: async sink => {
        this.attempts += 1
        if (this.connect_error !== undefined) throw this.connect_error
        const link = new FakeLink(this, sink)
        this.links.add(link)
        return link
      },
    }
  }

  /** Stops handling calls until {@link FakeBroker.release}. */
  hold(): void {
    this.#is_held = true
  }

  /** Handles all held calls, and resumes handling further ones. */
  release(): void {
    this.#is_held = false
    for (const task of this.#held.splice(0)) task()
  }

  /** Loses all connections; held calls are never handled. */
  lose_all(error: Error = new Error('connection reset')): void {
    this.#held.length = 0
    for (const link of [...this.links]) link.lose(error)
  }

  /** Resolves in the next promise job, or when the broker is released. Called by links. */
  async settle(): Promise<void> {
    if (this.#is_held) await new Promise<void>(resolve => this.#held.push(resolve))
  }
}

/** A pending call of `subscribe`. */
interface PendingSubscription {
  refusal: Error | undefined
}

/** A connection to a {@link FakeBroker}. */
export class FakeLink implements ClusterLink {
  /** The largest message that the broker takes, in bytes. */
  readonly max_bytes: number
  readonly #broker: FakeBroker
  readonly #sink: ClusterSink
  readonly #requested = new Set<string>()
  /** The requested channels whose subscription the broker has confirmed. */
  readonly #confirmed = new Set<string>()
  readonly #pending = new Set<(error: Error) => void>()
  readonly #pending_subscriptions = new Set<PendingSubscription>()
  /** The reason why the connection has ended, after which there are no events. */
  #end: Error | undefined

  constructor(broker: FakeBroker, sink: ClusterSink) {
    this.#broker = broker
    this.#sink = sink
    this.max_bytes = broker.max_bytes
  }

  /** Subscribes to channels. */
  async subscribe(channels: readonly string[]): Promise<void> {
    if (this.#end !== undefined) throw this.#end
    for (const channel of channels) {
      if (this.#requested.has(channel)) throw new Error(`${channel} is subscribed to already`)
      this.#requested.add(channel)
    }
    const subscription: PendingSubscription = { refusal: undefined }
    this.#pending_subscriptions.add(subscription)
    await this.#answer(() => {
      const { forbidden, max_channels } = this.#broker
      const refused = channels.find(channel => forbidden.has(channel))
      if (refused !== undefined) subscription.refusal = new Error(`no permission to subscribe to ${refused}`)
      if (this.#requested.size > max_channels)
        for (const pending of this.#pending_subscriptions) pending.refusal ??= new Error('too many channels')
      if (subscription.refusal === undefined) for (const channel of channels) this.#confirm(channel)
    }).finally(() => this.#pending_subscriptions.delete(subscription))
    if (subscription.refusal === undefined) return
    for (const channel of channels) {
      this.#requested.delete(channel)
      this.#confirmed.delete(channel)
    }
    throw subscription.refusal
  }

  /** Ends subscriptions. */
  unsubscribe(channels: readonly string[]): void {
    if (this.#end !== undefined) return
    for (const channel of channels) {
      if (!this.#requested.delete(channel)) throw new Error(`${channel} is not subscribed to`)
    }
    this.#send(() => {
      for (const channel of channels)
        if (this.#confirmed.delete(channel)) this.#broker.subscriptions.push(`-${channel}`)
    })
  }

  /** Publishes on a channel. */
  publish(channel: string, bytes: Uint8Array): void {
    if (this.#end !== undefined) return
    if (bytes.length > this.max_bytes) throw new Error(`${bytes.length} bytes are too many`)
    this.#send(() => {
      this.#broker.carried.push({ channel, bytes })
      for (const link of this.#broker.links) if (link !== this) link.#receive(channel, bytes)
    })
  }

  /** Resolves when the broker has taken everything published before. */
  async sync(): Promise<void> {
    if (this.#end !== undefined) throw this.#end
    await this.#answer(() => {})
  }

  /** Ends the connection in order. */
  async close(): Promise<void> {
    this.#end ??= new Error('the connection was closed')
    if (this.#broker.links.has(this)) await this.#answer(() => {}).catch(() => {})
    this.destroy()
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#end ??= new Error('the connection was destroyed')
    this.#broker.links.delete(this)
    for (const reject of this.#pending) reject(this.#end)
  }

  /** Loses this connection. */
  lose(error: Error): void {
    const was_open = this.#end === undefined
    this.#end ??= error
    this.destroy()
    if (was_open) this.#sink.lost(error)
  }

  /** Reports a refused operation. */
  refuse(error: Error): void {
    this.#sink.refused(error)
  }

  /** Confirms a subscription, unless it was ended meanwhile. */
  #confirm(channel: string): void {
    if (!this.#requested.has(channel)) return
    this.#confirmed.add(channel)
    this.#broker.subscriptions.push(`+${channel}`)
  }

  #receive(channel: string, bytes: Uint8Array): void {
    if (this.#end === undefined && this.#confirmed.has(channel)) this.#sink.received(channel, bytes)
  }

  /** Runs a task in order, unless the connection ends first. */
  #send(task: () => void): void {
    this.#answer(task).catch(() => {})
  }

  /** Runs a task in order; rejects if the connection ends first. */
  #answer(task: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.add(reject)
      this.#broker
        .settle()
        .then(task)
        .then(resolve, reject)
        .finally(() => this.#pending.delete(reject))
    })
  }
}
