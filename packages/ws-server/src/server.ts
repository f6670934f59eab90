import { NetError, type Sendable } from '@bt/ws-protocol'
import { close_on_abort, guard_names } from '@bt/ws-protocol/internal'
import type { Environment } from '@bt/ws-protocol/internal/node'
import type { ClusterNode } from './cluster/nodes.js'
import { ConnectionSet } from './connection_set.js'
import { HandshakePipeline } from './handshake_pipeline.js'
import type { Unmount } from './http/dispatcher.js'
import { format_server_address, type HttpHost } from './http/http_host.js'
import { OwnHttp } from './http/own_http.js'
import { SharedHttp } from './http/shared_http.js'
import type { ListenSettings } from './options.js'
import { sessions_settings } from './sessions/sessions_option.js'
import type { BroadcastOptions, BroadcastToAllOptions, PublishError } from './sockets/broadcast_options.js'
import { type CloseOptions, read_close_options } from './sockets/close_options.js'
import { Publisher } from './sockets/publisher.js'
import type { WsServerStats } from './sockets/server_stats.js'
import type { ServerSocket, WsSocket } from './sockets/socket.js'
import type { WsServer } from './ws_server.js'

/**
 * Implements {@link WsServer} with an http server, the handshakes that arrive there, and the connections that
 * they become.
 */
export class Server implements WsServer {
  static {
    guard_names(
      Server.prototype,
      ['on_connect', 'on_message', 'on_close', 'on_error'],
      'give on_connect, on_message, on_close or on_error to listen',
    )
  }

  readonly type = 'ws' as const
  readonly opened: Promise<void>
  readonly closed: Promise<void>
  readonly #settings: ListenSettings
  readonly #sockets = new Set<ServerSocket>()
  readonly #publisher: Publisher
  readonly #connections: ConnectionSet
  readonly #host: HttpHost
  readonly #handshakes: HandshakePipeline
  readonly #unmount: Unmount
  #addr: string
  #is_closing = false
  #resolve_closed!: () => void

  constructor(settings: ListenSettings, environment: Environment) {
    const { bind, server, on_error, signal } = settings
    this.#settings = settings
    this.#addr = bind ?? ''
    const has_node_channel = sessions_settings(settings.sessions) !== undefined
    this.#publisher = new Publisher(
      { ...settings, has_node_channel },
      environment.platform,
      this.#sockets,
      error => this.#connections.report(error),
    )
    this.#connections = new ConnectionSet(
      settings,
      settings,
      environment,
      this.#sockets,
      this.#publisher.topics,
      this.#publisher.node_link,
    )
    this.#host =
      server === undefined
        ? new OwnHttp(settings, environment, error => this.#connections.report(error))
        : new SharedHttp(server)
    this.#handshakes = new HandshakePipeline(
      settings,
      environment.platform.clock,
      this.#connections,
      this.#host,
    )
    this.#unmount = this.#host.serve(this.#handshakes)
    this.closed = new Promise(resolve => {
      this.#resolve_closed = resolve
    })
    const bound = signal?.aborted === true ? Promise.resolve(undefined) : this.#host.open()
    this.opened = bound.then(failure => this.#on_opened(failure))
    // With `on_error` the failure is reported there. Without it, the unhandled rejection shows that the
    // server does not listen.
    if (on_error !== undefined) this.opened.catch(() => {})
    close_on_abort(signal, () => this.close(), this.closed)
    Object.freeze(this)
  }

  get addr(): string {
    return this.#addr
  }

  get sockets(): ReadonlySet<WsSocket> {
    return this.#sockets
  }

  close(options?: CloseOptions): true {
    const shutdown = read_close_options(options)
    this.#handshakes.close()
    const connections_closed = this.#connections.shut_down(shutdown)
    if (shutdown.now) this.#host.destroy_clients()
    if (this.#is_closing) return true
    this.#is_closing = true
    // `opened` rejects if the server is closed first, which the caller has asked for.
    this.opened.catch(() => {})
    this.#stop(connections_closed).then(this.#resolve_closed)
    return true
  }

  broadcast(data: Sendable, options?: BroadcastOptions & { readonly cluster?: false | undefined }): number
  broadcast(data: Sendable, options?: BroadcastToAllOptions): number | PublishError
  broadcast(data: Sendable, options?: BroadcastToAllOptions): number | PublishError {
    return this.#publisher.broadcast(data, options)
  }

  publish(topic: string, data: Sendable, options?: BroadcastOptions): number | PublishError {
    return this.#publisher.publish(topic, data, options)
  }

  topics(): ReadonlyMap<string, number> {
    return this.#publisher.topics.counts()
  }

  nodes(): readonly ClusterNode[] {
    return this.#publisher.nodes()
  }

  stats(): WsServerStats {
    return {
      ...this.#connections.stats(),
      topics: this.#publisher.topics.size,
      cluster: this.#publisher.cluster_stats(),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }

  #on_opened(failure: NetError | undefined): void {
    if (failure !== undefined) {
      if (this.#settings.on_error !== undefined) this.#connections.report(failure)
      this.#unmount()
      this.#publisher.leave().then(this.#resolve_closed)
      throw failure
    }
    if (this.#is_closing)
      throw new NetError('closed', `listen: ${this.#addr || 'the server'} was closed before it was open`)
    this.#addr = format_server_address(this.#host.http)
    this.#publisher.start()
  }

  async #stop(connections_closed: Promise<void>): Promise<void> {
    await this.#host.close(connections_closed)
    this.#unmount()
    await this.#publisher.leave()
  }
}
