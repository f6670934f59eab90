import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import * as node_http from 'node:http'
import type { Duplex } from 'node:stream'
import { ignore_error } from '../handshake/ignore_error.js'

/** An http server that decides which requests to upgrade, as Node's does from 22.21 and 24.9 on. */
export interface UpgradeDecider {
  /** Returns whether `upgrade` is emitted for a request; otherwise `request` is. */
  shouldUpgradeCallback(request: IncomingMessage): boolean
}

/** Returns whether an http server has `shouldUpgradeCallback`, which older versions of Node lack. */
export function has_upgrade_callback<Http extends object>(http: Http): http is Http & UpgradeDecider {
  return 'shouldUpgradeCallback' in http
}

/** The properties that Node sets on a stream while it reads requests from it. */
interface HttpStream {
  server: HttpServer
  /** The response that is being sent. */
  readonly _httpMessage?: ServerResponse | null
  /** Missing on streams that are not sockets. */
  setTimeout?(after_ms: number): unknown
}

/**
 * The function with which Node's http, https and http2 servers start to read requests. Node exports it
 * without a type.
 */
const { _connectionListener: read_requests } = node_http as unknown as {
  _connectionListener(this: HttpServer, stream: Duplex): void
}

/**
 * Lets the http server answer an upgrade request as a plain request, as RFC 9110 §7.8 allows. Node has freed
 * the parser of the connection by then, so a new one reads the same bytes again, and is kept from upgrading
 * this request.
 */
export function serve_as_plain_request(request: IncomingMessage, stream: Duplex, head: Buffer): void {
  const http_stream = stream as Duplex & HttpStream
  const { server, _httpMessage: response } = http_stream
  // Responses leave in the order of their requests (RFC 9112 §9.3.2).
  if (response) {
    after_response(http_stream, response, () => serve_as_plain_request(request, stream, head))
    return
  }
  stream.pause()
  if (head.length > 0) stream.unshift(head)
  stream.unshift(serialize_head(request))
  read_requests.call(without_one_upgrade(server), stream)
  Object.assign(stream, { server })
  stream.resume()
}

/** Waits for the previous response, on a stream from which Node has removed its own listeners. */
function after_response(stream: Duplex & HttpStream, response: ServerResponse, done: () => void): void {
  const on_drain = (): boolean => response.emit('drain')
  stream.on('error', ignore_error)
  stream.on('drain', on_drain)
  response.once('close', () => {
    stream.off('drain', on_drain)
    stream.off('error', ignore_error)
    // Node has started its keep-alive timeout.
    stream.setTimeout?.(0)
    // Node sends no further response to a client that has ended its side, so neither do we.
    if (stream.readable && stream.writable) done()
    else stream.end()
  })
}

/** Returns the request line and the headers as received, except for whitespace around values. */
function serialize_head({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}:${rawHeaders[i + 1]}\r\n`
  return Buffer.from(`${text}\r\n`, 'latin1')
}

/**
 * Returns a view of an http server that declines the first upgrade. Depending on its version, Node decides by
 * the number of listeners, or by `shouldUpgradeCallback`.
 */
function without_one_upgrade(http: HttpServer): HttpServer {
  let is_declined = false
  const decline_once = <Answer>(declined: Answer, otherwise: () => Answer): Answer => {
    if (is_declined) return otherwise()
    is_declined = true
    return declined
  }
  return Object.assign(Object.create(http), {
    emit: (event: string, ...values: unknown[]): boolean => http.emit(event, ...values),
    listenerCount: (event: string): number =>
      event === 'upgrade' ? decline_once(0, () => http.listenerCount(event)) : http.listenerCount(event),
    shouldUpgradeCallback: (request: IncomingMessage): boolean =>
      decline_once(false, () => has_upgrade_callback(http) && http.shouldUpgradeCallback(request)),
  })
}
