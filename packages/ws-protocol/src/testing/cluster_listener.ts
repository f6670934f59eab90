import type { ClusterLink, ClusterPort, ClusterSink } from '../broker/cluster_port.js'

/** A message received on a channel. */
export interface ClusterMessage {
  /** The channel. */
  readonly channel: string
  /** The bytes, as the link delivered them. */
  readonly bytes: Uint8Array
}

/**
 * The user of a link under test: it calls the link, records its events, and counts those that are raised from
 * within a call.
 */
export class ClusterListener implements ClusterSink {
  /** The messages, in order. */
  readonly received_messages: ClusterMessage[] = []
  /** The errors of a lost connection, of which there may be at most one. */
  readonly losses: Error[] = []
  /** The errors of refused operations. */
  readonly refusals: Error[] = []
  /** The number of events raised from within a call of the link, which is not allowed. */
  reentrant_events = 0
  #link!: ClusterLink
  #is_calling = false
  readonly #pending_checks = new Set<() => void>()

  private constructor() {}

  /** Connects, and records all events from then on. */
  static async connect(port: ClusterPort): Promise<ClusterListener> {
    const listener = new ClusterListener()
    listener.#link = await port.connect(listener)
    return listener
  }

  /** Records a message. */
  received(channel: string, bytes: Uint8Array): void {
    this.#count_reentrant()
    this.received_messages.push({ channel, bytes })
    this.#check_conditions()
  }

  /** Records that the link was lost. */
  lost(error: Error): void {
    this.#count_reentrant()
    this.losses.push(error)
    this.#check_conditions()
  }

  /** Records a refusal. */
  refused(error: Error): void {
    this.#count_reentrant()
    this.refusals.push(error)
    this.#check_conditions()
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

  /** Resolves when `count` messages have arrived. */
  has(count: number): Promise<void> {
    return this.#until(() => this.received_messages.length >= count)
  }

  /** Resolves when the connection is lost. */
  is_lost(): Promise<void> {
    return this.#until(() => this.losses.length > 0)
  }

  /** Resolves when `count` operations were refused. */
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

  #count_reentrant(): void {
    if (this.#is_calling) this.reentrant_events += 1
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (!condition()) return
        this.#pending_checks.delete(check)
        resolve()
      }
      this.#pending_checks.add(check)
      check()
    })
  }

  #check_conditions(): void {
    for (const check of [...this.#pending_checks]) check()
  }
}
