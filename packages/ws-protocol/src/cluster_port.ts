/**
 * A broker that carries bytes between servers: what the option `cluster` of `listen` takes. It does no more than an engine's own client does;
 * when to connect again, what waits meanwhile, and what the bytes are is the server's to say.
 */
export interface ClusterPort {
  /** What errors call the broker, with where it is and without credentials: `'NATS at 127.0.0.1:4222'`. */
  readonly broker: string
  /** What the names of its channels begin with, before a dot: servers with another one do not hear each other. */
  readonly prefix: string
  /**
   * Connects, and does not try again: it rejects with an `Error` whose message says why, in words for people and without credentials, within some
   * 10 seconds. As all errors of a broker do, it leaves out which broker that is. The sink hears nothing before that is settled.
   */
  connect(sink: ClusterSink): Promise<ClusterLink>
}

/** What a {@link ClusterLink} tells. It never does so from within a call of its own methods. */
export interface ClusterSink {
  /** Bytes have come on a channel. They are the sink's from now on, and nobody writes into them. */
  received(channel: string, bytes: Uint8Array): void
  /** The connection is gone, and why. Told once, and nothing after it; not after `close` or `destroy`. */
  lost(error: Error): void
  /** The broker does not let something happen, such as publishing on a channel; the connection goes on. */
  refused(error: Error): void
}

/** One connection to a broker. What was published on a channel arrives in order, at most once, at all who had subscribed. */
export interface ClusterLink {
  /** The most bytes that one message may have. */
  readonly max_bytes: number
  /**
   * Subscribes to channels, none of which it has. Settles when all that is published from then on arrives; rejects when the broker does not let it,
   * with an error that names the channel, and then it has none of them; or when the connection is gone, of which the sink has heard by then.
   */
  subscribe(channels: readonly string[]): Promise<void>
  /** Ends subscriptions that it has, or has asked for. What is on its way may arrive all the same. */
  unsubscribe(channels: readonly string[]): void
  /**
   * Publishes on a channel, to all but this connection where the broker can leave that out. The bytes are not changed any more. It takes whatever it is
   * given, and nothing once the connection is gone: what the broker has not taken waits in memory, and is bounded by who waits for `sync`.
   */
  publish(channel: string, bytes: Uint8Array): void
  /**
   * Settles when the broker has taken all that was published before, and has ended what was unsubscribed; rejects when that is not known, since the
   * connection is gone. It is asked each time, so that an answer also tells that the broker is at work.
   */
  sync(): Promise<void>
  /** Sends what was published, and ends the connection: nothing is received any more. Settles when that is done; never rejects. */
  close(): Promise<void>
  /** Ends the connection at once. */
  destroy(): void
}
