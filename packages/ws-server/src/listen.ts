import { BIND_EXPECTED, check_options, close_on_abort, NetError, type Sendable } from '@bt/ws-protocol'
import { allow_many_listeners } from '@bt/ws-protocol/node'
import type { ClusterNode } from './cluster/nodes.js'
import type { Unmount } from './dispatcher.js'
import { Entrance } from './entrance.js'
import { type HttpHost, shown_address } from './http_host.js'
import { type ListenSettings, listen_rules, type WsListenOptions } from './options.js'
import { OwnHttp } from './own_http.js'
import { ConnectionSet } from './server.js'
import { SharedHttp } from './shared_http.js'
import { type CloseOptions, read_close_options } from './shutdown.js'
import type { WsSocket } from './socket.js'
import type {
  BroadcastOptions,
  BroadcastToAllOptions,
  PublishError,
  WsServer,
  WsServerStats,
} from './ws_server.js'

/**
 * Starts a WebSocket server, and returns it at once; it is listening when {@link WsServer.opened} resolves.
 *
 * `Data` is what `authorize` returns, and the type of `socket.data`. TypeScript reads options in order, so write `authorize` before the callbacks
 * that use it.
 *
 * @throws NetError `invalid_option`, naming the option, its value and what was expected
 */
export function listen<Data = undefined>(options: WsListenOptions<false, Data>): WsServer<Data>
/** The same if `binary` is `true`, or only known at run time: `data` is a `string` or a `Uint8Array`. */
export function listen<Data = undefined>(options: WsListenOptions<boolean, Data>): WsServer<Data>
export function listen(options: WsListenOptions<boolean>): WsServer {
  const settings = check_options('listen', options, listen_rules)
  check_place(settings)
  allow_many_listeners(settings.signal)
  return new Server(settings)
}

/** A server has one place: an address of its own, or a server that it shares, which is made with TLS or without. */
function check_place({ bind, server, tls }: ListenSettings): void {
  if (tls !== undefined && server !== undefined)
    throw new NetError(
      'invalid_option',
      'listen: the options tls and server exclude each other; share a server of https.createServer(), which has its own certificate',
    )
  if (bind !== undefined && server !== undefined)
    throw new NetError(
      'invalid_option',
      'listen: the options bind and server exclude each other; give bind for a server of its own, or server to share one',
    )
  if (bind === undefined && server === undefined)
    throw new NetError(
      'invalid_option',
      `listen: the option bind is missing; expected ${BIND_EXPECTED}; or give server, an http server to share`,
    )
}

class Server implements WsServer {
  readonly type = 'ws' as const
  readonly opened: Promise<void>
  readonly closed: Promise<void>
  readonly #settings: ListenSettings
  readonly #connections: ConnectionSet
  readonly #host: HttpHost
  readonly #entrance: Entrance
  readonly #unmount: Unmount
  #addr: string
  #is_closing = false
  #all_done!: () => void

  constructor(settings: ListenSettings) {
    const { bind, server, on_error, signal } = settings
    this.#settings = settings
    this.#addr = bind ?? ''
    this.#connections = new ConnectionSet(settings)
    this.#host =
      server === undefined
        ? new OwnHttp(settings, error => this.#connections.report(error))
        : new SharedHttp(server)
    this.#entrance = new Entrance(settings, this.#connections, this.#host)
    this.#unmount = this.#host.lead_to(this.#entrance)
    this.closed = new Promise(resolve => {
      this.#all_done = resolve
    })
    const bound = signal?.aborted === true ? Promise.resolve(undefined) : this.#host.open()
    this.opened = bound.then(failure => this.#after_opening(failure))
    // Whoever has `on_error` hears of it there; to nobody else may a server that does not listen be silent.
    if (on_error !== undefined) this.opened.catch(() => {})
    close_on_abort(signal, () => this.close(), this.closed)
  }

  get addr(): string {
    return this.#addr
  }

  get sockets(): ReadonlySet<WsSocket> {
    return this.#connections.sockets
  }

  close(options?: CloseOptions): true {
    const shutdown = read_close_options(options)
    this.#entrance.close()
    const connections_closed = this.#connections.shut_down(shutdown)
    if (this.#is_closing) return true
    this.#is_closing = true
    // That a server does not open which was closed before is no accident.
    this.opened.catch(() => {})
    this.#stop(connections_closed).then(this.#all_done)
    return true
  }

  broadcast(data: Sendable, options?: BroadcastOptions & { readonly cluster?: false | undefined }): number
  broadcast(data: Sendable, options?: BroadcastToAllOptions): number | PublishError
  broadcast(data: Sendable, options?: BroadcastToAllOptions): number | PublishError {
    return this.#connections.publisher.broadcast(data, options)
  }

  publish(topic: string, data: Sendable, options?: BroadcastOptions): number | PublishError {
    return this.#connections.publisher.publish(topic, data, options)
  }

  topics(): ReadonlyMap<string, number> {
    return this.#connections.publisher.topics.counts()
  }

  nodes(): readonly ClusterNode[] {
    return this.#connections.publisher.nodes()
  }

  stats(): WsServerStats {
    return this.#connections.stats()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }

  #after_opening(failure: NetError | undefined): void {
    if (failure !== undefined) {
      if (this.#settings.on_error !== undefined) this.#connections.report(failure)
      this.#unmount()
      this.#connections.publisher.leave().then(this.#all_done)
      throw failure
    }
    if (this.#is_closing)
      throw new NetError('closed', `listen: ${this.#addr || 'the server'} was closed before it was open`)
    this.#addr = shown_address(this.#host.http)
    this.#connections.publisher.start()
  }

  async #stop(connections_closed: Promise<void>): Promise<void> {
    await this.#host.close(connections_closed)
    this.#unmount()
    await this.#connections.publisher.leave()
  }
}
