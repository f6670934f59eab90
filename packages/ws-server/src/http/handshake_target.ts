import type { IncomingMessage } from 'node:http'
import type { ClientStream } from '../handshake/client_stream.js'
import type { Refusal, RefusalNote } from '../handshake/refusal.js'

/** Where an http server sends the handshakes of one route. */
export interface HandshakeTarget {
  /** The path. */
  readonly route: string
  /** Whether it accepts no more clients, so that another target may take its route over. */
  readonly is_closing: boolean
  /** How long a handshake may take, in milliseconds. */
  readonly handshake_timeout: number
  /** Takes a request to upgrade whose path is the route; `head` is what came behind it. */
  take(message: IncomingMessage, stream: ClientStream, head: Buffer): void
  /** Refuses a client; `message` is left out if its request could not be read. */
  refuse(stream: ClientStream, refusal: Refusal, message?: IncomingMessage): void
}

/** The target of an http server that serves nothing else, which also reports connections without a request. */
export interface OwnHttpTarget extends HandshakeTarget {
  /** Returns whether a connection may stay that was just accepted, before anything has come from it. */
  may_stay(stream: ClientStream): boolean
  /** A client has connected, and its request should come next. */
  arrived(stream: ClientStream): void
  /** A client was refused that has had its answer, or gets none. */
  refused(note: RefusalNote, stream: ClientStream, message?: IncomingMessage): void
  /** A client was cut off before it could send a request. */
  dropped(reason: 'over_limit' | 'over_ip_limit', addr: string): void
  /** Ends all connections whose request has not come. */
  drop_arrivals(): void
}
