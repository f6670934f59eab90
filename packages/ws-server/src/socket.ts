import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { CloseInfo, Connection, NetError, Sendable } from '@bt/ws-protocol'

/** What a client asked for in its handshake. */
export interface HandshakeRequest {
  /** The path, percent-encoded as it came. */
  readonly path: string
  /** The query; empty where there was none. */
  readonly query: URLSearchParams
  /** The headers, by lower-case name. */
  readonly headers: IncomingHttpHeaders
  /** The `Origin` header: the page a browser was on. Programs other than browsers can send any, or none. */
  readonly origin: string | undefined
  /** The subprotocol that was agreed on; empty where there is none. */
  readonly protocol: string
}

/** One client, as a server's callbacks see it. */
export interface WsSocket {
  /** The client's address, `'ip:port'`; for a Unix socket the server's own. */
  readonly addr: string
  /** Always `'ws'`. */
  readonly type: 'ws'
  /** A name of this connection that no other ever has. */
  readonly id: string
  /** What the client asked for in its handshake. */
  readonly request: HandshakeRequest
  /** Bytes that were sent and that the network has not taken, frame headers included. */
  readonly queued: number
  /** Settles when the socket has ended and the last callback, `on_close`, is done. Never rejects. */
  readonly closed: Promise<CloseInfo>
  /**
   * Sends a message, text or bytes. It goes into the bounded queue, and on its way at the end of the turn.
   *
   * @returns `true` when the queue took it; else an error with code `queue_full`, `too_large` or `closed`, and nothing was taken.
   * An error is truthy: compare with `=== true`
   * @throws NetError `invalid_argument` when `data` is neither text nor bytes
   */
  send(data: Sendable): true | NetError
  /** The same as {@link WsSocket.send}. */
  write(data: Sendable): true | NetError
  /**
   * Closes in order: what was sent goes out first, then a Close. No message reaches `on_message` from now on. Twice is fine.
   *
   * @param code - 1000, or one of your own from 3000 to 4999 (RFC 6455 §7.4.2)
   * @param reason - at most 123 bytes of UTF-8
   * @throws NetError `invalid_argument` for a code or a reason that is not allowed
   */
  close(code?: number, reason?: string): true
  /** Settles when the network has taken all that was sent; rejects with `closed` when it never will. */
  drained(): Promise<void>
}

/** The one that users are handed: it shows a connection, and keeps nothing of its own but who is there. */
export class ServerSocket implements WsSocket {
  readonly addr: string
  readonly type = 'ws' as const
  readonly request: HandshakeRequest
  readonly #connection: Connection<ServerSocket>
  #id: string | undefined

  constructor(connection: Connection<ServerSocket>, addr: string, request: HandshakeRequest) {
    this.#connection = connection
    this.addr = addr
    this.request = request
  }

  /** The connection behind a socket: for its server alone. */
  static connection_of(socket: ServerSocket): Connection<ServerSocket> {
    return socket.#connection
  }

  get id(): string {
    this.#id ??= randomUUID()
    return this.#id
  }

  get queued(): number {
    return this.#connection.queued
  }

  get closed(): Promise<CloseInfo> {
    return this.#connection.closed
  }

  send(data: Sendable): true | NetError {
    return this.#connection.send(data)
  }

  write(data: Sendable): true | NetError {
    return this.#connection.send(data)
  }

  close(code?: number, reason?: string): true {
    return this.#connection.close(code, reason)
  }

  drained(): Promise<void> {
    return this.#connection.drained()
  }
}
