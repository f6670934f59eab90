import { randomUUID } from 'node:crypto'
import type { CloseInfo, Connection, ConnectionHandle, FrameBatch, NetError, Sendable } from '@bt/ws-protocol'
import type { HandshakeRequest } from './handshake_request.js'

/** One client, as a server's callbacks see it; `Data` is what `authorize` returned for it. */
export interface WsSocket<Data = unknown> extends ConnectionHandle {
  /**
   * The client's address, `'ip:port'`; for a Unix socket the server's own. With `trust_proxy` it is what the proxy says, and `'ip:0'` where that
   * names no port.
   */
  readonly addr: string
  /** What `authorize` returned; `undefined` where there is no `authorize`. */
  readonly data: Data
  /** A name of this connection that no other ever has. */
  readonly id: string
  /** What the client asked for in its handshake. */
  readonly request: HandshakeRequest
}

/** The implementation of {@link WsSocket}; all state is the connection's. */
export class ServerSocket implements WsSocket {
  readonly addr: string
  readonly data: unknown
  readonly type = 'ws' as const
  readonly request: HandshakeRequest
  readonly #connection: Connection<ServerSocket, FrameBatch>
  #id: string | undefined

  constructor(
    connection: Connection<ServerSocket, FrameBatch>,
    addr: string,
    request: HandshakeRequest,
    data: unknown,
  ) {
    this.#connection = connection
    this.addr = addr
    this.request = request
    this.data = data
  }

  /** The connection behind a socket: for its server alone. */
  static connection_of(socket: ServerSocket): Connection<ServerSocket, FrameBatch> {
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
