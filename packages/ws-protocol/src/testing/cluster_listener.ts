import type { ClusterLink, ClusterPort, ClusterSink } from '../broker/cluster_port.js'

/** Bytes that came on a channel. */
export interface ClusterMessage {
  /** The channel. */
  readonly channel: string
  /** The bytes, as they were handed on. */
  readonly bytes: Uint8Array
}

/** One end of a link under test: calls it, writes down what it tells, and notices when it tells that from within a call. */
export class ClusterListener implements ClusterSink {
  /** What came, in order. */
  readonly received_messages: ClusterMessage[] = []
  /** Why the connection was lost: once at most. */
  readonly losses: Error[] = []
  /** What was not let happen. */
  readonly refusals: Error[] = []
  /** How often something was told from within a call of the link, which must not be. */
  told_within_call = 0
  #link!: ClusterLink
  #is_calling = false
  readonly #watchers = new Set<() => void>()

  private constructor() {}

  /** Connects, and listens. */
  static async connect(port: ClusterPort): Promise<ClusterListener> {
    const listener = new ClusterListener()
    listener.#link = await port.connect(listener)
    return listener
  }

  received(channel: string, bytes: Uint8Array): void {
    this.#told()
    this.received_messages.push({ channel, bytes })
    this.#look()
  }

  lost(error: Error): void {
    this.#told()
    this.losses.push(error)
    this.#look()
  }

  refused(error: Error): void {
    this.#told()
    this.refusals.push(error)
    this.#look()
  }

  /** As {@link ClusterLink.max_bytes}. */
  get max_bytes(): number {
    return this.#link.max_bytes
  }

  /** As {@link ClusterLink.subscribe}. */
  subscribe(...channels: readonly string[]): Promise<void> {
    return this.#call(() => this.#link.subscribe(channels))
  }

  /** As {@link ClusterLink.unsubscribe}. */
  unsubscribe(...channels: readonly string[]): void {
    this.#call(() => this.#link.unsubscribe(channels))
  }

  /** As {@link ClusterLink.publish}. */
  publish(channel: string, bytes: Uint8Array): void {
    this.#call(() => this.#link.publish(channel, bytes))
  }

  /** As {@link ClusterLink.sync}. */
  sync(): Promise<void> {
    return this.#call(() => this.#link.sync())
  }

  /** As {@link ClusterLink.close}. */
  close(): Promise<void> {
    return this.#call(() => this.#link.close())
  }

  /** As {@link ClusterLink.destroy}. */
  destroy(): void {
    this.#call(() => this.#link.destroy())
  }

  /** Settles when that many messages have come. */
  has(count: number): Promise<void> {
    return this.#until(() => this.received_messages.length >= count)
  }

  /** Settles when the connection was lost. */
  is_lost(): Promise<void> {
    return this.#until(() => this.losses.length > 0)
  }

  /** Settles when that much was refused. */
  is_refused(count = 1): Promise<void> {
    return this.#until(() => this.refusals.length >= count)
  }

  #call<Result>(call: () => Result): Result {
    this.#is_calling = true
    try {
      return call()
    } finally {
      this.#is_calling = false
    }
  }

  #told(): void {
    if (this.#is_calling) this.told_within_call += 1
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const look = (): void => {
        if (!holds()) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      look()
    })
  }

  #look(): void {
    for (const look of [...this.#watchers]) look()
  }
}
