import type { ClusterSink } from '@bt/ws-protocol/broker'
import { forward_messages } from '@bt/ws-protocol/broker'
import type { RedisClientType } from '@redis/client'
import { Admission } from './admission.js'
import { in_words, is_answer, is_passing, refusal } from './redis_error.js'

/** What is used of a client of node-redis. */
export type Client = Pick<
  RedisClientType,
  | 'sendCommand'
  | 'subscribe'
  | 'unsubscribe'
  | 'sSubscribe'
  | 'sUnsubscribe'
  | 'hello'
  | 'destroy'
  | 'isReady'
  | 'on'
>

/** The connections to one server of Redis. */
export interface NodeConnections {
  /** Publishes. */
  readonly publisher: Client
  /** Subscribes; it may be the same one. */
  readonly subscriber: Client
  /** Whether channels are sharded. */
  readonly is_sharded: boolean
  /** Whether it is of no use as a replica, since nobody who has connected to its primary hears of what is published there. */
  readonly must_be_primary: boolean
  /** Where it is, when it is one of several. */
  readonly address: string | undefined
  /** A channel in one of its slots, of no use to anybody, when it is one of several. */
  readonly idle_channel: string | undefined
}

/** As many channels are asked for at once: each of them is answered, and Redis cuts off who does not read as fast as it writes. */
export const MOST_CHANNELS_AT_ONCE = 10_000

/** So often it is asked at most whether it is a replica. */
const ASK_ROLE_EVERY_MS = 1_000

/** One server of Redis, and what was asked of it. */
export class RedisNode {
  readonly #connections: NodeConnections
  readonly #sink: ClusterSink
  readonly #publish_command: 'PUBLISH' | 'SPUBLISH'
  /** The answer to what was published last, and how many are still to come. */
  #last_answer: Promise<unknown> = Promise.resolve()
  #unanswered = 0
  /** What is being done to channels: the client loses subscriptions where more is asked of a channel before that was answered. */
  readonly #busy = new Map<string, Promise<void>>()
  readonly #admission = new Admission(MOST_CHANNELS_AT_ONCE)
  #is_destroyed = false
  #role_is_due_ms = 0

  constructor(connections: NodeConnections, sink: ClusterSink) {
    this.#connections = connections
    this.#sink = sink
    this.#publish_command = connections.is_sharded ? 'SPUBLISH' : 'PUBLISH'
    for (const client of this.#clients) {
      client.on('error', (error: Error) => this.#lose(error))
      // A cluster hands slots from node to node, and the subscriptions to their channels end with that.
      client.on('sharded-channel-moved', () => this.#lose(new Error('MOVED')))
    }
  }

  /** Whether all of its connections are there. */
  get is_ready(): boolean {
    return this.#clients.every(client => client.isReady)
  }

  /** Subscribes to channels, {@link MOST_CHANNELS_AT_ONCE} at most; in a cluster, all of one slot. */
  async subscribe(channels: readonly string[]): Promise<void> {
    const { subscriber, is_sharded } = this.#connections
    const names = [...channels]
    try {
      await this.#in_turn(names, () =>
        is_sharded
          ? subscriber.sSubscribe(names, this.#received, true)
          : subscriber.subscribe(names, this.#received, true),
      )
    } catch (error) {
      const shown = names.length > 1 ? `${names[0]} or one of ${names.length - 1} more` : names[0]
      throw this.#judge(error as Error, `subscribe to ${shown}`)
    }
  }

  /** Ends subscriptions, {@link MOST_CHANNELS_AT_ONCE} at most; in a cluster, all of one slot. */
  unsubscribe(channels: readonly string[]): void {
    const { subscriber, is_sharded } = this.#connections
    const names = [...channels]
    const ended = this.#in_turn(names, () =>
      is_sharded
        ? subscriber.sUnsubscribe(names, this.#received, true)
        : subscriber.unsubscribe(names, this.#received, true),
    )
    ended.catch((error: Error) => this.#tell(error, 'unsubscribe'))
  }

  /** Publishes on a channel. */
  publish(channel: string, bytes: Buffer): void {
    this.#unanswered += 1
    const answer = this.#connections.publisher.sendCommand([this.#publish_command, channel, bytes])
    this.#last_answer = answer
    answer.then(this.#published, this.#not_published)
  }

  /** Settles when each of its connections has answered to all that was asked. */
  async settled(): Promise<void> {
    const { publisher, subscriber, idle_channel } = this.#connections
    if (this.#busy.size > 0) await Promise.allSettled(new Set(this.#busy.values()))
    const answers = [this.#unanswered > 0 ? this.#last_answer : publisher.sendCommand(['PING'])]
    // The client takes the end of a subscription, when its slot moves, for part of the answer to what it waits for: of a PING, it would not be noticed.
    if (idle_channel !== undefined)
      answers.push(this.#ask(() => subscriber.sUnsubscribe(idle_channel, this.#received, true)))
    answers.push(this.#leads())
    await Promise.all(answers.map(answer => answer.catch(this.#answered)))
  }

  /** Ends its connections at once. */
  destroy(): void {
    this.#is_destroyed = true
    for (const client of this.#clients) client.destroy()
  }

  get #clients(): Client[] {
    return [...new Set([this.#connections.publisher, this.#connections.subscriber])]
  }

  readonly #received = (bytes: Buffer, channel: Buffer): void =>
    forward_messages(this.#sink, channel.toString(), bytes)

  /** For all that is published: no more than is needed is made for a message. */
  readonly #published = (): void => {
    this.#unanswered -= 1
  }
  readonly #not_published = (error: Error): void => {
    this.#unanswered -= 1
    this.#tell(error, 'publish')
  }

  /** Does something to channels when what was asked of them before is done. */
  #in_turn(channels: readonly string[], task: () => Promise<void>): Promise<void> {
    const before = new Set<Promise<void>>()
    for (const channel of channels) {
      const busy = this.#busy.get(channel)
      if (busy !== undefined) before.add(busy)
    }
    const asked = (): Promise<void> => this.#ask(task)
    const admitted = (): Promise<void> => this.#admission.run(channels.length, asked)
    const done = before.size === 0 ? admitted() : Promise.allSettled(before).then(admitted)
    for (const channel of channels) this.#busy.set(channel, done)
    const forget = (): void => {
      for (const channel of channels) if (this.#busy.get(channel) === done) this.#busy.delete(channel)
    }
    done.then(forget, forget)
    return done
  }

  /** A server that becomes a replica keeps its connections, and goes on to take what is published. */
  async #leads(): Promise<void> {
    const now_ms = performance.now()
    if (!this.#connections.must_be_primary || now_ms < this.#role_is_due_ms) return
    this.#role_is_due_ms = now_ms + ASK_ROLE_EVERY_MS
    const { role } = await this.#connections.publisher.hello()
    if (role === 'replica') this.#lose(new Error('it has become a replica'))
  }

  /** Asks something about channels, which a client that was destroyed would keep for ever. */
  async #ask(task: () => Promise<void>): Promise<void> {
    if (this.#is_destroyed) throw new Error('the connection was destroyed')
    await task()
  }

  /** An error that Redis answers with is an answer, too. */
  readonly #answered = (error: Error): void => {
    if (!is_answer(error)) throw error
    if (is_passing(error)) this.#lose(error)
  }

  /** Tells that something was not done; a lost connection is told by itself. */
  #tell(error: Error, what: string): void {
    const judged = this.#judge(error, what)
    if (is_answer(error) && !is_passing(error)) this.#sink.refused(judged)
  }

  #judge(error: Error, what: string): Error {
    if (is_answer(error) && !is_passing(error)) return refusal(what, error)
    if (is_answer(error)) this.#lose(error)
    return in_words(error)
  }

  #lose(error: Error): void {
    const { address } = this.#connections
    const words = in_words(error)
    this.#sink.lost(
      address === undefined ? words : new Error(`${address}: ${words.message}`, { cause: error }),
    )
  }
}
