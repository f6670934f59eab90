import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { NetError } from '@bt/ws-protocol'
import { describe_value } from '@bt/ws-protocol/internal'
import { node_platform } from '@bt/ws-protocol/internal/node'
import { answerable_stream } from '../handshake/client_stream.js'
import { ignore_error } from '../handshake/ignore_error.js'
import { wrong_path } from '../handshake/refusal.js'
import { matches_route, parse_target } from '../handshake/route.js'
import { offers_websocket } from '../handshake/validate.js'
import type { HandshakeTarget } from './handshake_target.js'
import { decides_upgrades, serve_plainly, type UpgradeDecider } from './plain_request.js'

/** Stops sending handshakes to a target. */
export type Unmount = () => void

const dispatchers = new WeakMap<HttpServer, Dispatcher>()

/**
 * Sends the handshakes for a target's route to it.
 *
 * @throws NetError `invalid_option` where that route is taken on this server
 */
export function mount(http: HttpServer, target: HandshakeTarget): Unmount {
  const dispatcher = dispatchers.get(http) ?? new Dispatcher(http)
  dispatchers.set(http, dispatcher)
  return dispatcher.mount(target)
}

/** Whether a request is for a route. */
export function is_for(request: IncomingMessage, route: string): boolean {
  const { url = '' } = request
  // What most ask for is the route itself, and perhaps a query.
  if (url.startsWith(route) && (url.length === route.length || url[route.length] === '?')) return true
  return matches_route(parse_target(url).path, route)
}

/** The one listener for `upgrade` that all our routes of an http server share; it is there as long as there is a route. */
class Dispatcher {
  readonly #http: HttpServer
  readonly #targets: HandshakeTarget[] = []
  #is_first = false
  #stop_listening: () => void = () => {}

  constructor(http: HttpServer) {
    this.#http = http
  }

  mount(target: HandshakeTarget): Unmount {
    const { route } = target
    const at = this.#targets.findIndex(other => matches_route(other.route, route))
    if (this.#targets[at]?.is_closing === false) {
      const message = `listen: the option route is ${describe_value(route)}, and this server has that route already; close the other one first, or choose another route`
      throw new NetError('invalid_option', message)
    }
    if (this.#targets.length === 0) this.#listen()
    if (at === -1) this.#targets.push(target)
    else this.#targets[at] = target
    return () => this.#unmount(target)
  }

  #unmount(target: HandshakeTarget): void {
    const at = this.#targets.indexOf(target)
    if (at === -1) return
    this.#targets.splice(at, 1)
    if (this.#targets.length === 0) this.#stop_listening()
  }

  #listen(): void {
    const http = this.#http
    this.#is_first = !this.#has_others
    const give_back = decides_upgrades(http) ? this.#decide_for(http) : () => {}
    http.on('upgrade', this.#dispatch)
    this.#stop_listening = () => {
      http.off('upgrade', this.#dispatch)
      give_back()
    }
  }

  /** Keeps our listener from turning plain requests into upgrades; what its owner has decided stays as it is. */
  #decide_for(http: HttpServer & UpgradeDecider): () => void {
    const theirs = http.shouldUpgradeCallback
    const ours = (request: IncomingMessage): boolean =>
      theirs.call(http, request) && (is_handshake(request) || this.#has_others)
    http.shouldUpgradeCallback = ours
    return () => {
      if (http.shouldUpgradeCallback === ours) http.shouldUpgradeCallback = theirs
    }
  }

  /** Whether an upgrade that is none of ours may be another listener's. */
  get #has_others(): boolean {
    return this.#http.listenerCount('upgrade') > Math.min(1, this.#targets.length)
  }

  readonly #dispatch = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    const found = this.#targets.find(({ route }) => is_for(request, route))
    // What has a stream of its own is still being read.
    const is_plain = !is_handshake(request) && stream === request.socket
    if (is_plain && !this.#has_others) serve_plainly(request, stream, head)
    else if (found !== undefined) found.take(request, answerable_stream(request, stream), head)
    else if (this.#has_others) this.#leave_to_others(request, stream)
    else refuse(this.#targets[0], request, stream)
  }

  /** Another listener may do something with it, now or later. If none does, it ends with the time that a handshake may take. */
  #leave_to_others(request: IncomingMessage, stream: Duplex): void {
    const [target] = this.#targets
    const { socket } = request
    // A listener before ours may have written to it already.
    const written_bytes = this.#is_first ? socket.bytesWritten : 0
    // Without a listener, a reset by its client would end the process.
    stream.on('error', ignore_error)
    const cancel = node_platform.clock.start_timer(target?.handshake_timeout ?? 0, () => {
      stream.off('close', cancel)
      if (!is_taken(stream) && !(socket.bytesWritten > written_bytes)) refuse(target, request, stream)
    })
    stream.once('close', cancel)
  }
}

/** Anything else than a GET that offers a WebSocket is a plain request: its app answers it. */
function is_handshake(request: IncomingMessage): boolean {
  return request.method === 'GET' && offers_websocket(request)
}

function refuse(target: HandshakeTarget | undefined, request: IncomingMessage, stream: Duplex): void {
  target?.refuse(answerable_stream(request, stream), wrong_path(), request)
}

/** Whether another listener reads a stream, or has ended it. Node leaves it neither flowing nor paused. */
function is_taken(stream: Duplex): boolean {
  const { readableFlowing, writableEnded, destroyed } = stream
  return readableFlowing !== null || stream.listenerCount('readable') > 0 || writableEnded || destroyed
}
