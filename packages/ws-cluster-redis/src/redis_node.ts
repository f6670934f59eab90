import type { ClusterSink } from '@bt/ws-protocol/broker'
import { forward_messages } from '@bt/ws-protocol/broker'
import type { RedisClientType } from '@redis/client'
import {
  connection_error,
  is_error_reply,
  is_transient,
  refusal_error,
  slots_moved_error,
} from './redis_error.js'
import { SizeLimiter } from './size_limiter.js'

/** The members of a node-redis client that this package uses. */
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
  readonly publisher: Client
  /** May be the same client as `publisher`. */
  readonly subscriber: Client
  /** Whether to use sharded channels. */
  readonly is_sharded: boolean
  /**
   * Whether the link has to end if this server becomes a replica, because subscribers at its primary would
   * not get what is published here.
   */
  readonly requires_primary: boolean
  /** The address to show in errors, if it is a node of a cluster. */
  readonly address: string | undefined
  /** An unused channel in one of its slots, if it is a node of a cluster. */
  readonly idle_channel: string | undefined
}

/**
 * The limit of channels per command. Redis replies once for each channel, and disconnects clients that read
 * more slowly than it writes.
 */
export const MAX_CHANNELS_PER_COMMAND = 10_000

/** The shortest time between two requests for the role of a server. */
const ROLE_CHECK_INTERVAL_MS = 1_000

/** One server of Redis, with the commands that wait for its replies. */
export class RedisNode {
  readonly #connections: NodeConnections
  readonly #events: ClusterSink
  readonly #publish_command: 'PUBLISH' | 'SPUBLISH'
  /** The reply to the last published message. */
  #last_reply: Promise<unknown> = Promise.resolve()
  /** The number of published messages without a reply. */
  #pending_replies = 0
  /**
   * The last command for each channel. The client loses a subscription if a second command for its channel is
   * sent before the first reply.
   */
  readonly #channel_commands = new Map<string, Promise<void>>()
  readonly #channel_limiter = new SizeLimiter(MAX_CHANNELS_PER_COMMAND)
  #is_destroyed = false
  #next_role_check_ms = 0

  constructor(connections: NodeConnections, events: ClusterSink) {
    this.#connections = connections
    this.#events = events
    this.#publish_command = connections.is_sharded ? 'SPUBLISH' : 'PUBLISH'
    for (const client of this.#clients) {
      client.on('error', (error: Error) => this.#lose(error))
      // Redis ends the subscriptions to sharded channels when their slot moves to another node.
      client.on('sharded-channel-moved', () => this.#lose(slots_moved_error()))
    }
  }

  get is_ready(): boolean {
    return this.#clients.every(client => client.isReady)
  }

  /** Subscribes to at most {@link MAX_CHANNELS_PER_COMMAND} channels, in a cluster of one slot. */
  async subscribe(channels: readonly string[]): Promise<void> {
    const { subscriber, is_sharded } = this.#connections
    const names = [...channels]
    try {
      await this.#run_in_order(names, () =>
        is_sharded
          ? subscriber.sSubscribe(names, this.#on_message, true)
          : subscriber.subscribe(names, this.#on_message, true),
      )
    } catch (error) {
      const shown = names.length > 1 ? `${names[0]} or one of ${names.length - 1} more` : names[0]
      throw this.#failure_of(error as Error, `subscribe to ${shown}`)
    }
  }

  /** Ends at most {@link MAX_CHANNELS_PER_COMMAND} subscriptions, in a cluster of one slot. */
  unsubscribe(channels: readonly string[]): void {
    const { subscriber, is_sharded } = this.#connections
    const names = [...channels]
    const unsubscribed = this.#run_in_order(names, () =>
      is_sharded
        ? subscriber.sUnsubscribe(names, this.#on_message, true)
        : subscriber.unsubscribe(names, this.#on_message, true),
    )
    unsubscribed.catch((error: Error) => this.#report_failure(error, 'unsubscribe'))
  }

  publish(channel: string, bytes: Buffer): void {
    this.#pending_replies += 1
    const reply = this.#connections.publisher.sendCommand([this.#publish_command, channel, bytes])
    this.#last_reply = reply
    reply.then(this.#on_published, this.#on_publish_failed)
  }

  /** Resolves when each connection has replied to every command sent before. */
  async wait_for_replies(): Promise<void> {
    const { publisher, subscriber, idle_channel } = this.#connections
    if (this.#channel_commands.size > 0) await Promise.allSettled(new Set(this.#channel_commands.values()))
    const replies = [this.#pending_replies > 0 ? this.#last_reply : publisher.sendCommand(['PING'])]
    // While a PING is pending, the client drops the push that ends a subscription whose slot moves. While an
    // unsubscribe is pending, it counts the push as its reply, and reports the real reply as
    // `sharded-channel-moved`.
    if (idle_channel !== undefined)
      replies.push(this.#send(() => subscriber.sUnsubscribe(idle_channel, this.#on_message, true)))
    replies.push(this.#check_role())
    await Promise.all(replies.map(reply => reply.catch(this.#ignore_error_reply)))
  }

  destroy(): void {
    this.#is_destroyed = true
    for (const client of this.#clients) client.destroy()
  }

  get #clients(): Client[] {
    return [...new Set([this.#connections.publisher, this.#connections.subscriber])]
  }

  readonly #on_message = (bytes: Buffer, channel: Buffer): void =>
    forward_messages(this.#events, channel.toString(), bytes)

  // These two are fields, so that publishing a message creates no closures.
  readonly #on_published = (): void => {
    this.#pending_replies -= 1
  }
  readonly #on_publish_failed = (error: Error): void => {
    this.#pending_replies -= 1
    this.#report_failure(error, 'publish')
  }

  /** Runs a command when the earlier commands for the same channels are done. */
  #run_in_order(channels: readonly string[], task: () => Promise<void>): Promise<void> {
    const earlier = new Set<Promise<void>>()
    for (const channel of channels) {
      const command = this.#channel_commands.get(channel)
      if (command !== undefined) earlier.add(command)
    }
    const start = (): Promise<void> => this.#channel_limiter.run(channels.length, () => this.#send(task))
    const done = earlier.size === 0 ? start() : Promise.allSettled(earlier).then(start)
    for (const channel of channels) this.#channel_commands.set(channel, done)
    const forget = (): void => {
      for (const channel of channels)
        if (this.#channel_commands.get(channel) === done) this.#channel_commands.delete(channel)
    }
    done.then(forget, forget)
    return done
  }

  /**
   * Ends the link if the server has become a replica. Redis keeps the connections of clients then, and
   * accepts what they publish.
   */
  async #check_role(): Promise<void> {
    const now_ms = performance.now()
    if (!this.#connections.requires_primary || now_ms < this.#next_role_check_ms) return
    this.#next_role_check_ms = now_ms + ROLE_CHECK_INTERVAL_MS
    const { role } = await this.#connections.publisher.hello()
    if (role === 'replica') this.#lose(new Error('it has become a replica'))
  }

  /**
   * Sends a command, unless the client is destroyed: a destroyed client would keep the command pending
   * forever.
   */
  async #send(task: () => Promise<void>): Promise<void> {
    if (this.#is_destroyed) throw new Error('the connection was destroyed')
    await task()
  }

  /** Accepts an error reply as a reply. */
  readonly #ignore_error_reply = (error: Error): void => {
    if (!is_error_reply(error)) throw error
    if (is_transient(error)) this.#lose(error)
  }

  /** Reports that Redis refused an action. The loss of a connection is reported on its own. */
  #report_failure(error: Error, action: string): void {
    const failure = this.#failure_of(error, action)
    if (is_error_reply(error) && !is_transient(error)) this.#events.refused(failure)
  }

  /** Returns the error for an action that failed, and ends the link if the reply requires that. */
  #failure_of(error: Error, action: string): Error {
    if (is_error_reply(error) && !is_transient(error)) return refusal_error(action, error)
    if (is_error_reply(error)) this.#lose(error)
    return connection_error(error)
  }

  #lose(error: Error): void {
    const { address } = this.#connections
    const reason = connection_error(error)
    this.#events.lost(
      address === undefined ? reason : new Error(`${address}: ${reason.message}`, { cause: error }),
    )
  }
}
