import { type Server as HttpServer, type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { matches_route, parse_target } from '@bt/ws-protocol'
import { ws_settings } from '@bt/ws-protocol/node'
import { type WebSocket, WebSocketServer } from 'ws'
import { without_declined_offers } from './extension_offers.js'
import { make_http_server } from './http_server.js'
import type { ListenSettings } from './options.js'
import type { RefusalReason } from './ws_server.js'

/** What a client that is turned away is told. */
export interface Refusal {
  /** For the counts of `stats()`. */
  readonly reason: RefusalReason
  /** The HTTP status. */
  readonly status: number
  /** The body: what is wrong, and what would be right. */
  readonly text: string
  /** Headers that belong to this status. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What is counted and published of a refusal; without a status, there was no answer. */
export type RefusalNote = Pick<Refusal, 'reason'> & Partial<Pick<Refusal, 'status'>>

/** What a handshake server needs of the server behind it. */
export interface HandshakeOwner {
  /** Whether one more socket would be too many. */
  is_full(): boolean
  /** A handshake is done. */
  admit(ws: WebSocket, stream: Socket, request: IncomingMessage): void
  /** A client was turned away; `request` is left out where it could not be read. */
  refused(refusal: RefusalNote, stream: Socket, request?: IncomingMessage): void
}

/** RFC 6455 §4.1: 16 random bytes as base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/
const RETRY_AFTER_SECONDS = '5'

/** The HTTP server that takes handshakes. Whatever comes is answered, and every socket ends. */
export interface HandshakeServer {
  /** It is not listening yet. */
  readonly http: HttpServer
  /** Ends at once the sockets that have been refused and have not ended yet. */
  drop_refused(): void
  /** Ends at once every socket that there still is. */
  drop_all(): void
}

/** Makes the HTTP server that takes the handshakes of a WebSocket server. */
export function make_handshake_server(settings: ListenSettings, owner: HandshakeOwner): HandshakeServer {
  const { route, handshake_timeout } = settings
  const { http, drop_all } = make_http_server(settings, (reason, stream) => owner.refused({ reason }, stream))
  const refused = new Set<Socket>()
  const refuse = (stream: Socket, refusal: Refusal, request?: IncomingMessage): void => {
    owner.refused(refusal, stream, request)
    refused.add(stream)
    stream.once('close', () => refused.delete(stream))
    end_with_answer(stream, refusal, handshake_timeout)
  }

  const acceptor = make_acceptor(settings)
  acceptor.on('wsClientError', (error, stream, request) =>
    refuse(stream as Socket, bad_handshake(error.message), request),
  )

  http.on('upgrade', (request, stream: Socket, head) => {
    stream.on('error', told_by_close)
    const refusal = judge(request, route, owner.is_full())
    if (refusal !== undefined) refuse(stream, refusal, request)
    else {
      const offered = without_declined_offers(request)
      acceptor.handleUpgrade(offered, stream, head, ws => owner.admit(ws, stream, request))
    }
  })
  http.on('request', (request, response) => {
    const refusal = judge_path(request, route) ?? not_websocket()
    owner.refused(refusal, request.socket, request)
    response.writeHead(refusal.status, answer_headers(refusal))
    response.end(refusal.text)
  })
  http.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    // One that has gone, or was answered before, is not refused once more.
    if (error.code === 'ECONNRESET' || !stream.writable) stream.destroy()
    else refuse(stream as Socket, unreadable(error))
  })
  return {
    http,
    drop_all,
    drop_refused: () => {
      for (const stream of refused) stream.destroy()
    },
  }
}

/**
 * Ignores a socket's `error`: `close` follows it. Registered first, or a reset would end the process. It is no closure, which would keep the
 * request alive for as long as the socket.
 */
function told_by_close(): void {}

/** Judges a handshake by RFC 6455 §4.2.1; trusts no header to be there. */
export function judge(request: IncomingMessage, route: string, is_full: boolean): Refusal | undefined {
  const { headers, method, httpVersion } = request
  const wrong_path = judge_path(request, route)
  if (wrong_path !== undefined) return wrong_path
  if (headers.upgrade?.toLowerCase() !== 'websocket') return not_websocket()
  if (method !== 'GET') return bad_handshake(`the method is ${method}, and has to be GET`)
  if (httpVersion !== '1.1') return bad_handshake(`the HTTP version is ${httpVersion}, and has to be 1.1`)
  if (headers.host === undefined) return bad_handshake('the Host header is missing')
  if (headers['sec-websocket-version'] !== '13') return wrong_version(headers['sec-websocket-version'])
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) {
    return bad_handshake('the Sec-WebSocket-Key header is missing, or is not 16 bytes in base64')
  }
  return is_full ? over_limit() : undefined
}

function judge_path(request: IncomingMessage, route: string): Refusal | undefined {
  if (matches_route(parse_target(request.url ?? '').path, route)) return undefined
  return { reason: 'wrong_path', status: 404, text: 'There is no WebSocket at this path.' }
}

function not_websocket(): Refusal {
  const text = 'This is a WebSocket: connect with ws:// or wss://, not with http:// or https://.'
  return { reason: 'not_websocket', status: 426, text, headers: { Upgrade: 'websocket' } }
}

function bad_handshake(text: string): Refusal {
  return { reason: 'bad_handshake', status: 400, text: `The WebSocket handshake is broken: ${text}.` }
}

/** RFC 6455 §4.4: say which version would do. */
function wrong_version(version: string | undefined): Refusal {
  const text = `The WebSocket version is ${version ?? 'missing'}, and has to be 13.`
  const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' }
  return { reason: 'bad_handshake', status: version === undefined ? 400 : 426, text, headers }
}

function over_limit(): Refusal {
  const text = 'The server has as many connections as it takes; try again later.'
  return { reason: 'over_limit', status: 503, text, headers: { 'Retry-After': RETRY_AFTER_SECONDS } }
}

/** Bytes that Node's HTTP parser could not read, or that did not come in time. */
function unreadable(error: NodeJS.ErrnoException): Refusal {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { reason: 'timed_out', status: 408, text: 'The handshake took too long.' }
  }
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return { reason: 'bad_handshake', status: 431, text: 'The headers are too large.' }
  }
  return { reason: 'bad_handshake', status: 400, text: 'This is not HTTP.' }
}

function make_acceptor(settings: ListenSettings): WebSocketServer {
  const { protocols } = settings
  const options = {
    ...ws_settings(settings),
    noServer: true,
    clientTracking: false,
    handleProtocols: (offered: Set<string>): string | false =>
      protocols.find(name => offered.has(name)) ?? false,
  }
  return new WebSocketServer(options)
}

/** Answers on the bare socket, and ends it; a client that keeps its end open has `linger_ms` to read the answer. */
function end_with_answer(stream: Socket, refusal: Refusal, linger_ms: number): void {
  const { status, text } = refusal
  const lines = Object.entries(answer_headers(refusal)).map(([name, value]) => `${name}: ${value}\r\n`)
  stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`)
  // What the client still sends is read and dropped: unread bytes would turn the end into a reset that overtakes the answer.
  stream.resume()
  const timer = setTimeout(() => stream.destroy(), linger_ms)
  stream.once('close', () => clearTimeout(timer))
}

/** Every answer ends the connection; one with an Upgrade header has to name that in Connection too (RFC 9110 §7.8). */
function answer_headers({ text, headers = {} }: Refusal): Record<string, string | number> {
  return {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    ...headers,
    Connection: 'Upgrade' in headers ? 'close, Upgrade' : 'close',
  }
}
