import type { IncomingMessage } from 'node:http'
import type { ClientStream } from '../handshake/client_stream.js'
import type { Refusal, RefusalNote } from '../handshake/refusal.js'
import type { Route } from '../handshake/route.js'

/** Receives the handshakes of one route of an http server. */
export interface HandshakeTarget {
  readonly route: Route
  /** Whether it accepts no more clients, so that another target may replace it on its route. */
  readonly is_closing: boolean
  /** The limit of a handshake, in milliseconds. */
  readonly handshake_timeout: number
  /**
   * Starts the handshake of an upgrade request for the route; `head` contains the bytes that followed the
   * request.
   */
  start_handshake(message: IncomingMessage, stream: ClientStream, head: Buffer): void
  /** Refuses a client; `message` is left out if its request could not be read. */
  refuse(stream: ClientStream, refusal: Refusal, message?: IncomingMessage): void
}

/**
 * The target of an http server that serves nothing else, which also learns of connections before their
 * request.
 */
export interface OwnHttpTarget extends HandshakeTarget {
  /** Returns whether a new TCP connection is within the limits. */
  admits_connection(stream: ClientStream): boolean
  /** Called when a client is ready to send its request. */
  connected(stream: ClientStream): void
  /** Called when a client was refused that has got its response, or gets none. */
  refused(note: RefusalNote, stream: ClientStream, message?: IncomingMessage): void
  /** Called when a connection was closed before the client could send a request. */
  dropped(reason: 'over_limit' | 'over_ip_limit', addr: string): void
  /** Destroys all connections that have not sent a request. */
  destroy_idle_connections(): void
}
