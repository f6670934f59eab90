import cluster from 'node:cluster'
import type { Server as HttpServer } from 'node:http'
import type { DropArgument, Socket } from 'node:net'
import { NetError } from '@bt/ws-protocol'
import type { Clock } from '@bt/ws-protocol/internal'
import type { Environment } from '@bt/ws-protocol/internal/node'
import { format_address } from '../handshake/client_address.js'
import { type ClientStream, response_stream } from '../handshake/client_stream.js'
import { malformed_request, not_websocket, wrong_path } from '../handshake/refusal.js'
import { response_headers } from '../handshake/refusal_response.js'
import { type BindAddress, parse_bind } from './bind_address.js'
import { bind_error } from './bind_error.js'
import { DescriptorMonitor } from './descriptor_monitor.js'
import type { Unmount } from './dispatcher.js'
import type { OwnHttpTarget } from './handshake_target.js'
import type { HttpHost } from './http_host.js'
import { type CreatedHttpServer, create_http_server, type HttpSettings } from './http_server.js'

/**
 * The number of TCP connections beyond twice `max_connections`, for clients in their handshake or being
 * refused.
 */
const EXTRA_CONNECTIONS = 100

/** The options of the same names. */
export interface OwnHttpSettings extends HttpSettings {
  readonly close_timeout: number
  readonly max_connections: number
}

/** An http server that serves only handshakes, at the address of the option `bind`. */
export class OwnHttp implements HttpHost {
  readonly http: HttpServer
  readonly #created: CreatedHttpServer
  readonly #bind: string
  readonly #address: BindAddress
  readonly #report: (error: NetError) => void
  readonly #clock: Clock
  readonly #descriptors: DescriptorMonitor
  readonly #max_tcp_connections: number
  readonly #close_timeout: number
  /** Connections that have not become WebSockets; over TLS, the TCP sockets. */
  readonly #streams = new Set<ClientStream>()
  /** One function for all streams, which saves a closure for each. */
  readonly #on_close: (this: Socket) => void
  #bound: Promise<unknown> = Promise.resolve()
  #target: OwnHttpTarget | undefined

  /** @throws NetError `invalid_option` for an invalid certificate or key */
  constructor(settings: OwnHttpSettings, environment: Environment, report: (error: NetError) => void) {
    this.#bind = String(settings.bind)
    this.#address = parse_bind(this.#bind) as BindAddress
    this.#report = report
    this.#close_timeout = settings.close_timeout
    const streams = this.#streams
    this.#on_close = function (this: Socket): void {
      streams.delete(this)
    }
    this.#clock = environment.platform.clock
    this.#descriptors = new DescriptorMonitor(this.#clock, report)
    this.#created = create_http_server(settings, environment, {
      accepted: stream => {
        this.#descriptors.on_connection()
        this.#streams.add(stream)
        stream.on('close', this.#on_close)
        if (this.#target?.admits_connection(stream) === false) this.#drop(stream, 'over_ip_limit')
        else if (cluster.isWorker) this.#drop_if_over_limit(stream)
      },
      connected: stream => this.#target?.connected(stream),
      refused: (reason, stream) => this.#target?.refused({ reason }, stream),
    })
    this.http = this.#created.http
    // A connection without a request is not a socket yet, but takes a file descriptor.
    this.#max_tcp_connections = 2 * settings.max_connections + EXTRA_CONNECTIONS
    // In a worker of node:cluster, Node would hand a connection beyond its own limit to the next worker, and
    // endlessly so if all are full.
    if (!cluster.isWorker) this.http.maxConnections = this.#max_tcp_connections
  }

  serve(target: OwnHttpTarget): Unmount {
    this.#target = target
    this.http.on('upgrade', (request, duplex, head) => {
      const stream = response_stream(request, duplex)
      if (target.route.matches(request.url ?? '')) target.start_handshake(request, stream, head)
      else target.refuse(stream, wrong_path(), request)
    })
    this.http.on('request', (request, response) => {
      const refusal = target.route.matches(request.url ?? '') ? not_websocket() : wrong_path()
      target.refused(refusal, request.socket, request)
      response.writeHead(refusal.status, response_headers(refusal))
      response.end(refusal.text)
    })
    this.http.on('drop', client => this.#report_dropped(client, 'over_limit'))
    this.http.on('clientError', (error: NodeJS.ErrnoException, stream) => {
      // A client that has left, or already has its response, is not refused again.
      if (error.code === 'ECONNRESET' || !stream.writable) stream.destroy()
      else target.refuse(stream, malformed_request(error))
    })
    // There is nothing to unmount, since the server answers all requests until it has closed.
    return () => {}
  }

  release(stream: ClientStream): void {
    this.#streams.delete(stream)
    stream.off('close', this.#on_close)
  }

  open(): Promise<NetError | undefined> {
    const address = this.#address
    const bound = new Promise<NetError | undefined>(resolve => {
      const on_error = (cause: Error): void => resolve(bind_error(this.#bind, address, cause))
      this.http.once('error', on_error)
      this.http.listen(
        address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
        () => {
          this.http.off('error', on_error)
          this.http.on('error', cause =>
            this.#report(new NetError('server_failed', cause.message, { cause })),
          )
          resolve(undefined)
        },
      )
    })
    this.#bound = bound
    return bound
  }

  async close(connections_closed: Promise<void>): Promise<void> {
    // Binding can't be cancelled, so the server closes once it is done.
    await this.#bound
    const http_closed = this.#stop_listening()
    await connections_closed
    // The remaining streams are refused clients, which end when their response is sent.
    const cancel = this.#clock.start_timer(this.#close_timeout, () => this.destroy_clients())
    await http_closed
    cancel()
  }

  destroy_clients(): void {
    for (const stream of this.#streams) stream.destroy()
  }

  #drop_if_over_limit(stream: Socket): void {
    this.http.getConnections((_error, count) => {
      if (count > this.#max_tcp_connections && !stream.destroyed) this.#drop(stream, 'over_limit')
    })
  }

  #drop(stream: Socket, reason: 'over_limit' | 'over_ip_limit'): void {
    this.#report_dropped(stream, reason)
    stream.destroy()
  }

  #report_dropped(client: DropArgument | Socket | undefined, reason: 'over_limit' | 'over_ip_limit'): void {
    this.#target?.dropped(reason, format_address(client?.remoteAddress ?? '', client?.remotePort ?? 0))
  }

  async #stop_listening(): Promise<void> {
    if (!this.http.listening) return
    await new Promise(resolve => {
      this.http.close(resolve)
      this.http.closeAllConnections()
      this.#target?.destroy_idle_connections()
      this.#created.destroy_unsecured()
      this.#descriptors.stop()
    })
  }
}
