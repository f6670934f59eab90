import { randomUUID } from 'node:crypto'
import { NetError, type Sendable } from '@bt/ws-protocol'
import type { ClusterPort } from '@bt/ws-protocol/broker'
import {
  as_payload,
  check_options,
  type OptionRules,
  type SharedBatch,
  TurnFramer,
} from '@bt/ws-protocol/internal'
import { frame_memory, node_platform, read_message } from '@bt/ws-protocol/internal/node'
import { Cluster, type ClusterEvents, type ClusterStats } from '../cluster/cluster.js'
import type { ClusterNode } from '../cluster/nodes.js'
import type { BroadcastOptions, BroadcastToAllOptions, PublishError } from './broadcast_options.js'
import { ServerSocket, type WsSocket } from './socket.js'
import { check_topic, Topics } from './topics.js'

const to_topic_rules: OptionRules<BroadcastOptions, never> = {
  except: {
    expects: 'a socket, such as callbacks get',
    accepts: value => value instanceof ServerSocket,
  },
}

const to_all_rules: OptionRules<BroadcastToAllOptions, never> = {
  ...to_topic_rules,
  cluster: {
    expects: 'true or false',
    accepts: value => typeof value === 'boolean',
  },
}

/** The options of these names. */
export interface PublisherSettings {
  readonly cluster?: ClusterPort | undefined
  readonly max_cluster_queue: number
  readonly max_topics: number
  readonly max_queue: number
}

/** Sends to many sockets at once: to all of a server, or to those in a topic; and through a cluster to those of other servers. */
export class Publisher implements ClusterEvents {
  /** Who is in which topic. */
  readonly topics: Topics<ServerSocket>
  readonly #max_queue: number
  readonly #sockets: ReadonlySet<ServerSocket>
  readonly #report: (error: NetError) => void
  readonly #framer = new TurnFramer(frame_memory, node_platform.soon)
  readonly #cluster: Cluster | undefined
  #has_told_too_large = false
  /** The name of a server without a cluster. */
  #id: string | undefined

  /** `sockets`: those of the server, whenever it is sent to all. */
  constructor(
    settings: PublisherSettings,
    sockets: ReadonlySet<ServerSocket>,
    report: (error: NetError) => void,
  ) {
    const { cluster: port, max_cluster_queue, max_topics, max_queue } = settings
    this.#max_queue = max_queue
    this.#sockets = sockets
    this.#report = report
    const { clock, soon } = node_platform
    this.#cluster = port && new Cluster({ port, max_cluster_queue, clock, soon }, this)
    this.topics = new Topics(max_topics, this.#cluster)
  }

  /** How many sockets the server has. */
  get size(): number {
    return this.#sockets.size
  }

  /** Sends a message to every socket but one; returns how many here took it, or the error that tells why it went to no other server. */
  broadcast(data: Sendable, options?: BroadcastToAllOptions): number | PublishError {
    const { except, cluster } = options === undefined ? {} : check_options('broadcast', options, to_all_rules)
    return this.#send(data, this.#sockets, except, cluster === true ? this.#cluster : undefined, undefined)
  }

  /** Sends a message to every socket in a topic but one; returns what {@link Publisher.broadcast} does. */
  publish(topic: string, data: Sendable, options?: BroadcastOptions): number | PublishError {
    const { except } = options === undefined ? {} : check_options('publish', options, to_topic_rules)
    const members = this.topics.members(topic)
    // What somebody is in has been looked at when it was joined.
    if (members === undefined) check_topic('publish', topic)
    return this.#send(data, members, except, this.#cluster, topic)
  }

  /** Joins the other servers, where there is a cluster. */
  start(): void {
    this.#cluster?.start()
  }

  /** Leaves the other servers: nothing comes from them any more, and nothing goes there. */
  async leave(): Promise<void> {
    await this.#cluster?.leave()
  }

  /** The servers that there are. */
  nodes(): readonly ClusterNode[] {
    if (this.#cluster !== undefined) return this.#cluster.nodes()
    this.#id ??= randomUUID()
    return [{ id: this.#id, is_self: true, sockets: this.size }]
  }

  /** What the cluster counts, where there is one. */
  cluster_stats(): ClusterStats | undefined {
    return this.#cluster?.stats()
  }

  // What the cluster asks and tells: ClusterEvents.

  is_wanted(topic: string): boolean {
    return this.topics.members(topic) !== undefined
  }

  wanted(): Iterable<string> {
    return this.topics.names()
  }

  deliver(topic: string | undefined, batch: SharedBatch): void {
    const sockets = topic === undefined ? this.#sockets : this.topics.members(topic)
    if (sockets === undefined || sockets.size === 0) return
    this.#tell_too_large(batch)
    const is_told = node_platform.channels?.message.hasSubscribers === true
    for (const socket of sockets) {
      const connection = ServerSocket.connection_of(socket)
      if (is_told) for (const part of batch.parts()) connection.enqueue(part, 1, read_message(part.frames))
      // What does not fit as a whole may fit in part, as if it had come one by one.
      else if (connection.enqueue(batch, batch.messages) !== true && batch.messages > 1)
        for (const part of batch.parts()) connection.enqueue(part, 1)
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
    // Wrong data is told even when nobody is there to get it.
    const payload = as_payload(data, call)
    if (cluster === undefined && (sockets === undefined || sockets.size === 0)) return 0
    const frame = this.#framer.frame(payload)
    // An `on_error` that is told of a full queue may send to many itself, and much.
    frame.hold()
    const published = cluster?.publish(topic, frame) ?? true
    const goes_nowhere = published !== true && published.code === 'too_large'
    const reached =
      sockets === undefined || goes_nowhere || !this.#can_fit(frame, call, sockets, except)
        ? 0
        : send_to_all(frame, data, sockets, except)
    frame.release()
    return published === true ? reached : Object.assign(published, { reached })
  }

  /** Whether a queue could ever take a message. Of those in a row that none could, the first is told: an `on_error` may send one itself. */
  #can_fit(
    { frame_bytes }: SharedBatch,
    call: string,
    sockets: ReadonlySet<WsSocket>,
    except: WsSocket | undefined,
  ): boolean {
    const max_queue = this.#max_queue
    if (frame_bytes <= max_queue) {
      this.#has_told_too_large = false
      return true
    }
    const left_out = except !== undefined && sockets.has(except) ? 1 : 0
    if (sockets.size === left_out || this.#has_told_too_large) return false
    this.#has_told_too_large = true
    this.#report(too_large(`${call} got a message of ${frame_bytes} bytes with its header`, max_queue))
    return false
  }

  #tell_too_large(batch: SharedBatch): void {
    const max_queue = this.#max_queue
    if (batch.frame_bytes <= max_queue) return
    let most_bytes = 0
    for (const { frame_bytes } of batch.parts()) most_bytes = Math.max(most_bytes, frame_bytes)
    const what = `a message of ${most_bytes} bytes with its header came from another server`
    if (most_bytes > max_queue) this.#report(too_large(what, max_queue))
  }
}

/** Returns how many took it. */
function send_to_all(
  frame: SharedBatch,
  data: Sendable,
  sockets: ReadonlySet<ServerSocket>,
  except: WsSocket | undefined,
): number {
  let took = 0
  for (const socket of sockets) {
    if (socket !== except && ServerSocket.connection_of(socket).enqueue(frame, 1, data) === true) took += 1
  }
  return took
}

function too_large(what: string, limit_bytes: number): NetError {
  const message = `${what}, which no socket here can get: max_queue is ${limit_bytes} bytes; raise it, or send smaller pieces`
  return new NetError('too_large', message)
}
