import type { NetError } from '@bt/ws-protocol'
import type { ClusterLink } from '@bt/ws-protocol/broker'
import type { Clock } from '@bt/ws-protocol/internal'
import type { ChannelNames } from './channel_names.js'
import { ReplyTimeout } from './reply_timeout.js'

/** The limit of topics per request, so that the broker can reply to each request within the timeout. */
const MAX_TOPICS_PER_REQUEST = 10_000

/** The settings of {@link Subscriptions}. */
export interface SubscriptionsSettings {
  readonly channels: ChannelNames
  /** The channels to subscribe to besides those of topics, each by itself. */
  readonly fixed: readonly string[]
  readonly clock: Clock
  /** Runs a task after the current callback. */
  soon(task: () => void): void
}

/** The events of {@link Subscriptions}. */
export interface SubscriptionsEvents {
  /** Returns whether any socket of this server is in a topic. */
  has_members(topic: string): boolean
  /** Called when the connection to the broker can't be used any more. */
  failed(error: Error): void
  /** Called when the broker refuses a subscription. Returns the error for the pending joins. */
  refused(error: Error): NetError
}

/** A pending call of `until_subscribed`. */
interface Waiter {
  readonly topic: string
  settle(result: true | NetError): void
}

/**
 * Keeps a server subscribed at the broker to the topics that its sockets are in. Changes during a request go
 * into the next one, so any number of joins and leaves causes only one request at a time.
 */
export class Subscriptions {
  readonly #settings: SubscriptionsSettings
  readonly #events: SubscriptionsEvents
  readonly #reply_timeout: ReplyTimeout
  /** Topics that were requested from the broker. */
  readonly #requested = new Set<string>()
  /** Those of them that the broker has confirmed. */
  readonly #confirmed = new Set<string>()
  #changed_topics = new Set<string>()
  #waiters: Waiter[] = []
  #link: ClusterLink | undefined
  #is_run_scheduled = false
  /** The connection on which requests are being made. */
  #active_link: ClusterLink | undefined

  constructor(settings: SubscriptionsSettings, events: SubscriptionsEvents) {
    this.#settings = settings
    this.#events = events
    this.#reply_timeout = new ReplyTimeout(settings.clock, error => events.failed(error))
  }

  /** The number of confirmed subscriptions. */
  get size(): number {
    return this.#confirmed.size
  }

  /**
   * Schedules a request after a topic has got its first member, or lost its last one. Without a connection
   * there is nothing to do, since {@link Subscriptions.restore} gets all topics with members.
   */
  changed(topic: string): void {
    if (this.#link === undefined) return
    this.#changed_topics.add(topic)
    if (this.#is_run_scheduled) return
    this.#is_run_scheduled = true
    this.#settings.soon(() => {
      this.#is_run_scheduled = false
      if (this.#link !== undefined) this.#run(this.#link)
    })
  }

  /**
   * Resolves with `true` when the subscription to a topic is confirmed, or with the error that prevents it.
   */
  until_subscribed(topic: string): Promise<true | NetError> {
    if (this.#confirmed.has(topic)) return Promise.resolve(true)
    if (!this.#requested.has(topic)) this.changed(topic)
    return new Promise(settle => this.#waiters.push({ topic, settle }))
  }

  /**
   * Subscribes on a new connection to the fixed channels and to the given topics, and resolves when
   * that is done.
   */
  async restore(link: ClusterLink, topics: Iterable<string>): Promise<void> {
    this.#link = link
    this.#changed_topics = new Set(topics)
    this.#active_link = link
    // At least one round is needed, because it settles the joins of sockets that have left in the meantime.
    const rounds = Math.max(1, Math.ceil(this.#changed_topics.size / MAX_TOPICS_PER_REQUEST))
    for (const channel of this.#settings.fixed)
      if (this.#link === link)
        await this.#request(link, [channel]).catch((error: Error) => {
          if (this.#link === link) this.#events.refused(error)
        })
    for (let done = 0; done < rounds && this.#link === link; done += 1) await this.#apply_changes(link)
    // Later changes are not awaited, because there may be no end to them.
    this.#apply_all_changes(link)
  }

  /** Forgets a connection that has ended, and settles all pending joins with an error. */
  detach(error: NetError): void {
    this.#link = undefined
    this.#reply_timeout.cancel()
    this.#changed_topics.clear()
    this.#requested.clear()
    this.#confirmed.clear()
    for (const { settle } of this.#waiters.splice(0)) settle(error)
  }

  async #run(link: ClusterLink): Promise<void> {
    if (this.#active_link === link) return
    this.#active_link = link
    await this.#apply_all_changes(link)
  }

  async #apply_all_changes(link: ClusterLink): Promise<void> {
    while (this.#link === link && this.#changed_topics.size > 0) await this.#apply_changes(link)
    if (this.#active_link === link) this.#active_link = undefined
  }

  /** Requests the changes so far from the broker. */
  async #apply_changes(link: ClusterLink): Promise<void> {
    const { channels } = this.#settings
    const [added, dropped]: [string[], string[]] = [[], []]
    for (const topic of take(MAX_TOPICS_PER_REQUEST, this.#changed_topics)) {
      this.#changed_topics.delete(topic)
      if (this.#events.has_members(topic) === this.#requested.has(topic)) continue
      if (this.#requested.delete(topic)) dropped.push(topic)
      else added.push(topic)
    }
    for (const topic of dropped) this.#confirmed.delete(topic)
    for (const topic of added) this.#requested.add(topic)
    if (dropped.length > 0) link.unsubscribe(dropped.map(topic => channels.of(topic)))
    if (added.length > 0) await this.#subscribe(link, added)
    if (this.#link === link) this.#settle_waiters()
  }

  async #subscribe(link: ClusterLink, topics: readonly string[]): Promise<void> {
    const { channels } = this.#settings
    try {
      await this.#request(
        link,
        topics.map(topic => channels.of(topic)),
      )
      if (this.#link === link) for (const topic of topics) this.#confirmed.add(topic)
    } catch (error) {
      if (this.#link !== link) return
      const half = Math.ceil(topics.length / 2)
      const [only, ...others] = topics
      if (others.length > 0) {
        // One refused topic makes the whole request fail. The halves follow one another, so that a broker
        // with a limit grants as many as it can.
        await this.#subscribe(link, topics.slice(0, half))
        await this.#subscribe(link, topics.slice(half))
      } else if (only !== undefined) this.#fail(only, this.#events.refused(error as Error))
    }
  }

  async #request(link: ClusterLink, channels: readonly string[]): Promise<void> {
    this.#reply_timeout.start()
    try {
      await link.subscribe(channels)
    } finally {
      if (this.#link === link) this.#reply_timeout.cancel()
    }
  }

  #fail(topic: string, error: NetError): void {
    this.#requested.delete(topic)
    this.#settle(waiter => (waiter.topic === topic ? error : undefined))
  }

  #settle_waiters(): void {
    this.#settle(({ topic }) => this.#confirmed.has(topic) || !this.#events.has_members(topic) || undefined)
  }

  /** Settles the waiters that have a result, and keeps the others. */
  #settle(result_for: (waiter: Waiter) => true | NetError | undefined): void {
    this.#waiters = this.#waiters.filter(waiter => {
      const result = result_for(waiter)
      if (result !== undefined) waiter.settle(result)
      return result === undefined
    })
  }
}

/** Returns the first `count` items, or all if there are fewer. */
function take(count: number, items: Iterable<string>): string[] {
  const taken: string[] = []
  for (const item of items) {
    if (taken.length === count) break
    taken.push(item)
  }
  return taken
}
