/**
 * A broker that carries bytes between servers, for the option `cluster` of `listen`. It does no more than the broker's own client does: when to
 * reconnect, what waits meanwhile, and what the bytes mean is up to the server.
 */
export interface ClusterPort {
  /** The broker's name in errors, with its address and without credentials: `'NATS at 127.0.0.1:4222'`. */
  readonly broker: string
  /** The prefix of all channel names, before a dot: servers with different prefixes do not hear each other. */
  readonly prefix: string
  /**
   * Connects, without retrying. If it fails, it rejects within about 10 seconds, with an `Error` whose message tells people why, without credentials
   * and, as in all errors of a broker, without naming the broker. The sink is not called before the promise settles.
   */
  connect(sink: ClusterSink): Promise<ClusterLink>
}

/** Gets what a {@link ClusterLink} reports. It is never called from within a call of the link's own methods. */
export interface ClusterSink {
  /** Bytes have arrived on a channel. They belong to the sink now, and nobody writes to them any more. */
  received(channel: string, bytes: Uint8Array): void
  /** The connection was lost, and why. Called once at most, with nothing after it, and not after `close` or `destroy`. */
  lost(error: Error): void
  /** The broker has refused something, such as publishing on a channel; the connection stays open. */
  refused(error: Error): void
}

/** One connection to a broker. What is published on a channel reaches every subscriber in order, at most once. */
export interface ClusterLink {
  /** The largest message that the broker takes, in bytes. */
  readonly max_bytes: number
  /**
   * Subscribes to channels that it is not subscribed to yet. Resolves once everything published from then on will arrive. Rejects if the broker
   * refuses, with an error that names the channel, and leaves none of them subscribed; or if the connection is gone, which the sink knows by then.
   */
  subscribe(channels: readonly string[]): Promise<void>
  /** Ends subscriptions, even those still pending. Messages on their way may still arrive. */
  unsubscribe(channels: readonly string[]): void
  /**
   * Publishes on a channel, to all subscribers but this connection if the broker can leave it out. Nobody may change the bytes afterwards. It takes
   * everything while the connection lasts, and nothing after that: what the broker has not taken waits in memory, limited by the caller, who waits
   * for `sync`.
   */
  publish(channel: string, bytes: Uint8Array): void
  /**
   * Resolves when the broker has taken everything published before, and has ended what was unsubscribed; rejects if that is not known, because the
   * connection is gone. Each call asks the broker, so an answer also shows that it is alive.
   */
  sync(): Promise<void>
  /** Sends what was published, then ends the connection; nothing is received any more. Resolves when done; never rejects. */
  close(): Promise<void>
  /** Ends the connection at once. */
  destroy(): void
}
