import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { describe_value, matches_route, NetError, parse_target } from '@bt/ws-protocol'
import { node_platform } from '@bt/ws-protocol/node'
import { answerable_stream, type ClientStream } from './client_stream.js'
import { offers_websocket } from './judge.js'
import { decides_upgrades, serve_plainly, type UpgradeDecider } from './plain_request.js'
import { type Refusal, wrong_path } from './refusal.js'
import { told_by_close } from './told_by_close.js'

/** What takes the handshakes of one route. */
export interface Mount {
  /** The path. */
  readonly route: string
  /** Whether another may take its route over. */
  readonly is_closing: boolean
  /** How long a handshake may take, in milliseconds. */
  readonly handshake_timeout: number
  /** Takes a request to upgrade. */
  take(request: IncomingMessage, stream: ClientStream, head: Buffer): void
  /** Turns away a request to upgrade. */
  refuse(stream: ClientStream, refusal: Refusal, request: IncomingMessage): void
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
export function is_for(request: IncomingMessage, route: string): boolean {
  const { url = '' } = request
  // What most ask for is the route itself, and perhaps a query.
  if (url.startsWith(route) && (url.length === route.length || url[route.length] === '?')) return true
  return matches_route(parse_target(url).path, route)
}

/** The one listener for `upgrade` that all our routes of an http server share; it is there as long as there is a route. */
class Dispatcher {
  readonly #http: HttpServer
  readonly #mounts: Mount[] = []
  #is_first = false
  #stop_listening: () => void = () => {}

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
    if (this.#mounts.length === 0) this.#listen()
    if (at === -1) this.#mounts.push(entrance)
    else this.#mounts[at] = entrance
    return () => this.#unmount(entrance)
  }

  #unmount(entrance: Mount): void {
    const at = this.#mounts.indexOf(entrance)
    if (at === -1) return
    this.#mounts.splice(at, 1)
    if (this.#mounts.length === 0) this.#stop_listening()
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
    return this.#http.listenerCount('upgrade') > Math.min(1, this.#mounts.length)
  }

  readonly #dispatch = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    const found = this.#mounts.find(({ route }) => is_for(request, route))
    // What has a stream of its own is still being read.
    const is_plain = !is_handshake(request) && stream === request.socket
    if (is_plain && !this.#has_others) serve_plainly(request, stream, head)
    else if (found !== undefined) found.take(request, answerable_stream(request, stream), head)
    else if (this.#has_others) this.#leave_to_others(request, stream)
    else refuse(this.#mounts[0], request, stream)
  }

  /** Another listener may do something with it, now or later. If none does, it ends with the time that a handshake may take. */
  #leave_to_others(request: IncomingMessage, stream: Duplex): void {
    const [entrance] = this.#mounts
    const { socket } = request
    // A listener before ours may have written to it already.
    const written_bytes = this.#is_first ? socket.bytesWritten : 0
    // Without a listener, a reset by its client would end the process.
    stream.on('error', told_by_close)
    const cancel = node_platform.clock.start_timer(entrance?.handshake_timeout ?? 0, () => {
      stream.off('close', cancel)
      if (!is_taken(stream) && !(socket.bytesWritten > written_bytes)) refuse(entrance, request, stream)
    })
    stream.once('close', cancel)
  }
}

/** Anything else than a GET that offers a WebSocket is a plain request: its app answers it. */
function is_handshake(request: IncomingMessage): boolean {
  return request.method === 'GET' && offers_websocket(request)
}

function refuse(entrance: Mount | undefined, request: IncomingMessage, stream: Duplex): void {
  entrance?.refuse(answerable_stream(request, stream), wrong_path(), request)
}

/** Whether another listener reads a stream, or has ended it. Node leaves it neither flowing nor paused. */
function is_taken(stream: Duplex): boolean {
  const { readableFlowing, writableEnded, destroyed } = stream
  return readableFlowing !== null || stream.listenerCount('readable') > 0 || writableEnded || destroyed
}
