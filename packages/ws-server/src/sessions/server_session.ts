import {
  type Hello,
  type ServerConnection,
  type ServerSessionOwner,
  type SessionPlatform,
  SessionPort,
  type SessionPortSettings,
  SessionSocket,
  type SocketEvents,
  type Welcome,
} from '@bt/ws-protocol/internal'
import type { AcceptedClient } from '../handshake/accepted_client.js'
import type { ClientEndpoint } from '../handshake/client_address.js'
import type { HandshakeRequest } from '../handshake/request.js'
import { type CountingStream, ServerSocket, type SocketWire } from '../sockets/socket.js'
import type { SessionWire } from './session_wire.js'
import type { SessionIdentity } from './sessions_option.js'

const NO_TRAFFIC: CountingStream = { bytesRead: 0, bytesWritten: 0 }

/** A client of a session, on one of its sockets. */
export interface SessionClient {
  readonly endpoint: ClientEndpoint
  readonly request: HandshakeRequest
}

/** What the client of a session is welcomed with. */
export type SessionGrant = Pick<Welcome, 'token' | 'hold_ms'>

/** The owner of a {@link ServerSession}. */
export interface ServerSessionEvents {
  /** Makes the connection of the session, and the socket that users get. */
  connect(wire: SocketWire, client: AcceptedClient): ServerConnection<ServerSocket>
  /** The session has lost its socket, and waits for its client. */
  away(session: ServerSession): void
  /** One of its sockets has ended, or was replaced. */
  left(stream: CountingStream): void
}

/** A session of a server, which outlives its sockets. To its connection, it is the socket. */
export class ServerSession implements ServerSessionOwner, SocketWire {
  readonly identity: SessionIdentity | undefined
  readonly connection: ServerConnection<ServerSocket>
  readonly #port: SessionPort
  readonly #events: ServerSessionEvents
  #wire: SessionWire | undefined
  /** The token for the next hello, as text. */
  token: string | undefined
  /** Valid until the client has used the other one, which it may not have received. */
  previous_token: string | undefined

  constructor(
    client: AcceptedClient,
    identity: SessionIdentity | undefined,
    settings: SessionPortSettings,
    platform: SessionPlatform,
    events: ServerSessionEvents,
  ) {
    this.identity = identity
    this.#events = events
    this.connection = events.connect(this, client)
    this.#port = new SessionPort(settings, this.connection, platform, this)
    this.connection.attach(this.#port)
  }

  get socket(): ServerSocket {
    return this.connection.handle
  }

  /** The bytes that it holds: messages to send, and messages that wait for a callback. */
  get held_bytes(): number {
    return this.connection.queued + this.connection.inbox.bytes
  }

  /** The address of its client, as far as it is known. */
  get ip(): string | undefined {
    return ServerSocket.ip_of(this.socket)
  }

  /**
   * Whether it can go on with the counts of a hello.
   *
   * @throws SessionViolation if these are impossible
   */
  can_resume(hello: Hello): boolean {
    return !this.#port.session.has_ended && this.#port.session.can_resume(hello)
  }

  /** Begins on its first socket. */
  start(wire: SessionWire, give: (events: SocketEvents) => void, hello: Hello, grant: SessionGrant): void {
    this.#go_on(wire, give, hello, false, grant)
    this.connection.socket_opened()
  }

  /** Goes on, on another socket. */
  resume(
    wire: SessionWire,
    give: (events: SocketEvents) => void,
    client: SessionClient,
    hello: Hello,
    grant: SessionGrant,
  ): void {
    ServerSocket.moved(this.socket, client)
    this.#go_on(wire, give, hello, true, grant)
  }

  get side(): 'server' {
    return 'server'
  }

  away(): void {
    this.#let_go()
    this.#events.away(this)
  }

  get stream(): CountingStream {
    return this.#wire?.stream ?? NO_TRAFFIC
  }

  lend(data: string | Uint8Array): void {
    this.#wire?.lend(data)
  }

  #go_on(
    wire: SessionWire,
    give: (events: SocketEvents) => void,
    hello: Hello,
    recovered: boolean,
    grant: SessionGrant,
  ): void {
    const socket = new SessionSocket(this.#port)
    socket.port = wire
    this.#port.take(socket)
    this.#let_go()
    this.#wire = wire
    give(socket)
    this.#port.greeted(hello, { recovered, ...grant, protocol: this.socket.request.protocol })
  }

  /** Takes leave of the previous socket. */
  #let_go(): void {
    const wire = this.#wire
    if (wire === undefined) return
    this.#wire = undefined
    wire.release_messages()
    this.#events.left(wire.stream)
  }
}
