/**
 * A broker that carries bytes between servers, for the option `cluster` of `listen`. A port does no more than
 * the broker's own client: the server decides when to reconnect, what to keep meanwhile, and what the bytes
 * mean.
 */
export interface ClusterPort {
  /** The broker's name in errors, with its address and without credentials: `'NATS at 127.0.0.1:4222'`. */
  readonly broker: string
  /**
   * The prefix of all channel names, before a dot: servers with different prefixes do not hear each other.
   */
  readonly prefix: string
  /**
   * Connects, without retrying. On failure, it rejects within about 10 seconds, with an `Error` whose message
   * says why. Like the messages of all errors of a broker, it contains no credentials and does not name the
   * broker. The sink is not called before the promise settles.
   */
  connect(sink: ClusterSink): Promise<ClusterLink>
}

/**
 * The events of a {@link ClusterLink}. None of these is called from within a call of the link's own methods.
 */
export interface ClusterSink {
  /** Bytes have arrived on a channel. They belong to the sink now, and do not change any more. */
  received(channel: string, bytes: Uint8Array): void
  /**
   * The connection was lost, and why. Called at most once, as the last event, and not after `close` or
   * `destroy`.
   */
  lost(error: Error): void
  /** The broker has refused something, such as publishing on a channel; the connection stays open. */
  refused(error: Error): void
}

/**
 * One connection to a broker. Messages published on a channel reach every subscriber in order, at most once.
 */
export interface ClusterLink {
  /** The largest message that the broker accepts, in bytes. */
  readonly max_bytes: number
  /**
   * Subscribes to channels that it is not subscribed to yet. Resolves once everything published from then on
   * will arrive. Rejects if the broker refuses, with an error that names the channel, and then subscribes to
   * none of them. Also rejects if the connection is lost, after the sink was notified.
   */
  subscribe(channels: readonly string[]): Promise<void>
  /** Ends subscriptions, even those still pending. Messages on their way may still arrive. */
  unsubscribe(channels: readonly string[]): void
  /**
   * Publishes on a channel, to all subscribers but this connection if the broker can leave it out. The bytes
   * must not change afterwards. While the connection lasts, every message is accepted, and messages that the
   * broker has not taken wait in memory: the caller limits them by waiting for `sync`. After that, messages
   * are dropped.
   */
  publish(channel: string, bytes: Uint8Array): void
  /**
   * Resolves when the broker has taken everything published before, and has ended all subscriptions that were
   * to end; rejects if the connection is lost before that is known. Each call asks the broker, so the answer
   * also shows that it is alive.
   */
  sync(): Promise<void>
  /**
   * Sends all published messages, then ends the connection; no event follows the call. Resolves when done;
   * never rejects.
   */
  close(): Promise<void>
  /** Ends the connection at once. */
  destroy(): void
}
