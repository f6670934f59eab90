import {
  type CloseCause,
  Connection,
  type ConnectionOwner,
  type ConnectionSettings,
  type FrameBatch,
  Heartbeat,
  is_thenable,
  type NetError,
  report_error,
} from '@bt/ws-protocol'
import { node_platform, Wire, type WireTraits } from '@bt/ws-protocol/node'
import type { AcceptedClient, HandshakeOwner, RefusedClient } from './entrance.js'
import { TotalInboxBudget } from './inbox_budget.js'
import type { ListenSettings } from './options.js'
import { Publisher } from './publisher.js'
import { TotalQueueBudget } from './queue_budget.js'
import { NO_REFUSALS, type RefusalNote, type RefusalReason } from './refusal.js'
import { RoundTrips } from './round_trips.js'
import { with_socket } from './server_error.js'
import type { Shutdown } from './shutdown.js'
import { ServerSocket } from './socket.js'
import { Traffic } from './traffic.js'
import type { WsServerStats } from './ws_server.js'

/** All connections of one server, and what concerns them together: sending to many, counting, shutting down. */
export class ConnectionSet implements HandshakeOwner {
  /** The sockets that are open or closing. */
  readonly sockets: Set<ServerSocket> = new Set()
  /** What is sent to many of them. */
  readonly publisher: Publisher
  /** Bounds what has come in. */
  readonly inbox_budget: TotalInboxBudget
  readonly #settings: ListenSettings
  readonly #connection_settings: ConnectionSettings
  readonly #queue_budget: TotalQueueBudget
  readonly #heartbeat: Heartbeat
  readonly #round_trips = new RoundTrips()
  readonly #wire_traits: WireTraits
  readonly #owner: ConnectionOwner<ServerSocket>
  /** How many sockets have ended whose callbacks are not all done. */
  #leaving = 0
  readonly #wait_for_all_gone: (() => void)[] = []
  readonly #refused: Record<RefusalReason, number> = { ...NO_REFUSALS }
  readonly #closed: Record<CloseCause, number> = {
    local: 0,
    peer: 0,
    heartbeat: 0,
    overflow: 0,
    protocol: 0,
    network: 0,
    refused: 0,
    shutdown: 0,
  }
  readonly #traffic = new Traffic()
  #accepted = 0

  constructor(settings: ListenSettings) {
    this.#settings = settings
    this.publisher = new Publisher(settings, this.sockets, error => this.report(error))
    this.#queue_budget = new TotalQueueBudget(settings.max_total_queue, () => this.#connections())
    this.#connection_settings = { ...settings, side: 'server', budget: this.#queue_budget }
    this.inbox_budget = new TotalInboxBudget(settings.max_total_inbox)
    this.#wire_traits = {
      side: 'server',
      options: settings,
      inbox_budget: this.inbox_budget,
      round_trip: ms => this.#round_trips.add(ms),
    }
    this.#heartbeat = new Heartbeat(settings.heartbeat, node_platform.clock, () => this.#connections())
    this.#owner = {
      on_open: socket => settings.on_connect?.(socket),
      on_message: (socket, data) => this.#handle(socket, data),
      on_close: (socket, info) => settings.on_close?.(socket, info),
      message_listener: () => 'ready',
      report: (socket, error) =>
        report_error(with_socket(error, socket), settings.on_error, node_platform, {
          side: 'server',
          handle: socket,
        }),
      opened: socket => {
        this.sockets.add(socket)
        this.#heartbeat.start()
      },
      ended: (socket, { cause }) => this.#ended(socket, cause),
      finished: socket => this.#finished(socket),
    }
  }

  get size(): number {
    return this.sockets.size
  }

  refused({ reason, status }: RefusalNote, client: () => RefusedClient): void {
    this.#refused[reason] += 1
    const channel = node_platform.channels?.refused
    if (channel?.hasSubscribers) channel.publish({ side: 'server', reason, status, ...client() })
  }

  report(error: NetError): void {
    report_error(error, this.#settings.on_error, node_platform, { side: 'server', handle: undefined })
  }

  admit(client: AcceptedClient): void {
    const { stream, head, deflate, handshake, place, data } = client
    const { topics } = this.publisher
    this.#accepted += 1
    const wire = new Wire(this.#wire_traits)
    const connection = new Connection<ServerSocket, FrameBatch>(
      this.#connection_settings,
      this.#owner,
      node_platform,
      connection => new ServerSocket(connection, { place, handshake, data, wire, topics }),
    )
    connection.attach(wire)
    wire.open(connection, stream, head, deflate)
    connection.socket_opened()
  }

  /** Counts what is going on. */
  stats(): WsServerStats {
    let queued_bytes = 0
    for (const connection of this.#connections()) queued_bytes += connection.queued
    return {
      sockets: this.sockets.size,
      queued_bytes,
      inbox_bytes: this.inbox_budget.total_bytes,
      accepted: this.#accepted,
      refused: { ...this.#refused },
      closed: { ...this.#closed },
      ...this.#traffic.stats(Array.from(this.sockets, ServerSocket.stream_of)),
      shed: this.#queue_budget.shed,
      inbox_shed: this.inbox_budget.shed,
      topics: this.publisher.topics.size,
      cluster: this.publisher.cluster_stats(),
      round_trip_ms: this.#round_trips.stats(),
    }
  }

  /** Closes all connections in order; settles when their last callbacks are done. */
  async shut_down({ code, drain_ms, late, next_reason }: Shutdown): Promise<void> {
    for (const connection of this.#connections()) connection.shut_down(code, next_reason(), drain_ms, late)
    if (this.sockets.size + this.#leaving === 0) return
    await new Promise<void>(resolve => this.#wait_for_all_gone.push(resolve))
  }

  *#connections(): Iterable<Connection<ServerSocket, FrameBatch>> {
    for (const socket of this.sockets) yield ServerSocket.connection_of(socket)
  }

  /** A message counts as long as a callback has it. */
  #handle(socket: ServerSocket, data: string | Uint8Array): unknown {
    // Without `binary`, nothing but text gets as far as this.
    const returned: unknown = this.#settings.on_message?.(socket, data as string)
    if (is_thenable(returned)) ServerSocket.wire_of(socket).lend(data)
    return returned
  }

  #ended(socket: ServerSocket, cause: CloseCause): void {
    this.#closed[cause] += 1
    this.#traffic.ended(ServerSocket.stream_of(socket))
    this.sockets.delete(socket)
    this.publisher.topics.ended(socket)
    if (this.sockets.size === 0) this.#heartbeat.stop()
    this.#leaving += 1
  }

  #finished(socket: ServerSocket): void {
    this.publisher.topics.forget(socket)
    this.#leaving -= 1
    if (this.sockets.size + this.#leaving > 0) return
    for (const resolve of this.#wait_for_all_gone.splice(0)) resolve()
  }
}
