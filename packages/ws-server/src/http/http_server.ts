import { createServer, type Server as HttpServer } from 'node:http'
import { createServer as create_https_server } from 'node:https'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { MAX_DELAY_MS } from '@bt/ws-protocol/internal'
import { node_platform, secure_options } from '@bt/ws-protocol/internal/node'
import { ignore_error } from '../handshake/ignore_error.js'
import type { RefusalReason } from '../handshake/refusal.js'
import { Arrivals } from './arrivals.js'
import { check_tls, sni_where, TLS_WHERE, type TlsListenOptions } from './tls_options.js'

/** An HTTP server, plain or over TLS. It is not listening yet. */
export interface MadeHttpServer {
  /** Over TLS, it tells `clientError` only of sockets whose TLS handshake is done, and of those that are destroyed. */
  readonly http: HttpServer
  /** Ends the sockets in the middle of a TLS handshake, which HTTP does not know yet. */
  drop_unsecured(): void
}

/** The options of these names. */
export interface HttpSettings {
  readonly bind?: string | undefined
  readonly handshake_timeout: number
  readonly tls?: TlsListenOptions | undefined
}

/** Who wants to know who comes. */
export interface HttpEvents {
  /** A TCP connection was accepted; over TLS, nothing of that has happened on it yet. It is over if this destroys it. */
  accepted(stream: Socket): void
  /** A client has connected, over TLS with the handshake of that behind it, and its request comes next. */
  arrived(stream: Socket): void
  /** A client failed in TLS, and got no answer for that reason. */
  refused(reason: RefusalReason, stream: Socket): void
}

/** How long a request may take is watched elsewhere, since that goes on with `authorize`. */
const NO_TIMEOUTS = { headersTimeout: 0, requestTimeout: 0 }

/**
 * Makes the HTTP server of a WebSocket server.
 *
 * @throws NetError `invalid_option` for a certificate or a key that will not do
 */
export function make_http_server(settings: HttpSettings, watcher: HttpEvents): MadeHttpServer {
  if (settings.tls !== undefined) return make_https_server(settings, settings.tls, watcher)
  const http = createServer(NO_TIMEOUTS)
  // Before Node's own listener, which begins to read.
  http.prependListener('connection', stream => {
    watcher.accepted(stream)
    if (!stream.destroyed) watcher.arrived(stream)
  })
  return { http, drop_unsecured: () => {} }
}

function make_https_server(
  { bind, handshake_timeout }: HttpSettings,
  given: TlsListenOptions,
  watcher: HttpEvents,
): MadeHttpServer {
  const tls = check_tls(given)
  const { ca, min_version, client_certificates } = tls
  // A certificate of `sni` brings a context of its own: without `ca`, that one would trust every public authority.
  const trust = { ca, min_version }
  const contexts = Object.entries(tls.sni).map(
    ([name, identity]) =>
      [
        name.toLowerCase(),
        createSecureContext(secure_options(sni_where(name), { ...identity, ...trust })),
      ] as const,
  )
  // Node's own timer would blame clients for the time in which this process was busy. The sockets of TLS and below it can be told apart by their address, which Unix sockets do not have.
  const has_addresses = !bind?.startsWith('unix:')
  const https = create_https_server({
    ...NO_TIMEOUTS,
    handshakeTimeout: has_addresses ? MAX_DELAY_MS : handshake_timeout,
    ...secure_options(TLS_WHERE, tls),
    requestCert: client_certificates !== 'none',
    rejectUnauthorized: client_certificates === 'required',
    ...(contexts.length === 0 ? {} : { SNICallback: choose_context(new Map(contexts)) }),
  })
  const unsecured = new Map<string | Socket, Socket>()
  const handshakes = new Arrivals(handshake_timeout, node_platform.clock, socket => {
    watcher.refused('timed_out', socket as Socket)
    socket.destroy()
  })
  const take_socket_below = (secure: TLSSocket): Socket | undefined => {
    const peer = peer_of(secure)
    const socket = unsecured.get(peer)
    if (socket !== undefined) handshakes.take(socket)
    unsecured.delete(peer)
    return socket
  }
  https.on('connection', (socket: Socket) => {
    watcher.accepted(socket)
    const peer = peer_of(socket)
    unsecured.set(peer, socket)
    if (has_addresses) handshakes.add(socket)
    socket.once('close', () => unsecured.delete(peer))
    socket.on('error', ignore_error)
  })
  // First of all: Node goes on to tell `clientError`, where a destroyed socket is known as one that is over.
  https.prependListener('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const below = take_socket_below(socket)
    const reason = refusal_of(error, socket)
    if (reason !== undefined) watcher.refused(reason, socket)
    if (error.code === 'ERR_SSL_HTTP_REQUEST') below?.write(PLAIN_HTTP_ANSWER)
    socket.destroy()
  })
  https.prependListener('secureConnection', socket => {
    take_socket_below(socket)
    // Where certificates are optional, Node lets those in that do not hold.
    if (socket.authorized || socket.getPeerX509Certificate() === undefined) {
      watcher.arrived(socket)
      return
    }
    watcher.refused('tls_failed', socket)
    socket.destroy()
  })
  const drop_unsecured = (): void => {
    handshakes.drop_all()
    for (const socket of unsecured.values()) socket.destroy()
  }
  return { http: https, drop_unsecured }
}

/** What a client is told that speaks HTTP where TLS is expected; it reads this though TLS never began. */
const PLAIN_HTTP_ANSWER = [
  'HTTP/1.1 400 Bad Request',
  'Content-Type: text/plain; charset=utf-8',
  'Connection: close',
  '',
  'This server speaks TLS: connect with wss:// or https://, not with ws:// or http://.',
].join('\r\n')

/** Tells one socket from all others: over TCP by the client's address, which the TLS socket above it has too. */
function peer_of(socket: Socket): string | Socket {
  const { remoteAddress, remotePort } = socket
  return remotePort === undefined ? socket : `${remoteAddress} ${remotePort}`
}

/** Finds the certificate for the name that a client asks for: the name itself, or `*` and all but its first label. */
function choose_context(contexts: ReadonlyMap<string, SecureContext>) {
  return (server_name: string, done: (error: null, context?: SecureContext) => void): void => {
    const name = server_name.toLowerCase()
    done(null, contexts.get(name) ?? contexts.get(name.replace(/^[^.]+/, '*')))
  }
}

/** Why a TLS handshake failed; `undefined` for a client that left in the middle of it. */
function refusal_of(error: NodeJS.ErrnoException, socket: TLSSocket): RefusalReason | undefined {
  if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timed_out'
  // Where certificates are required, Node ends the socket of one that does not hold, and says so no further.
  return error.code === 'ECONNRESET' && !socket.authorizationError ? undefined : 'tls_failed'
}
