import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { NetError } from '@bt/ws-protocol'
import { describe_value } from '@bt/ws-protocol/internal'
import { node_platform } from '@bt/ws-protocol/internal/node'
import { response_stream } from '../handshake/client_stream.js'
import { ignore_error } from '../handshake/ignore_error.js'
import { wrong_path } from '../handshake/refusal.js'
import { offers_websocket } from '../handshake/validate.js'
import type { HandshakeTarget } from './handshake_target.js'
import { has_upgrade_callback, serve_as_plain_request, type UpgradeDecider } from './plain_request.js'

/** Stops routing handshakes to a target. */
export type Unmount = () => void

const dispatchers = new WeakMap<HttpServer, Dispatcher>()

/**
 * Routes the handshakes for a target's route to it.
 *
 * @throws NetError `invalid_option` if another target has that route on this server
 */
export function mount(http: HttpServer, target: HandshakeTarget): Unmount {
  const dispatcher = dispatchers.get(http) ?? new Dispatcher(http)
  dispatchers.set(http, dispatcher)
  return dispatcher.mount(target)
}

/**
 * The single `upgrade` listener for all our routes of an http server. It is registered while there is any
 * route.
 */
class Dispatcher {
  readonly #http: HttpServer
  /** Sorted, so that the first to match is the one that counts. */
  readonly #targets: HandshakeTarget[] = []
  #is_first = false
  #stop_listening: () => void = () => {}

  constructor(http: HttpServer) {
    this.#http = http
  }

  mount(target: HandshakeTarget): Unmount {
    const { route } = target
    const index = this.#targets.findIndex(other => other.route.paths === route.paths)
    const old = this.#targets[index]
    if (old?.is_closing === false) {
      const as_text = old.route.text === route.text ? '' : ` as ${describe_value(old.route.text)}`
      const message = `listen: the option route is ${describe_value(route.text)}, and this server has that route already${as_text}; close the other one first, or choose another route`
      throw new NetError('invalid_option', message)
    }
    if (this.#targets.length === 0) this.#listen()
    if (index === -1) this.#targets.push(target)
    else this.#targets[index] = target
    this.#targets.sort((a, b) => Number(a.route.rank > b.route.rank) - Number(a.route.rank < b.route.rank))
    return () => this.#unmount(target)
  }

  #unmount(target: HandshakeTarget): void {
    const index = this.#targets.indexOf(target)
    if (index === -1) return
    this.#targets.splice(index, 1)
    if (this.#targets.length === 0) this.#stop_listening()
  }

  #listen(): void {
    const http = this.#http
    this.#is_first = !this.#has_others
    const restore = has_upgrade_callback(http) ? this.#override_upgrade_callback(http) : () => {}
    http.on('upgrade', this.#dispatch)
    this.#stop_listening = () => {
      http.off('upgrade', this.#dispatch)
      restore()
    }
  }

  /**
   * Keeps Node from emitting `upgrade` for plain requests just because we listen, and respects the owner's
   * own decision.
   */
  #override_upgrade_callback(http: HttpServer & UpgradeDecider): () => void {
    const original = http.shouldUpgradeCallback
    const override = (request: IncomingMessage): boolean =>
      original.call(http, request) && (is_handshake(request) || this.#has_others)
    http.shouldUpgradeCallback = override
    return () => {
      if (http.shouldUpgradeCallback === override) http.shouldUpgradeCallback = original
    }
  }

  /** Whether other listeners for `upgrade` exist, which may handle requests that are not for our routes. */
  get #has_others(): boolean {
    return this.#http.listenerCount('upgrade') > Math.min(1, this.#targets.length)
  }

  readonly #dispatch = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    const found = this.#targets.find(({ route }) => route.matches(request.url ?? ''))
    // With a stream of its own, Node is still reading the request's body.
    const is_plain = !is_handshake(request) && stream === request.socket
    if (is_plain && !this.#has_others) serve_as_plain_request(request, stream, head)
    else if (found !== undefined) found.start_handshake(request, response_stream(request, stream), head)
    else if (this.#has_others) this.#leave_to_others(request, stream)
    else refuse(this.#targets[0], request, stream)
  }

  /**
   * Leaves a request to the other listeners, and refuses it if none has used it within the time of a
   * handshake.
   */
  #leave_to_others(request: IncomingMessage, stream: Duplex): void {
    const [target] = this.#targets
    const { socket } = request
    // A listener before ours may have written to the socket already.
    const written_bytes = this.#is_first ? socket.bytesWritten : 0
    // Without an `error` listener, a reset by the client would end the process.
    stream.on('error', ignore_error)
    const cancel = node_platform.clock.start_timer(target?.handshake_timeout ?? 0, () => {
      stream.off('close', cancel)
      if (!is_in_use(stream) && !(socket.bytesWritten > written_bytes)) refuse(target, request, stream)
    })
    stream.once('close', cancel)
  }
}

/** Returns whether a request is a WebSocket handshake. The app answers all others as plain requests. */
function is_handshake(request: IncomingMessage): boolean {
  return request.method === 'GET' && offers_websocket(request)
}

function refuse(target: HandshakeTarget | undefined, request: IncomingMessage, stream: Duplex): void {
  target?.refuse(response_stream(request, stream), wrong_path(), request)
}

/**
 * Returns whether another listener reads a stream, or has ended it. Until then it is neither flowing nor
 * paused.
 */
function is_in_use(stream: Duplex): boolean {
  const { readableFlowing, writableEnded, destroyed } = stream
  return readableFlowing !== null || stream.listenerCount('readable') > 0 || writableEnded || destroyed
}
