import { randomUUID } from 'node:crypto'
import { NetError, type Sendable } from '@bt/ws-protocol'
import type { ClusterPort } from '@bt/ws-protocol/broker'
import {
  as_payload,
  check_options,
  type OptionRules,
  type Platform,
  type ServerConnection,
  type SharedBatch,
  TRY_AGAIN_LATER,
  TurnFramer,
} from '@bt/ws-protocol/internal'
import { frame_memory, read_message } from '@bt/ws-protocol/internal/node'
import { Cluster, type ClusterEvents, type ClusterStats } from '../cluster/cluster.js'
import type { NodeLink } from '../cluster/node_link.js'
import type { ClusterNode } from '../cluster/nodes.js'
import type { BroadcastOptions, BroadcastToAllOptions, PublishError } from './broadcast_options.js'
import { shed_reason } from './shed_reason.js'
import { ServerSocket, type WsSocket } from './socket.js'
import { check_topic, Topics } from './topics.js'

const publish_rules: OptionRules<BroadcastOptions, never> = {
  except: {
    expects: 'a socket, such as callbacks get',
    accepts: value => value instanceof ServerSocket,
  },
}

const broadcast_rules: OptionRules<BroadcastToAllOptions, never> = {
  ...publish_rules,
  cluster: {
    expects: 'true or false',
    accepts: value => typeof value === 'boolean',
  },
}

/** The options of the same names. */
export interface PublisherSettings {
  readonly cluster?: ClusterPort | undefined
  readonly max_cluster_queue: number
  readonly max_topics: number
  readonly max_queue: number
  /** Whether other servers send to this one alone, too. */
  readonly has_node_channel: boolean
}

/**
 * Sends messages to all sockets of a server or to those in a topic, and through the cluster to those of other
 * servers.
 */
export class Publisher implements ClusterEvents {
  readonly topics: Topics<ServerSocket>
  readonly #max_queue: number
  readonly #sockets: ReadonlySet<ServerSocket>
  readonly #report: (error: NetError) => void
  readonly #platform: Platform
  readonly #framer: TurnFramer
  readonly #cluster: Cluster | undefined
  #has_reported_too_large = false
  /** The identifier of a server without a cluster, once it is read. */
  #id: string | undefined

  /** `sockets` are those of the server, which keeps them up to date. */
  constructor(
    settings: PublisherSettings,
    platform: Platform,
    sockets: ReadonlySet<ServerSocket>,
    report: (error: NetError) => void,
  ) {
    const { cluster: port, max_cluster_queue, max_topics, max_queue, has_node_channel } = settings
    this.#max_queue = max_queue
    this.#sockets = sockets
    this.#report = report
    const { clock, soon } = platform
    this.#platform = platform
    this.#framer = new TurnFramer(frame_memory, soon)
    this.#cluster = port && new Cluster({ port, max_cluster_queue, has_node_channel, clock, soon }, this)
    this.topics = new Topics(max_topics, this.#cluster)
  }

  /** What the servers of the cluster send to one of them alone; `undefined` without a cluster. */
  get node_link(): NodeLink | undefined {
    return this.#cluster
  }

  /** The number of sockets of the server. */
  get size(): number {
    return this.#sockets.size
  }

  /** Implements {@link WsServer.broadcast}. */
  broadcast(data: Sendable, options?: BroadcastToAllOptions): number | PublishError {
    const { except, cluster } = checked_options('broadcast', options, broadcast_rules)
    return this.#send(data, this.#sockets, except, cluster === true ? this.#cluster : undefined, undefined)
  }

  /** Implements {@link WsServer.publish}. */
  publish(topic: string, data: Sendable, options?: BroadcastOptions): number | PublishError {
    const { except } = checked_options('publish', options, publish_rules)
    const members = this.topics.members(topic)
    // The name of a topic with members was checked when the first one joined.
    if (members === undefined) check_topic('publish', topic)
    return this.#send(data, members, except, this.#cluster, topic)
  }

  /** Connects to the other servers, if there is a cluster. */
  start(): void {
    this.#cluster?.start()
  }

  /** Disconnects from the other servers. */
  async leave(): Promise<void> {
    await this.#cluster?.leave()
  }

  /** Implements {@link WsServer.nodes}. */
  nodes(): readonly ClusterNode[] {
    if (this.#cluster !== undefined) return this.#cluster.nodes()
    this.#id ??= randomUUID()
    return [{ id: this.#id, is_self: true, sockets: this.size }]
  }

  /** Returns the figures of the cluster, or `undefined` without one. */
  cluster_stats(): ClusterStats | undefined {
    return this.#cluster?.stats()
  }

  has_members(topic: string): boolean {
    return this.topics.members(topic) !== undefined
  }

  topics_with_members(): Iterable<string> {
    return this.topics.names()
  }

  deliver(topic: string | undefined, batch: SharedBatch): void {
    const sockets = topic === undefined ? this.#sockets : this.topics.members(topic)
    if (sockets === undefined || sockets.size === 0) return
    this.#report_too_large(batch)
    const has_subscribers = this.#platform.channels?.message.hasSubscribers === true
    for (const socket of sockets) {
      const connection = ServerSocket.connection_of(socket)
      if (has_subscribers) for (const part of batch.parts()) push(connection, part, read_message(part.frames))
      // A batch that does not fit may fit in part, as if its messages had arrived one by one.
      else if (batch.messages === 1) push(connection, batch)
      else if (connection.enqueue(batch, batch.messages) !== true)
        for (const part of batch.parts()) push(connection, part)
    }
  }

  report(error: NetError): void {
    this.#report(error)
  }

  #send(
    data: Sendable,
    sockets: ReadonlySet<ServerSocket> | undefined,
    except: WsSocket | undefined,
    cluster: Cluster | undefined,
    topic: string | undefined,
  ): number | PublishError {
    const call = topic === undefined ? 'broadcast' : 'publish'
    // Invalid data throws even if there is no recipient.
    const payload = as_payload(data, call)
    if (cluster === undefined && (sockets === undefined || sockets.size === 0)) return 0
    const frame = this.#framer.frame(payload)
    // `on_error` may be called below for a full queue, and may publish itself, which could reuse the memory
    // of the frame.
    frame.hold()
    const published = cluster?.publish(topic, frame) ?? true
    const is_too_large = published !== true && published.code === 'too_large'
    const reached =
      sockets === undefined || is_too_large || !this.#can_fit(frame, call, sockets, except)
        ? 0
        : send_to_all(frame, data, sockets, except)
    frame.release()
    return published === true ? reached : Object.assign(published, { reached })
  }

  /**
   * Returns whether a message fits into an empty queue. Only the first of consecutive messages that do not
   * fit is reported, because `on_error` may send such a message itself.
   */
  #can_fit(
    { frame_bytes }: SharedBatch,
    call: string,
    sockets: ReadonlySet<WsSocket>,
    except: WsSocket | undefined,
  ): boolean {
    const max_queue = this.#max_queue
    if (frame_bytes <= max_queue) {
      this.#has_reported_too_large = false
      return true
    }
    const left_out = except !== undefined && sockets.has(except) ? 1 : 0
    if (sockets.size === left_out || this.#has_reported_too_large) return false
    this.#has_reported_too_large = true
    this.#report(too_large(`${call} got a message of ${frame_bytes} bytes with its header`, max_queue))
    return false
  }

  #report_too_large(batch: SharedBatch): void {
    const max_queue = this.#max_queue
    if (batch.frame_bytes <= max_queue) return
    let largest_bytes = 0
    for (const { frame_bytes } of batch.parts()) largest_bytes = Math.max(largest_bytes, frame_bytes)
    const problem = `a message of ${largest_bytes} bytes with its header came from another server`
    if (largest_bytes > max_queue) this.#report(too_large(problem, max_queue))
  }
}

/** Queues a message at every socket but one, and returns how many of them took it. */
function send_to_all(
  frame: SharedBatch,
  data: Sendable,
  sockets: ReadonlySet<ServerSocket>,
  except: WsSocket | undefined,
): number {
  let reached = 0
  for (const socket of sockets) {
    if (socket !== except && push(ServerSocket.connection_of(socket), frame, data)) reached += 1
  }
  return reached
}

/** Checks the options of a message to many; a socket in their place shows no property that could be unknown. */
function checked_options<Options extends object>(
  call: string,
  options: Options | undefined,
  rules: OptionRules<Options, never>,
): Partial<Options> {
  if (options instanceof ServerSocket) {
    const message = `${call} got a socket for its options, and there is no option in it: give { except: socket }`
    throw new NetError('invalid_option', message)
  }
  return options === undefined ? {} : check_options(call, options, rules)
}

/**
 * Queues a message at one connection, and returns whether that took it. A session that can't take it ends, since it
 * must not miss a message silently.
 */
function push(connection: ServerConnection<ServerSocket>, message: SharedBatch, data?: Sendable): boolean {
  const result = connection.enqueue(message, 1, data)
  if (result === true) return true
  if (connection.is_session && result.code !== 'closed') {
    const text = `closed with ${TRY_AGAIN_LATER}: a session must not miss what is published to it, and ${result.message}`
    connection.shed(new NetError('queue_shed', text), TRY_AGAIN_LATER, shed_reason())
  }
  return false
}

function too_large(problem: string, limit_bytes: number): NetError {
  const message = `${problem}, which no socket here can get: max_queue is ${limit_bytes} bytes; raise it, or send smaller pieces`
  return new NetError('too_large', message)
}
