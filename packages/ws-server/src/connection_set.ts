import type { CloseCause, NetError } from '@bt/ws-protocol'
import {
  CallbackMonitor,
  type CancelTimer,
  type ConnectionEvents,
  type ConnectionSettings,
  callback_error,
  is_thenable,
  PeriodicCheck,
  type Platform,
  report_error,
  ServerConnection,
} from '@bt/ws-protocol/internal'
import {
  type Environment,
  type InboxBudget,
  Wire,
  type WireOptions,
  type WireTraits,
} from '@bt/ws-protocol/internal/node'
import type { NodeLink } from './cluster/node_link.js'
import type { AcceptedClient } from './handshake/accepted_client.js'
import { NO_REFUSALS, type RefusalNote, type RefusalReason } from './handshake/refusal.js'
import { SessionStore } from './sessions/session_store.js'
import { type SessionsOptions, sessions_settings } from './sessions/sessions_option.js'
import type { Shutdown } from './sockets/close_options.js'
import { TotalInboxBudget } from './sockets/inbox_budget.js'
import { TotalQueueBudget } from './sockets/queue_budget.js'
import { RoundTrips } from './sockets/round_trips.js'
import { with_socket } from './sockets/server_error.js'
import type { WsServerStats } from './sockets/server_stats.js'
import { ServerSocket, type SocketWire } from './sockets/socket.js'
import type { SocketCallbacks } from './sockets/socket_callbacks.js'
import type { Topics } from './sockets/topics.js'
import { Traffic } from './sockets/traffic.js'

/** The options of the same names. */
export interface ConnectionSetSettings extends WireOptions, Omit<ConnectionSettings, 'side' | 'budget'> {
  readonly heartbeat: number | false
  readonly max_total_queue: number
  readonly max_total_inbox: number
  readonly max_connections: number
  readonly max_connections_per_ip?: number | undefined
  readonly handshake_timeout: number
  readonly sessions?: boolean | SessionsOptions | undefined
}

/** The figures of a server that its connections determine. */
type ConnectionStats = Omit<WsServerStats, 'topics' | 'cluster'>

/** The connections of one server, which it accepts, counts, limits and closes. */
export class ConnectionSet {
  /** The memory limit for received data. */
  readonly inbox_budget: TotalInboxBudget
  readonly #sockets: Set<ServerSocket>
  readonly #topics: Topics<ServerSocket>
  readonly #callbacks: SocketCallbacks
  readonly #environment: Pick<Environment, 'platform' | 'accepted'>
  readonly #platform: Platform
  readonly #connection_settings: ConnectionSettings
  readonly #queue_budget: TotalQueueBudget
  readonly #heartbeat: PeriodicCheck
  readonly #callback_monitor: CallbackMonitor
  readonly #round_trips = new RoundTrips()
  readonly #wire_traits: WireTraits
  readonly #session_traits: WireTraits
  readonly #sessions: SessionStore | undefined
  readonly #events: ConnectionEvents<ServerSocket>
  /** The sockets that have ended while their callbacks are still running. */
  readonly #unsettled = new Set<ServerSocket>()
  readonly #all_settled_waiters: (() => void)[] = []
  readonly #close_timeout: number
  /**
   * Whether the server shuts down, so that callbacks have `close_timeout` once all sockets have ended; `'now'`:
   * only `on_close` has.
   */
  #shut_down: 'in_order' | 'now' | undefined
  #cancel_callback_limit: CancelTimer | undefined
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
  #slowed = 0

  /** Keeps `sockets` up to date with the sockets that are open or closing. */
  constructor(
    settings: ConnectionSetSettings,
    callbacks: SocketCallbacks,
    environment: Pick<Environment, 'platform' | 'accepted'>,
    sockets: Set<ServerSocket>,
    topics: Topics<ServerSocket>,
    node_link: NodeLink | undefined,
  ) {
    const { platform } = environment
    this.#callbacks = callbacks
    this.#environment = environment
    this.#platform = platform
    this.#close_timeout = settings.close_timeout
    this.#sockets = sockets
    this.#topics = topics
    this.#queue_budget = new TotalQueueBudget(settings.max_total_queue, () => this.#connections())
    this.#connection_settings = { ...settings, side: 'server', budget: this.#queue_budget }
    this.inbox_budget = new TotalInboxBudget(settings.max_total_inbox)
    this.#wire_traits = {
      side: 'server',
      options: settings,
      clock: platform.clock,
      inbox_budget: this.inbox_budget,
      round_trip: ms => this.#round_trips.add(ms),
      slowed: () => {
        this.#slowed += 1
      },
    }
    const inbox_budget = this.inbox_budget.for_sessions()
    this.#session_traits = { ...this.#wire_traits, inbox_budget, leading_bytes: 1 }
    this.#sessions = this.#session_store(settings, inbox_budget, node_link)
    this.#heartbeat = new PeriodicCheck(settings.heartbeat, platform.clock, () => {
      for (const connection of this.#connections()) connection.check()
    })
    this.#callback_monitor = new CallbackMonitor('server', platform.clock, () =>
      this.#unsettled_connections(),
    )
    this.#events = {
      on_open: socket => callbacks.on_connect?.(socket),
      on_message: (socket, data) => this.#call_on_message(socket, data),
      on_close: (socket, info) => callbacks.on_close?.(socket, info),
      report: (socket, error) =>
        report_error(with_socket(error, socket), callbacks.on_error, platform, {
          side: 'server',
          handle: socket,
        }),
      opened: socket => {
        this.#sockets.add(socket)
        this.#heartbeat.start()
        this.#callback_monitor.start()
      },
      ended: (socket, { cause }) => this.#ended(socket, cause),
      settled: socket => this.#settled(socket),
    }
  }

  get size(): number {
    return this.#sockets.size + (this.#sessions?.guests ?? 0)
  }

  get held(): number {
    return this.#sessions?.held ?? 0
  }

  refused(
    { reason, status }: RefusalNote,
    client: () => { readonly addr: string; readonly path: string | undefined },
  ): void {
    this.#refused[reason] += 1
    const channel = this.#platform.channels?.refused
    if (channel?.hasSubscribers) channel.publish({ side: 'server', reason, status, ...client() })
  }

  report(error: NetError): void {
    report_error(error, this.#callbacks.on_error, this.#platform, { side: 'server', handle: undefined })
  }

  accepted(client: AcceptedClient): void {
    const { stream, head, deflate, is_session } = client
    this.#accepted += 1
    if (is_session && this.#sessions !== undefined) {
      const wire = new Wire(this.#session_traits)
      wire.open(this.#sessions.accepted(wire, client), stream, head, deflate)
      return
    }
    const wire = new Wire(this.#wire_traits)
    const connection = this.#connect(this.#connection_settings, this.#platform, wire, client)
    this.#environment.accepted?.(stream, connection.handle)
    connection.attach(wire)
    wire.open(connection, stream, head, deflate)
    connection.socket_opened()
  }

  #connect(
    settings: ConnectionSettings,
    platform: Platform,
    wire: SocketWire,
    { endpoint, request, data }: Pick<AcceptedClient, 'endpoint' | 'request' | 'data'>,
  ): ServerConnection<ServerSocket> {
    return new ServerConnection<ServerSocket>(
      settings,
      this.#events,
      platform,
      connection => new ServerSocket(connection, { endpoint, request, data, wire, topics: this.#topics }),
    )
  }

  #session_store(
    settings: ConnectionSetSettings,
    inbox_budget: InboxBudget,
    node_link: NodeLink | undefined,
  ): SessionStore | undefined {
    const sessions = sessions_settings(settings.sessions)
    if (sessions === undefined) return undefined
    const { max_connections, max_connections_per_ip, handshake_timeout, close_timeout } = settings
    // A session has a heartbeat of its own.
    const connection_settings = { ...this.#connection_settings, probe: undefined }
    return new SessionStore(
      { ...sessions, max_connections, max_connections_per_ip, handshake_timeout, close_timeout },
      this.#platform,
      inbox_budget,
      node_link,
      {
        sockets: () => this.#sockets.size,
        connect: (platform, wire, client) => this.#connect(connection_settings, platform, wire, client),
        left: stream => this.#traffic.ended(stream),
        joined: ({ stream }, socket) => this.#environment.accepted?.(stream, socket),
        changed: (socket, change) => this.#call_for_change(socket, change),
        emptied: () => this.#resolve_if_settled(),
        report: error => this.report(error),
      },
    )
  }

  /** Calls `on_away` or `on_back` at once. */
  #call_for_change(socket: ServerSocket, change: 'on_away' | 'on_back'): void {
    const notify = async (): Promise<unknown> => this.#callbacks[change]?.(socket)
    notify().catch(cause => this.#events.report(socket, callback_error(change, cause)))
  }

  stats(): ConnectionStats {
    let queued_bytes = 0
    for (const connection of this.#connections()) queued_bytes += connection.queued
    return {
      sockets: this.#sockets.size,
      queued_bytes,
      inbox_bytes: this.inbox_budget.total_bytes,
      accepted: this.#accepted,
      refused: { ...this.#refused },
      closed: { ...this.#closed },
      ...this.#traffic.stats(Array.from(this.#sockets, ServerSocket.stream_of)),
      shed: this.#queue_budget.shed,
      inbox_shed: this.inbox_budget.shed,
      slowed: this.#slowed,
      round_trip_ms: this.#round_trips.stats(),
      sessions: this.#sessions?.stats(),
    }
  }

  /**
   * Closes all connections, and resolves when their last callbacks are done. Callbacks that are still pending
   * `close_timeout` after the last connection has ended are reported, and no longer waited for; with `now`,
   * this holds at once for all but `on_close`.
   */
  async shut_down({ code, drain_ms, late, now, next_reason }: Shutdown): Promise<void> {
    this.#sessions?.shut_down({ code, next_reason }, now)
    for (const connection of this.#connections()) {
      // Nobody can come back to a session that waits.
      if (now || connection.is_away) connection.terminate('shutdown')
      else connection.shut_down(code, next_reason(), drain_ms, late)
    }
    if (this.#shut_down !== 'now') this.#shut_down = now ? 'now' : 'in_order'
    this.#limit_callbacks()
    if (this.#is_settled) return
    await new Promise<void>(resolve => this.#all_settled_waiters.push(resolve))
  }

  /** Returns the connections that may have a callback running. */
  *#unsettled_connections(): Iterable<ServerConnection<ServerSocket>> {
    yield* this.#connections()
    for (const socket of this.#unsettled) yield ServerSocket.connection_of(socket)
  }

  /** Limits the time for pending callbacks, once all sockets of a server that shuts down have ended. */
  #limit_callbacks(): void {
    if (this.#shut_down === undefined || this.#sockets.size > 0) return
    this.#cancel_callback_limit?.()
    if (this.#unsettled.size === 0) return
    this.#cancel_callback_limit = this.#platform.clock.start_timer(this.#close_timeout, () =>
      this.#abandon(this.#unsettled_connections()),
    )
    if (this.#shut_down === 'in_order') return
    // At the end of the turn: the last `on_close` is called only after this.
    this.#platform.defer(() => {
      const connections = [...this.#unsettled_connections()]
      this.#abandon(connections.filter(({ inbox }) => inbox.running !== 'on_close'))
    })
  }

  /** Reports callbacks that are pending, unless they were reported before, and waits for them no longer. */
  #abandon(connections: Iterable<ServerConnection<ServerSocket>>): void {
    for (const connection of connections) {
      if (!this.#callback_monitor.has_reported(connection))
        this.#callback_monitor.report(connection, 'when its server closed')
      this.#settled(connection.handle)
    }
  }

  *#connections(): Iterable<ServerConnection<ServerSocket>> {
    for (const socket of this.#sockets) yield ServerSocket.connection_of(socket)
  }

  /**
   * Calls `on_message`. The memory of a message counts until the promise that the callback returns has
   * settled.
   */
  #call_on_message(socket: ServerSocket, data: string | Uint8Array): unknown {
    // Without `binary`, the connection only delivers text.
    const returned: unknown = this.#callbacks.on_message?.(socket, data as string)
    if (is_thenable(returned)) ServerSocket.wire_of(socket).lend(data)
    return returned
  }

  #ended(socket: ServerSocket, cause: CloseCause): void {
    this.#closed[cause] += 1
    this.#traffic.ended(ServerSocket.stream_of(socket))
    this.#sockets.delete(socket)
    this.#sessions?.ended(socket)
    this.#topics.ended(socket)
    if (this.#sockets.size === 0) this.#heartbeat.stop()
    this.#unsettled.add(socket)
    this.#limit_callbacks()
  }

  #settled(socket: ServerSocket): void {
    this.#topics.forget(socket)
    this.#unsettled.delete(socket)
    if (this.#sockets.size + this.#unsettled.size > 0) return
    this.#callback_monitor.stop()
    this.#cancel_callback_limit?.()
    this.#resolve_if_settled()
  }

  /** Whether no socket is left, nor a callback of one. */
  get #is_settled(): boolean {
    return this.size + this.#unsettled.size === 0
  }

  #resolve_if_settled(): void {
    if (this.#is_settled) for (const resolve of this.#all_settled_waiters.splice(0)) resolve()
  }
}
