import type { NetError } from '@bt/ws-protocol'
import type { ClusterLink } from '@bt/ws-protocol/broker'
import type { Clock } from '@bt/ws-protocol/internal'
import type { ChannelNames } from './channel_names.js'
import { ReplyTimeout } from './reply_timeout.js'

/** So many topics go with one question at most: a broker needs its time for each, and is given up when it answers nothing for long. */
const MOST_AT_ONCE = 10_000

/** What {@link Subscriptions} need to know, and whom they tell. */
export interface SubscriptionsSettings {
  /** The names that topics have with the broker. */
  readonly channels: ChannelNames
  /** Whether somebody here is in a topic. */
  is_wanted(topic: string): boolean
  /** Time, and timers. */
  readonly clock: Clock
  /** Runs a task when the running callback is done. */
  soon(task: () => void): void
  /** The connection to the broker is of no use any more. */
  failed(error: Error): void
  /** The broker does not let this server subscribe; returns what those are told who wait for it. */
  refused(error: Error): NetError
}

interface Waiter {
  readonly topic: string
  settle(result: true | NetError): void
}

/**
 * Keeps a server subscribed to the topics that somebody here is in, once each. What changes while the broker is asked goes with the next
 * question: a storm of joins and leaves costs no more than one question after the other.
 */
export class Subscriptions {
  readonly #settings: SubscriptionsSettings
  readonly #patience: ReplyTimeout
  /** The topics that the broker was asked for, and those of them that stand. */
  readonly #asked = new Set<string>()
  readonly #standing = new Set<string>()
  #changed = new Set<string>()
  #waiters: Waiter[] = []
  #link: ClusterLink | undefined
  #is_due = false
  /** The connection on which changes are being made. */
  #running_on: ClusterLink | undefined

  constructor(settings: SubscriptionsSettings) {
    this.#settings = settings
    this.#patience = new ReplyTimeout(settings.clock, settings.failed)
  }

  /** How many topics this server is subscribed to. */
  get size(): number {
    return this.#standing.size
  }

  /** Somebody here is in a topic now, or nobody is any more. Without a broker that is not kept: {@link restore} is handed what is wanted. */
  changed(topic: string): void {
    if (this.#link === undefined) return
    this.#changed.add(topic)
    if (this.#is_due) return
    this.#is_due = true
    this.#settings.soon(() => {
      this.#is_due = false
      if (this.#link !== undefined) this.#run(this.#link)
    })
  }

  /** Settles when what is published to a topic arrives here, or with an error when that is not to be had. */
  until_subscribed(topic: string): Promise<true | NetError> {
    if (this.#standing.has(topic)) return Promise.resolve(true)
    if (!this.#asked.has(topic)) this.changed(topic)
    return new Promise(settle => this.#waiters.push({ topic, settle }))
  }

  /** There is a broker: subscribes to what is for all, and to what is wanted. Settles when that stands. */
  async restore(link: ClusterLink, topics: Iterable<string>): Promise<void> {
    const { channels, refused } = this.#settings
    this.#link = link
    this.#changed = new Set(topics)
    this.#running_on = link
    // One in any case: who has waited for the broker, and left meanwhile, is told by it.
    const rounds = Math.max(1, Math.ceil(this.#changed.size / MOST_AT_ONCE))
    await this.#ask(link, [channels.all]).catch((error: Error) => {
      if (this.#link === link) refused(error)
    })
    for (let done = 0; done < rounds && this.#link === link; done += 1) await this.#round(link)
    // What changes meanwhile goes behind, and is not waited for: there may be no end to it.
    this.#go_on(link)
  }

  /** The broker is gone: who waits is told why. */
  detach(error: NetError): void {
    this.#link = undefined
    this.#patience.end()
    this.#changed.clear()
    this.#asked.clear()
    this.#standing.clear()
    for (const { settle } of this.#waiters.splice(0)) settle(error)
  }

  async #run(link: ClusterLink): Promise<void> {
    if (this.#running_on === link) return
    this.#running_on = link
    await this.#go_on(link)
  }

  async #go_on(link: ClusterLink): Promise<void> {
    while (this.#link === link && this.#changed.size > 0) await this.#round(link)
    if (this.#running_on === link) this.#running_on = undefined
  }

  /** Brings the broker up to date with what has changed so far. */
  async #round(link: ClusterLink): Promise<void> {
    const { is_wanted, channels } = this.#settings
    const [added, dropped]: [string[], string[]] = [[], []]
    for (const topic of first(MOST_AT_ONCE, this.#changed)) {
      this.#changed.delete(topic)
      if (is_wanted(topic) === this.#asked.has(topic)) continue
      if (this.#asked.delete(topic)) dropped.push(topic)
      else added.push(topic)
    }
    for (const topic of dropped) this.#standing.delete(topic)
    for (const topic of added) this.#asked.add(topic)
    if (dropped.length > 0) link.unsubscribe(dropped.map(topic => channels.of(topic)))
    if (added.length > 0) await this.#subscribe(link, added)
    if (this.#link === link) this.#settle_waiters()
  }

  async #subscribe(link: ClusterLink, topics: readonly string[]): Promise<void> {
    const { channels, refused } = this.#settings
    try {
      await this.#ask(
        link,
        topics.map(topic => channels.of(topic)),
      )
      if (this.#link === link) for (const topic of topics) this.#standing.add(topic)
    } catch (error) {
      if (this.#link !== link) return
      const half = Math.ceil(topics.length / 2)
      const [only, ...others] = topics
      if (others.length > 0) {
        // What is refused holds up what was asked for along with it. One after the other, so that as many stand as may, where there are too many.
        await this.#subscribe(link, topics.slice(0, half))
        await this.#subscribe(link, topics.slice(half))
      } else if (only !== undefined) this.#give_up(only, refused(error as Error))
    }
  }

  async #ask(link: ClusterLink, channels: readonly string[]): Promise<void> {
    this.#patience.begin()
    try {
      await link.subscribe(channels)
    } finally {
      if (this.#link === link) this.#patience.end()
    }
  }

  #give_up(topic: string, error: NetError): void {
    this.#asked.delete(topic)
    this.#settle(waiter => (waiter.topic === topic ? error : undefined))
  }

  #settle_waiters(): void {
    this.#settle(({ topic }) => this.#standing.has(topic) || !this.#settings.is_wanted(topic) || undefined)
  }

  /** Tells those who wait what there is to be told, and keeps the others. */
  #settle(result_for: (waiter: Waiter) => true | NetError | undefined): void {
    this.#waiters = this.#waiters.filter(waiter => {
      const result = result_for(waiter)
      if (result !== undefined) waiter.settle(result)
      return result === undefined
    })
  }
}

/** As many as that of some, or all where there are no more. */
function first(most: number, of: Iterable<string>): string[] {
  const found: string[] = []
  for (const one of of) {
    if (found.length === most) break
    found.push(one)
  }
  return found
}
