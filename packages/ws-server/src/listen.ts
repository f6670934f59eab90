import type { AddressInfo } from 'node:net'
import {
  type BindAddress,
  check_options,
  close_on_abort,
  format_address,
  NetError,
  parse_bind,
  report_error,
  type Sendable,
} from '@bt/ws-protocol'
import { node_platform } from '@bt/ws-protocol/node'
import { type ListenSettings, listen_rules, type WsListenOptions } from './options.js'
import { ConnectionSet } from './server.js'
import { bind_error } from './server_error.js'
import { type CloseOptions, read_close_options } from './shutdown.js'
import type { WsSocket } from './socket.js'
import { type HandshakeServer, make_handshake_server } from './upgrade.js'
import type { BroadcastOptions, WsServer, WsServerStats } from './ws_server.js'

/**
 * Starts a WebSocket server, and returns it at once; it listens when {@link WsServer.opened} has settled.
 *
 * @throws NetError `invalid_option`, naming the option, the value got and what was expected
 */
export function listen(options: WsListenOptions): WsServer
/** The same for a `binary` that is `true`, or not known before: `data` is a `string` or a `Uint8Array`. */
export function listen(options: WsListenOptions<boolean>): WsServer
export function listen(options: WsListenOptions<boolean>): WsServer {
  return new Server(check_options('listen', options, listen_rules))
}

class Server implements WsServer {
  readonly type = 'ws' as const
  readonly opened: Promise<void>
  readonly closed: Promise<void>
  readonly #settings: ListenSettings
  readonly #address: BindAddress
  readonly #connections: ConnectionSet
  readonly #handshakes: HandshakeServer
  /** What kept the server from listening, if anything did. Never rejects. */
  readonly #bound: Promise<NetError | undefined>
  #addr: string
  #is_closing = false
  #all_done!: () => void

  constructor(settings: ListenSettings) {
    this.#settings = settings
    this.#address = parse_bind(settings.bind) as BindAddress
    this.#addr = settings.bind
    this.#connections = new ConnectionSet(settings)
    this.#handshakes = make_handshake_server(settings, this.#connections)
    this.closed = new Promise(resolve => {
      this.#all_done = resolve
    })
    this.#bound = this.#bind()
    this.opened = this.#bound.then(failure => this.#after_binding(failure))
    // Whoever has `on_error` hears of it there; to nobody else may a server that does not listen be silent.
    if (settings.on_error !== undefined) this.opened.catch(() => {})
    close_on_abort(settings.signal, () => this.close(), this.closed)
  }

  get addr(): string {
    return this.#addr
  }

  get sockets(): ReadonlySet<WsSocket> {
    return this.#connections.sockets
  }

  close(options?: CloseOptions): true {
    const shutdown = read_close_options(options)
    const connections_closed = this.#connections.shut_down(shutdown)
    if (this.#is_closing) return true
    this.#is_closing = true
    // That a server does not open which was closed before is no accident.
    this.opened.catch(() => {})
    this.#stop(connections_closed).then(this.#all_done)
    return true
  }

  broadcast(data: Sendable, options: BroadcastOptions = {}): number {
    return this.#connections.broadcast(data, options)
  }

  stats(): WsServerStats {
    return this.#connections.stats()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }

  #bind(): Promise<NetError | undefined> {
    const address = this.#address
    return new Promise(resolve => {
      const failed = (cause: Error): void => resolve(bind_error(this.#settings.bind, address, cause))
      this.#handshakes.http.once('error', failed)
      this.#handshakes.http.listen(
        address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
        () => {
          this.#handshakes.http.off('error', failed)
          this.#handshakes.http.on('error', cause =>
            this.#report(new NetError('server_failed', cause.message, { cause })),
          )
          resolve(undefined)
        },
      )
    })
  }

  #after_binding(failure: NetError | undefined): void {
    if (failure !== undefined) {
      if (this.#settings.on_error !== undefined) this.#report(failure)
      this.#all_done()
      throw failure
    }
    if (this.#is_closing)
      throw new NetError('closed', `listen: ${this.#settings.bind} was closed before it was open`)
    if (this.#address.kind === 'unix') return
    const { address, port } = this.#handshakes.http.address() as AddressInfo
    this.#addr = format_address(address, port)
  }

  async #stop(connections_closed: Promise<void>): Promise<void> {
    // Binding can't be interrupted, only undone.
    await this.#bound
    const http_closed = this.#stop_listening()
    await connections_closed
    // What is left is no WebSocket, and was no HTTP yet when listening stopped: it may be in the middle of a TLS handshake.
    this.#handshakes.drop_all()
    await http_closed
  }

  async #stop_listening(): Promise<void> {
    const { http } = this.#handshakes
    if (!http.listening) return
    await new Promise(resolve => {
      http.close(resolve)
      http.closeAllConnections()
      this.#handshakes.drop_refused()
    })
  }

  #report(error: NetError): void {
    report_error(error, this.#settings.on_error, node_platform, { side: 'server', handle: undefined })
  }
}
