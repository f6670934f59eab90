import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import * as node_http from 'node:http'
import type { Duplex } from 'node:stream'
import { ignore_error } from '../handshake/ignore_error.js'

/** An http server that decides for itself which requests to upgrade, as Node's do from 22.21 and 24.9 on. */
export interface UpgradeDecider {
  /** Returns whether `upgrade` is emitted for a request; otherwise `request` is. */
  shouldUpgradeCallback(request: IncomingMessage): boolean
}

/** Returns whether an http server can decide before it upgrades. */
export function decides_upgrades<Http extends object>(http: Http): http is Http & UpgradeDecider {
  return 'shouldUpgradeCallback' in http
}

/** What Node keeps at a stream whose requests it reads. */
interface ReadStream {
  /** For which server. */
  server: HttpServer
  /** The response that is being sent. */
  readonly _httpMessage?: ServerResponse | null
  /** Only sockets have it. */
  setTimeout?(after_ms: number): unknown
}

/** Node's reader of requests for http servers, those of `node:https` and `node:http2` too: exported, but without a type. */
const { _connectionListener: read_requests } = node_http as unknown as {
  _connectionListener(this: HttpServer, stream: Duplex): void
}

/**
 * Hands a request that was taken for an upgrade back to its http server as the plain request that it also is (RFC 9110 §7.8). Node has freed the
 * connection's parser: a new one reads the same bytes and what follows them, and is not given the chance to upgrade this request.
 */
export function serve_plainly(request: IncomingMessage, stream: Duplex, head: Buffer): void {
  const read_stream = stream as Duplex & ReadStream
  const { server, _httpMessage: response } = read_stream
  // Responses leave in the order of their requests (RFC 9112 §9.3.2).
  if (response) {
    after_response(read_stream, response, () => serve_plainly(request, stream, head))
    return
  }
  stream.pause()
  if (head.length > 0) stream.unshift(head)
  stream.unshift(head_of(request))
  read_requests.call(without_one_upgrade(server), stream)
  Object.assign(stream, { server })
  stream.resume()
}

/** Waits for a response on a stream from which Node has removed its own listeners. */
function after_response(stream: Duplex & ReadStream, response: ServerResponse, done: () => void): void {
  const drained = (): boolean => response.emit('drain')
  stream.on('error', ignore_error)
  stream.on('drain', drained)
  response.once('close', () => {
    stream.off('drain', drained)
    stream.off('error', ignore_error)
    // Node has started the time in which a connection without a request is kept.
    stream.setTimeout?.(0)
    // To a client that has ended its side, Node answers nothing further either.
    if (stream.readable && stream.writable) done()
    else stream.end()
  })
}

/** The request line and the headers as they came, except for blanks around values. */
function head_of({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}:${rawHeaders[i + 1]}\r\n`
  return Buffer.from(`${text}\r\n`, 'latin1')
}

/** An http server as its reader gets it: the first time that Node asks it whether to upgrade, it does not. Which way Node asks depends on its version. */
function without_one_upgrade(http: HttpServer): HttpServer {
  let is_asked = false
  const unless_first = <Answer>(first: Answer, later: () => Answer): Answer => {
    if (is_asked) return later()
    is_asked = true
    return first
  }
  return Object.assign(Object.create(http), {
    emit: (event: string, ...values: unknown[]): boolean => http.emit(event, ...values),
    listenerCount: (event: string): number =>
      event === 'upgrade' ? unless_first(0, () => http.listenerCount(event)) : http.listenerCount(event),
    shouldUpgradeCallback: (request: IncomingMessage): boolean =>
      unless_first(false, () => decides_upgrades(http) && http.shouldUpgradeCallback(request)),
  })
}
