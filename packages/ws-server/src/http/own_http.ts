import cluster from 'node:cluster'
import type { Server as HttpServer } from 'node:http'
import type { DropArgument, Socket } from 'node:net'
import { NetError } from '@bt/ws-protocol'
import { node_platform } from '@bt/ws-protocol/internal/node'
import { format_address } from '../handshake/client_address.js'
import { answerable_stream, type ClientStream } from '../handshake/client_stream.js'
import { not_websocket, unreadable, wrong_path } from '../handshake/refusal.js'
import { answer_headers } from '../handshake/refusal_response.js'
import { type BindAddress, parse_bind } from './bind_address.js'
import { bind_error } from './bind_error.js'
import { DescriptorWatch } from './descriptor_watch.js'
import { is_for, type Unmount } from './dispatcher.js'
import type { OwnHttpTarget } from './handshake_target.js'
import type { HttpHost } from './http_host.js'
import { type HttpSettings, type MadeHttpServer, make_http_server } from './http_server.js'

/** So many connections there may be besides twice `max_connections`: those that are in their handshake, or being refused. */
const MOST_BESIDE = 100

/** The options of these names. */
export interface OwnHttpSettings extends HttpSettings {
  readonly close_timeout: number
  readonly max_connections: number
}

/** An http server that is there for handshakes alone, at the address that `bind` names. */
export class OwnHttp implements HttpHost {
  readonly http: HttpServer
  readonly #made: MadeHttpServer
  readonly #bind: string
  readonly #address: BindAddress
  readonly #report: (error: NetError) => void
  readonly #descriptors: DescriptorWatch
  readonly #most_connections: number
  readonly #close_timeout: number
  /** Those that are no WebSockets, or not yet; over TLS, the sockets below. */
  readonly #streams = new Set<ClientStream>()
  /** One for all streams, so that none of them needs a closure of its own. */
  readonly #ended: (this: Socket) => void
  #bound: Promise<unknown> = Promise.resolve()
  #target: OwnHttpTarget | undefined

  /** Throws `invalid_option` for a certificate or a key that will not do. */
  constructor(settings: OwnHttpSettings, report: (error: NetError) => void) {
    this.#bind = String(settings.bind)
    this.#address = parse_bind(this.#bind) as BindAddress
    this.#report = report
    this.#close_timeout = settings.close_timeout
    const streams = this.#streams
    this.#ended = function (this: Socket): void {
      streams.delete(this)
    }
    this.#descriptors = new DescriptorWatch(node_platform.clock, report)
    this.#made = make_http_server(settings, {
      accepted: stream => {
        this.#descriptors.accepted()
        this.#streams.add(stream)
        stream.on('close', this.#ended)
        if (this.#target?.may_stay(stream) === false) this.#cut_off(stream, 'over_ip_limit')
        else if (cluster.isWorker) this.#cut_off_beyond_limit(stream)
      },
      arrived: stream => this.#target?.arrived(stream),
      refused: (reason, stream) => this.#target?.refused({ reason }, stream),
    })
    this.http = this.#made.http
    // Who has connected and asks for nothing is no socket of ours, and takes a file descriptor all the same.
    this.#most_connections = 2 * settings.max_connections + MOST_BESIDE
    // In a worker, Node would give who is too much to the next worker: with all of them full, round and round.
    if (!cluster.isWorker) this.http.maxConnections = this.#most_connections
  }

  serve(target: OwnHttpTarget): Unmount {
    this.#target = target
    this.http.on('upgrade', (request, duplex, head) => {
      const stream = answerable_stream(request, duplex)
      if (is_for(request, target.route)) target.take(request, stream, head)
      else target.refuse(stream, wrong_path(), request)
    })
    this.http.on('request', (request, response) => {
      const refusal = is_for(request, target.route) ? not_websocket() : wrong_path()
      target.refused(refusal, request.socket, request)
      response.writeHead(refusal.status, answer_headers(refusal))
      response.end(refusal.text)
    })
    this.http.on('drop', client => this.#dropped(client, 'over_limit'))
    this.http.on('clientError', (error: NodeJS.ErrnoException, stream) => {
      // One that has gone, or was answered before, is not refused once more.
      if (error.code === 'ECONNRESET' || !stream.writable) stream.destroy()
      else target.refuse(stream, unreadable(error))
    })
    // Whatever comes until it has closed is answered.
    return () => {}
  }

  let_go(stream: ClientStream): void {
    this.#streams.delete(stream)
    stream.off('close', this.#ended)
  }

  open(): Promise<NetError | undefined> {
    const address = this.#address
    const bound = new Promise<NetError | undefined>(resolve => {
      const failed = (cause: Error): void => resolve(bind_error(this.#bind, address, cause))
      this.http.once('error', failed)
      this.http.listen(
        address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
        () => {
          this.http.off('error', failed)
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
    // Binding can't be interrupted, only undone.
    await this.#bound
    const http_closed = this.#stop_listening()
    await connections_closed
    // What is left is no WebSocket. It has got its answer, and ends when that is sent.
    const cancel = node_platform.clock.start_timer(this.#close_timeout, () => {
      for (const stream of this.#streams) stream.destroy()
    })
    await http_closed
    cancel()
  }

  #cut_off_beyond_limit(stream: Socket): void {
    this.http.getConnections((_error, count) => {
      if (count > this.#most_connections && !stream.destroyed) this.#cut_off(stream, 'over_limit')
    })
  }

  #cut_off(stream: Socket, reason: 'over_limit' | 'over_ip_limit'): void {
    this.#dropped(stream, reason)
    stream.destroy()
  }

  #dropped(client: DropArgument | Socket | undefined, reason: 'over_limit' | 'over_ip_limit'): void {
    this.#target?.dropped(reason, format_address(client?.remoteAddress ?? '', client?.remotePort ?? 0))
  }

  async #stop_listening(): Promise<void> {
    if (!this.http.listening) return
    await new Promise(resolve => {
      this.http.close(resolve)
      this.http.closeAllConnections()
      this.#target?.drop_arrivals()
      this.#made.drop_unsecured()
      this.#descriptors.stop()
    })
  }
}
