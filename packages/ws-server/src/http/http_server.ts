import type { Server as HttpServer } from 'node:http'
import { createServer as create_https_server } from 'node:https'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { type Clock, MAX_DELAY_MS } from '@bt/ws-protocol/internal'
import { type Environment, secure_options } from '@bt/ws-protocol/internal/node'
import { ignore_error } from '../handshake/ignore_error.js'
import type { RefusalReason } from '../handshake/refusal.js'
import { StreamTimeouts } from './stream_timeouts.js'
import { check_tls, sni_where, TLS_WHERE, type TlsListenOptions } from './tls_options.js'

/** An HTTP server, plain or over TLS, that does not listen yet. */
export interface CreatedHttpServer {
  /**
   * Over TLS, it emits `clientError` only for sockets whose TLS handshake is complete, and for destroyed
   * ones.
   */
  readonly http: HttpServer
  /** Destroys the sockets in the middle of a TLS handshake, which `http` does not know yet. */
  destroy_unsecured(): void
}

/** The options of the same names. */
export interface HttpSettings {
  readonly bind?: string | undefined
  readonly handshake_timeout: number
  readonly tls?: TlsListenOptions | undefined
}

/** What an HTTP server reports of its connections. */
export interface HttpEvents {
  /** Called when a TCP connection was accepted, before its TLS handshake. It may destroy the stream. */
  accepted(stream: Socket): void
  /** Called when a client is ready to send its request, over TLS after the TLS handshake. */
  connected(stream: Socket): void
  /** Called when a TLS handshake failed, so that the client gets no response. */
  refused(reason: RefusalReason, stream: Socket): void
}

/** Node's timeouts are off, because the handshake timeout also covers `authorize`. */
const NO_TIMEOUTS = { headersTimeout: 0, requestTimeout: 0 }

/**
 * Creates the HTTP server of a WebSocket server.
 *
 * @throws NetError `invalid_option` for an invalid certificate or key
 */
export function create_http_server(
  settings: HttpSettings,
  environment: Environment,
  events: HttpEvents,
): CreatedHttpServer {
  const { tls } = settings
  if (tls !== undefined && environment.has_tls)
    return create_tls_http_server(settings, tls, environment.platform.clock, events)
  if (tls !== undefined) check_tls(tls)
  const http = environment.create_http_server(NO_TIMEOUTS)
  // It has to run before Node's own listener, which starts to read.
  http.prependListener('connection', stream => {
    events.accepted(stream)
    if (!stream.destroyed) events.connected(stream)
  })
  return { http, destroy_unsecured: () => {} }
}

function create_tls_http_server(
  { bind, handshake_timeout }: HttpSettings,
  given: TlsListenOptions,
  clock: Clock,
  events: HttpEvents,
): CreatedHttpServer {
  const tls = check_tls(given)
  const { ca, min_version, client_certificates } = tls
  // Each certificate of `sni` has a context of its own, which without `ca` would trust every public
  // authority.
  const trust = { ca, min_version }
  const contexts = Object.entries(tls.sni).map(
    ([name, identity]) =>
      [
        name.toLowerCase(),
        createSecureContext(secure_options(sni_where(name), { ...identity, ...trust })),
      ] as const,
  )
  // Node's own timeout would also count time in which this process was busy. Ours finds the TCP socket below
  // a TLS socket by the client's address, which Unix sockets do not have.
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
  const tls_timeouts = new StreamTimeouts(handshake_timeout, clock, socket => {
    events.refused('timed_out', socket as Socket)
    socket.destroy()
  })
  const take_tcp_socket = (secure: TLSSocket): Socket | undefined => {
    const key = socket_key(secure)
    const socket = unsecured.get(key)
    if (socket !== undefined) tls_timeouts.remove(socket)
    unsecured.delete(key)
    return socket
  }
  https.on('connection', (socket: Socket) => {
    events.accepted(socket)
    const key = socket_key(socket)
    unsecured.set(key, socket)
    if (has_addresses) tls_timeouts.add(socket)
    socket.once('close', () => unsecured.delete(key))
    socket.on('error', ignore_error)
  })
  // It has to run before Node's own listener, which emits `clientError`. That listener of ours ignores
  // destroyed sockets.
  https.prependListener('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const tcp_socket = take_tcp_socket(socket)
    const reason = refusal_of(error, socket)
    if (reason !== undefined) events.refused(reason, socket)
    if (error.code === 'ERR_SSL_HTTP_REQUEST') tcp_socket?.write(PLAIN_HTTP_RESPONSE)
    socket.destroy()
  })
  https.prependListener('secureConnection', socket => {
    take_tcp_socket(socket)
    // If certificates are optional, Node also accepts invalid ones.
    if (socket.authorized || socket.getPeerX509Certificate() === undefined) {
      events.connected(socket)
      return
    }
    events.refused('tls_failed', socket)
    socket.destroy()
  })
  const destroy_unsecured = (): void => {
    tls_timeouts.destroy_all()
    for (const socket of unsecured.values()) socket.destroy()
  }
  return { http: https, destroy_unsecured }
}

/** The unencrypted response to a client that sends plain HTTP to a TLS server. */
const PLAIN_HTTP_RESPONSE = [
  'HTTP/1.1 400 Bad Request',
  'Content-Type: text/plain; charset=utf-8',
  'Connection: close',
  '',
  'This server speaks TLS: connect with wss:// or https://, not with ws:// or http://.',
].join('\r\n')

/** Returns a key that a TCP socket has in common with the TLS socket on top of it: the client's address. */
function socket_key(socket: Socket): string | Socket {
  const { remoteAddress, remotePort } = socket
  return remotePort === undefined ? socket : `${remoteAddress} ${remotePort}`
}

/**
 * Selects the context for the requested server name: that name itself, or with `*` for its first label (RFC
 * 6125 §6.4.3).
 */
function choose_context(contexts: ReadonlyMap<string, SecureContext>) {
  return (server_name: string, done: (error: null, context?: SecureContext) => void): void => {
    const name = server_name.toLowerCase()
    done(null, contexts.get(name) ?? contexts.get(name.replace(/^[^.]+/, '*')))
  }
}

/** Returns why a TLS handshake failed, or `undefined` if the client left during it. */
function refusal_of(error: NodeJS.ErrnoException, socket: TLSSocket): RefusalReason | undefined {
  if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timed_out'
  // If certificates are required, Node resets the connection of a client with an invalid one, and shows the
  // reason only in `authorizationError`.
  return error.code === 'ECONNRESET' && !socket.authorizationError ? undefined : 'tls_failed'
}
