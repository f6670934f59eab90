import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import {
  as_payload,
  type CloseCause,
  type CloseInfo,
  Connection,
  type ConnectionOwner,
  type ConnectionSettings,
  type FrameBatch,
  format_address,
  Heartbeat,
  parse_target,
  report_error,
  type Sendable,
} from '@bt/ws-protocol'
import { node_platform, WsPort } from '@bt/ws-protocol/node'
import type { WebSocket } from 'ws'
import { Handshake } from './handshake_request.js'
import type { ListenSettings } from './options.js'
import { TotalQueueBudget } from './queue_budget.js'
import { RoundTrips } from './round_trips.js'
import { with_socket } from './server_error.js'
import type { Shutdown } from './shutdown.js'
import { ServerSocket } from './socket.js'
import { Traffic } from './traffic.js'
import type { HandshakeOwner, RefusalNote } from './upgrade.js'
import type { BroadcastOptions, RefusalReason, WsServerStats } from './ws_server.js'

/** All connections of one server, and what concerns them together: how many there may be, broadcasting, shutting down. */
export class ConnectionSet implements HandshakeOwner {
  /** The sockets that are open or closing. */
  readonly sockets: Set<ServerSocket> = new Set()
  readonly #settings: ListenSettings
  readonly #connection_settings: ConnectionSettings
  readonly #budget: TotalQueueBudget
  readonly #heartbeat: Heartbeat
  readonly #round_trips = new RoundTrips()
  readonly #round_trip = (ms: number): void => this.#round_trips.add(ms)
  readonly #owner: ConnectionOwner<ServerSocket>
  /** Sockets that have ended, and whose callbacks are not all done. */
  readonly #leaving = new Set<Promise<CloseInfo>>()
  readonly #refused: Record<RefusalReason, number> = {
    wrong_path: 0,
    not_websocket: 0,
    bad_handshake: 0,
    over_limit: 0,
    timed_out: 0,
    tls_failed: 0,
  }
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
  #is_shut_down = false

  constructor(settings: ListenSettings) {
    this.#settings = settings
    this.#budget = new TotalQueueBudget(settings.max_total_queue, () => this.#connections())
    this.#connection_settings = { ...settings, side: 'server', budget: this.#budget }
    this.#heartbeat = new Heartbeat(settings.heartbeat, node_platform.clock)
    this.#owner = {
      on_open: socket => settings.on_connect?.(socket),
      // Without `binary`, nothing but text gets as far as this.
      on_message: (socket, data) => settings.on_message?.(socket, data as string),
      on_close: (socket, info) => settings.on_close?.(socket, info),
      message_listener: () => 'ready',
      report: (socket, error) =>
        report_error(with_socket(error, socket), settings.on_error, node_platform, {
          side: 'server',
          handle: socket,
        }),
      opened: socket => {
        this.sockets.add(socket)
        this.#heartbeat.add(ServerSocket.connection_of(socket))
      },
      ended: (socket, { cause }) => this.#ended(socket, cause),
    }
  }

  is_full(): boolean {
    return this.#is_shut_down || this.sockets.size >= this.#settings.max_connections
  }

  refused({ reason, status }: RefusalNote, stream: Socket, request?: IncomingMessage): void {
    this.#refused[reason] += 1
    const channel = node_platform.channels?.refused
    if (!channel?.hasSubscribers) return
    const path = request?.url === undefined ? undefined : parse_target(request.url).path
    channel.publish({ side: 'server', reason, status, addr: this.#addr_of(stream), path })
  }

  admit(ws: WebSocket, stream: Socket, request: IncomingMessage): void {
    this.#accepted += 1
    this.#traffic.add(stream)
    const addr = this.#addr_of(stream)
    const handshake = new Handshake(request, ws.protocol)
    const connection = new Connection<ServerSocket, FrameBatch>(
      this.#connection_settings,
      this.#owner,
      node_platform,
      connection => new ServerSocket(connection, addr, handshake),
    )
    const port_settings = {
      ws,
      stream,
      side: 'server',
      options: this.#settings,
      round_trip: this.#round_trip,
    } as const
    connection.attach(new WsPort(port_settings, connection))
    connection.socket_opened()
  }

  /** Sends a message to every socket but one; returns how many took it. */
  broadcast(data: Sendable, { except }: BroadcastOptions): number {
    // Wrong data is told even when nobody is there to get it.
    as_payload(data)
    let took = 0
    for (const socket of this.sockets) {
      if (socket !== except && socket.send(data) === true) took += 1
    }
    return took
  }

  /** Counts what is going on. */
  stats(): WsServerStats {
    let queued_bytes = 0
    let inbox_bytes = 0
    for (const connection of this.#connections()) {
      queued_bytes += connection.queued
      inbox_bytes += connection.inbox_bytes
    }
    return {
      sockets: this.sockets.size,
      queued_bytes,
      inbox_bytes,
      accepted: this.#accepted,
      refused: { ...this.#refused },
      closed: { ...this.#closed },
      ...this.#traffic.stats(),
      shed: this.#budget.shed,
      round_trip_ms: this.#round_trips.stats(),
    }
  }

  /** Admits nobody from now on, and closes all connections in order; settles when their last callbacks are done. */
  async shut_down({ code, drain_ms, next_reason }: Shutdown): Promise<void> {
    this.#is_shut_down = true
    for (const connection of this.#connections()) connection.shut_down(code, next_reason(), drain_ms)
    await Promise.all([...Array.from(this.sockets, socket => socket.closed), ...this.#leaving])
  }

  *#connections(): Iterable<Connection<ServerSocket, FrameBatch>> {
    for (const socket of this.sockets) yield ServerSocket.connection_of(socket)
  }

  /** A Unix socket has no address of its own, and shows the server's. */
  #addr_of({ remoteAddress, remotePort }: Socket): string {
    if (remoteAddress === undefined || remotePort === undefined) return this.#settings.bind
    return format_address(remoteAddress, remotePort)
  }

  #ended(socket: ServerSocket, cause: CloseCause): void {
    this.#closed[cause] += 1
    this.#heartbeat.delete(ServerSocket.connection_of(socket))
    this.sockets.delete(socket)
    const done = socket.closed
    this.#leaving.add(done)
    done.then(() => this.#leaving.delete(done))
  }
}
