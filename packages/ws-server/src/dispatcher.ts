import { type Server as HttpServer, type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { describe_value, has_token, matches_route, NetError, parse_target } from '@bt/ws-protocol'
import type { UpgradeRequest } from './handshake_text.js'
import { has_body } from './judge.js'
import { type Refusal, wrong_path } from './refusal.js'
import { told_by_close } from './told_by_close.js'

/** What takes the handshakes of one route. */
export interface Mount {
  /** The path. */
  readonly route: string
  /** Whether another may take its route over. */
  readonly is_closing: boolean
  /** Takes a request to upgrade. */
  take(request: UpgradeRequest, stream: Socket, head: Buffer): void
  /** Turns away a request to upgrade. */
  refuse(stream: Socket, refusal: Refusal, request: UpgradeRequest): void
}

/** Takes a mount away again. */
export type Unmount = () => void

const dispatchers = new WeakMap<HttpServer, Dispatcher>()

/**
 * Sends the handshakes for a mount's route to it.
 *
 * @throws NetError `invalid_option` where that route is taken on this server
 */
export function mount(http: HttpServer, entrance: Mount): Unmount {
  const dispatcher = dispatchers.get(http) ?? new Dispatcher(http)
  dispatchers.set(http, dispatcher)
  return dispatcher.mount(entrance)
}

/** Whether a request is for a route. */
export function is_for(request: UpgradeRequest, route: string): boolean {
  const { url = '' } = request
  // What most ask for is the route itself, and perhaps a query.
  if (url.startsWith(route) && (url.length === route.length || url[route.length] === '?')) return true
  return matches_route(parse_target(url).path, route)
}

/** The one listener for `upgrade` that all our routes of an http server share; it is there as long as there is a route. */
class Dispatcher {
  readonly #http: HttpServer
  readonly #mounts: Mount[] = []

  constructor(http: HttpServer) {
    this.#http = http
  }

  mount(entrance: Mount): Unmount {
    const { route } = entrance
    const at = this.#mounts.findIndex(other => matches_route(other.route, route))
    if (this.#mounts[at]?.is_closing === false) {
      const message = `listen: the option route is ${describe_value(route)}, and this server has that route already; close the other one first, or choose another route`
      throw new NetError('invalid_option', message)
    }
    if (this.#mounts.length === 0) this.#http.on('upgrade', this.#dispatch)
    if (at === -1) this.#mounts.push(entrance)
    else this.#mounts[at] = entrance
    return () => this.#unmount(entrance)
  }

  #unmount(entrance: Mount): void {
    const at = this.#mounts.indexOf(entrance)
    if (at === -1) return
    this.#mounts.splice(at, 1)
    if (this.#mounts.length === 0) this.#http.off('upgrade', this.#dispatch)
  }

  /**
   * A path that is none of ours may be somebody else's; if nobody else is there, an upgrade to a WebSocket is nobody's, and counted by the
   * first of ours. One to something else is answered as a plain request, as it would be without us.
   */
  readonly #dispatch = (request: IncomingMessage, stream: Socket, head: Buffer): void => {
    const found = this.#mounts.find(({ route }) => is_for(request, route))
    if (found !== undefined) found.take(request, stream, head)
    else if (this.#http.listenerCount('upgrade') > 1) return
    else if (is_plain(request)) answer_plainly(this.#http, request, stream)
    else this.#mounts[0]?.refuse(stream, wrong_path(), request)
  }
}

/** Whether it can do without the upgrade that it offers (RFC 9110 §7.8), such as one to h2c. Its body, if it had one, would be lost. */
function is_plain(request: IncomingMessage): boolean {
  return !has_token(request.headers.upgrade, 'websocket') && !has_body(request)
}

function answer_plainly(http: HttpServer, request: IncomingMessage, stream: Socket): void {
  stream.on('error', told_by_close)
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(stream)
  response.once('finish', () => {
    response.detachSocket(stream)
    stream.end()
  })
  http.emit('request', request, response)
}
