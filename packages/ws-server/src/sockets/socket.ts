import { randomUUID } from 'node:crypto'
import type {
  CloseInfo,
  ConnectionHandle,
  ConnectionState,
  NetError,
  PlatformAbortSignal,
  Sendable,
} from '@bt/ws-protocol'
import { closed_error, guard_names, type ServerConnection } from '@bt/ws-protocol/internal'
import type { ClientEndpoint } from '../handshake/client_address.js'
import { format_address } from '../handshake/client_address.js'
import type { HandshakeRequest } from '../handshake/request.js'
import { check_topic, type Topics } from './topics.js'

/** One client of a server, as callbacks get it; `Data` is what `authorize` returned for it. */
export interface WsSocket<Data = unknown> extends ConnectionHandle {
  /**
   * The client's address, `'ip:port'`, on its latest connection; on a Unix socket, the server's own; `'unknown'` for a stream that has
   * none. With `trust_proxy`, it is the one that the proxy reports, and `'ip:0'` if that has no port.
   */
  readonly addr: string
  /** What `authorize` returned, or `undefined` without `authorize`. It is yours: set it to anything. */
  data: Data
  /** A unique identifier of this connection, or with `sessions` of the session, across all servers. */
  readonly id: string
  /** What the client asked for in its latest handshake. */
  readonly request: HandshakeRequest
  /**
   * Whether it has a session whose connection is lost, and waits for the client to come back: see `sessions`.
   * Meanwhile it stays in its topics, and what is sent to it waits in its queue.
   */
  readonly is_away: boolean
  /** The topics that it is in, as a copy; in `on_close`, those that it was in at the end. */
  readonly topics: ReadonlySet<string>
  /**
   * Joins a topic: from now on, {@link WsServer.publish} to it reaches this socket, until it leaves or ends.
   * This takes effect at once, and joining again is fine. With `cluster`, the promise resolves when what
   * other servers publish from then on reaches it, too.
   *
   * @param topic - text of 1 to 255 bytes as UTF-8, without control characters
   * @returns a promise that never rejects. It resolves with `true`, or with `too_many_topics` if it is in
   * `max_topics` already, or with `closed`. With `cluster_unavailable` or `permission_denied`, it is in the
   * topic all the same, and what other servers publish reaches it when the broker is back, or never
   * @throws NetError `invalid_argument` if `topic` is not a valid name
   */
  readonly join: (topic: string) => Promise<true | NetError>
  /**
   * Leaves a topic.
   *
   * @returns whether it was in it
   * @throws NetError `invalid_argument` if `topic` is not a valid name
   */
  readonly leave: (topic: string) => boolean
}

/** The byte counters of a socket of `node:net`. */
export interface CountingStream {
  readonly bytesRead: number
  readonly bytesWritten: number
}

/** The members of a wire that a socket uses. */
export interface SocketWire {
  readonly stream: CountingStream
  /** Counts `data` until the promise that its callback returned settles. */
  lend(data: string | Uint8Array): void
}

/** The parts of a {@link ServerSocket}. */
export interface ServerSocketParts {
  readonly endpoint: ClientEndpoint
  readonly request: HandshakeRequest
  /** What `authorize` returned. */
  readonly data: unknown
  readonly wire: SocketWire
  /** The topics of its server. */
  readonly topics: Topics<ServerSocket>
}

/** Implements {@link WsSocket}. All state is in its connection. It is frozen, except for `data`. */
export class ServerSocket implements WsSocket {
  static {
    guard_names(
      ServerSocket.prototype,
      ['on_message', 'on_close', 'on_error'],
      'give on_message, on_close or on_error to listen',
    )
  }

  #request: HandshakeRequest
  #data: unknown
  readonly #connection: ServerConnection<ServerSocket>
  readonly #wire: SocketWire
  /** The IP address, or the text to show for a client without one. */
  #host: string
  #port: number | undefined
  readonly #topics: Topics<ServerSocket>
  #id: string | undefined

  constructor(
    connection: ServerConnection<ServerSocket>,
    { endpoint, request, data, wire, topics }: ServerSocketParts,
  ) {
    this.#connection = connection
    this.#wire = wire
    this.#topics = topics
    // Two fields take less memory than an object for each socket.
    this.#host = typeof endpoint === 'string' ? endpoint : endpoint.ip
    this.#port = typeof endpoint === 'string' ? undefined : endpoint.port
    this.#request = request
    this.#data = data
    Object.freeze(this)
  }

  // These are static, so that users of a socket do not see them.

  /** Sets the address and the request of the latest connection of a session. */
  static moved(
    socket: ServerSocket,
    { endpoint, request }: Pick<ServerSocketParts, 'endpoint' | 'request'>,
  ): void {
    socket.#host = typeof endpoint === 'string' ? endpoint : endpoint.ip
    socket.#port = typeof endpoint === 'string' ? undefined : endpoint.port
    socket.#request = request
  }

  /** Returns the IP address of a socket; `undefined` if it has none. */
  static ip_of(socket: ServerSocket): string | undefined {
    return socket.#port === undefined ? undefined : socket.#host
  }

  /** Returns the connection of a socket. */
  static connection_of(socket: ServerSocket): ServerConnection<ServerSocket> {
    return socket.#connection
  }

  /** Returns the stream of a socket. */
  static stream_of(socket: ServerSocket): CountingStream {
    return socket.#wire.stream
  }

  /** Returns the wire of a socket. */
  static wire_of(socket: ServerSocket): SocketWire {
    return socket.#wire
  }

  get type(): 'ws' {
    return 'ws'
  }

  get addr(): string {
    return this.#port === undefined ? this.#host : format_address(this.#host, this.#port)
  }

  get request(): HandshakeRequest {
    return this.#request
  }

  get is_away(): boolean {
    return this.#connection.is_away
  }

  get id(): string {
    this.#id ??= randomUUID()
    return this.#id
  }

  get data(): unknown {
    return this.#data
  }

  set data(data: unknown) {
    this.#data = data
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  get signal(): PlatformAbortSignal {
    return this.#connection.signal
  }

  get queued(): number {
    return this.#connection.queued
  }

  get closed(): Promise<CloseInfo> {
    return this.#connection.closed
  }

  get topics(): ReadonlySet<string> {
    return this.#topics.of(this)
  }

  join(topic: string): Promise<true | NetError> {
    check_topic('join', topic)
    const is_open = this.#connection.state === 'open'
    return is_open ? this.#topics.join(this, topic) : Promise.resolve(closed_error('join'))
  }

  leave(topic: string): boolean {
    check_topic('leave', topic)
    return this.#topics.leave(this, topic)
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

  terminate(): true {
    return this.#connection.terminate()
  }

  drained(): Promise<void> {
    return this.#connection.drained()
  }
}
