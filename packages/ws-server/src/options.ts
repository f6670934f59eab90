import type { CloseInfo, ConnectionOptions, MessageData } from '@bt/ws-protocol'
import type { ClusterPort } from '@bt/ws-protocol/broker'
import {
  type CheckedOptions,
  callback,
  connection_rules,
  describe_type,
  type FilledConnectionOption,
  milliseconds,
  type OptionRules,
  protocols_rule,
  type WireOption,
  whole_number,
} from '@bt/ws-protocol/internal'
import { node_rules } from '@bt/ws-protocol/internal/node'
import {
  type AdmissionOptions,
  admission_rules,
  type FilledAdmissionOption,
  unbounded,
} from './admission/admission_options.js'
import { is_route, ROUTE_EXPECTED } from './handshake/route.js'
import { BIND_EXPECTED, parse_bind } from './http/bind_address.js'
import { type HttpServerLike, is_http_server, SERVER_EXPECTED } from './http/http_server_like.js'
import type { TlsListenOptions } from './http/tls_options.js'
import { type SessionsOptions, sessions_rule } from './sessions/sessions_option.js'
import type { WsServerError } from './sockets/server_error.js'
import type { WsSocket } from './sockets/socket.js'

const DEFAULT_MAX_FRAGMENTS = 1_024

/** Options of `listen` for a WebSocket server; `Data` is what `authorize` returns. */
export interface WsListenOptions<Binary extends boolean = false, Data = unknown>
  extends ConnectionOptions<Binary>,
    AdmissionOptions<Data> {
  /** The kind of server: `'ws'`; in a test, `'mem'`, which has everything but a network. */
  type: 'ws' | 'mem'
  /**
   * Where to listen: `'host:port'`, with `[::1]:8081` for IPv6 and port 0 for a free port, or `'unix:/path'`
   * for a Unix socket. Give either this or `server`.
   */
  bind?: string | undefined
  /**
   * An http or https server to share, instead of `bind`: Express's, Fastify's, Vite's, or a plain one.
   * Several `listen` calls can share it, each with its own `route`; if several match, the one counts that has a
   * text instead of a parameter further left. All other requests stay the server's own:
   * a handshake for another path goes to whatever else listens for `upgrade`, and is answered 404 if nothing
   * does. The server's own timeouts limit the reading of requests, `handshake_timeout` limits `authorize`.
   * Its errors and its closing stay yours to handle: `server.close()` accepts no new connections, and waits
   * for our sockets, so close this server first, or at the same time. @defaultValue none
   */
  server?: HttpServerLike | undefined
  /**
   * The path of the handshake; a query is ignored. Any other path is answered 404, even `/ws/` if the route
   * is `/ws`. In `'/rooms/:room'`, `:room` stands for any one segment that is not empty: see
   * {@link HandshakeRequest.params}. There are no other patterns. @defaultValue `'/ws'`
   */
  route?: string | undefined
  /**
   * Subprotocols (RFC 6455 §1.9), in order of preference: the first one that the client offers is used.
   * @defaultValue none
   */
  protocols?: readonly string[] | undefined
  /**
   * Called first for each socket. If it returns a promise, the messages of that socket wait until it settles.
   */
  on_connect?: ((socket: WsSocket<Data>) => void) | undefined
  /**
   * Called for each message, one at a time per socket and in order. If it returns a promise, the next message
   * waits for it; when 256 KiB wait, the sender is slowed down. Without it, messages are read and dropped.
   */
  on_message?: ((socket: WsSocket<Data>, data: MessageData<Binary>) => void) | undefined
  /**
   * Called last, exactly once, for each socket that had `on_connect`; for a session when that ends, not when a
   * connection of it does.
   */
  on_close?: ((socket: WsSocket<Data>, info: CloseInfo) => void) | undefined
  /**
   * Called when a session has lost its connection, with the option `sessions`, at once: messages before it may
   * still wait for `on_message`.
   */
  on_away?: ((socket: WsSocket<Data>) => void) | undefined
  /** Called when the client of a session is back, in the same way. Not for a session that begins. */
  on_back?: ((socket: WsSocket<Data>) => void) | undefined
  /**
   * Called when something fails in the background; `err.socket` is the socket, if one is involved. Without
   * it, errors go to `process.emitWarning`: ten with each code a minute, then their number.
   */
  on_error?: ((err: WsServerError<Data>) => void) | undefined
  /**
   * How many sockets there may be, including clients that wait for `authorize`; further clients are answered
   * 503 with Retry-After. With clients that have not sent a request yet, there may be twice as many
   * connections and 100 more; further ones are cut off, and counted as `over_limit`, too. From 1 to
   * 10,000,000. @defaultValue `10000`
   */
  max_connections?: number | undefined
  /**
   * Limit of all send queues together, in bytes with frame headers. Above it, the sockets with the largest
   * queues are closed with 1013, cause `overflow`, and `on_error` gets `queue_shed`, so that many slow peers
   * can't take all memory. The Close asks each to come back after 5 to 10 seconds. From 1 to
   * 1,099,511,627,776. @defaultValue 256 MiB
   */
  max_total_queue?: number | undefined
  /**
   * Limit of the memory for received data, in bytes, over all sockets and clients that wait for `authorize`:
   * unfinished messages, messages that wait for an async callback or are being handled by one, and bytes that
   * are not parsed yet. From half of it on, sockets with slow callbacks are read more slowly; above it, the
   * sockets that free the most memory are closed in the same way, and `on_error` gets `inbox_shed`. From 1 to
   * 1,099,511,627,776. @defaultValue 256 MiB
   */
  max_total_inbox?: number | undefined
  /**
   * How many messages of one socket to handle per second, or at once after a second of quiet. A client that
   * sends more is slowed down: the server stops reading from it for a while, and drops nothing. What was read
   * from a client that has left comes through at once. From 1 to 10,000,000. @defaultValue no limit
   */
  messages_per_second?: number | undefined
  /**
   * The same in bytes, with frame headers, as compressed, and without what TLS adds. From 1 to
   * 1,099,511,627,776. @defaultValue no limit
   */
  bytes_per_second?: number | undefined
  /**
   * How many topics a socket may be in: see {@link WsSocket.join}. From 1 to 1,000,000. @defaultValue `1000`
   */
  max_topics?: number | undefined
  /**
   * Whether clients that ask for it get a session, which outlives their connections: messages that a lost
   * connection has not delivered, in either direction, follow on the next one, exactly once and in order. Clients
   * that do not ask notice nothing of it. @defaultValue `false`
   */
  sessions?: boolean | SessionsOptions<Data> | undefined
  /**
   * The broker that connects this server to others, such as `nats({ servers })` of `@bt/ws-cluster-nats` or
   * `redis({ url })` of `@bt/ws-cluster-redis`: a message that one of them publishes to a topic reaches the
   * sockets of all. @defaultValue none
   */
  cluster?: ClusterPort | undefined
  /**
   * Limit of the messages that wait for the broker of `cluster`, in bytes with frame headers, plus 256 for
   * all messages of one turn to one topic. Above it, `publish` returns `cluster_unavailable`. From 1 to
   * 1,099,511,627,776. @defaultValue 16 MiB
   */
  max_cluster_queue?: number | undefined
  /**
   * How long a handshake may take, `authorize` included, in milliseconds: from the TCP connection; with
   * `tls`, from the end of the TLS handshake, which may take as long again; on a shared `server`, from the
   * request. From 1 to 2,147,483,647. @defaultValue `10000`
   */
  handshake_timeout?: number | undefined
  /**
   * The certificate, its key, and other settings of TLS: the server then speaks `wss:` only. Not with
   * `server`, which has its own. @defaultValue none
   */
  tls?: TlsListenOptions | undefined
}

type FilledListenOption =
  | FilledConnectionOption
  | FilledAdmissionOption
  | WireOption
  | 'type'
  | 'route'
  | 'protocols'
  | 'max_connections'
  | 'max_total_queue'
  | 'max_total_inbox'
  | 'max_topics'
  | 'max_cluster_queue'
  | 'handshake_timeout'

/** The options of `listen`, checked and filled in. */
export type ListenSettings = CheckedOptions<WsListenOptions<boolean>, FilledListenOption>

/** The rule of every option of `listen`. */
export const listen_rules: OptionRules<WsListenOptions<boolean>, FilledListenOption> = {
  ...connection_rules,
  ...node_rules(DEFAULT_MAX_FRAGMENTS),
  ...admission_rules,
  protocols: protocols_rule,
  bind: {
    expects: BIND_EXPECTED,
    accepts: value => typeof value === 'string' && parse_bind(value) !== undefined,
  },
  server: { expects: SERVER_EXPECTED, accepts: is_http_server },
  route: { fallback: '/ws', expects: ROUTE_EXPECTED, accepts: is_route },
  on_connect: callback(),
  on_message: callback(),
  on_close: callback(),
  on_away: callback(),
  on_back: callback(),
  on_error: callback(),
  sessions: sessions_rule,
  max_connections: whole_number('sockets', 10_000_000, 10_000),
  max_total_queue: whole_number('bytes', 1_099_511_627_776, 268_435_456),
  max_total_inbox: whole_number('bytes', 1_099_511_627_776, 268_435_456),
  messages_per_second: unbounded('messages'),
  bytes_per_second: unbounded('bytes', 1_099_511_627_776),
  max_topics: whole_number('topics', 1_000_000, 1_000),
  cluster: {
    expects: 'a broker, such as nats({ servers }) of @bt/ws-cluster-nats',
    accepts: is_cluster_port,
  },
  max_cluster_queue: whole_number('bytes', 1_099_511_627_776, 16_777_216),
  handshake_timeout: milliseconds(10_000),
  tls: {
    shown: describe_type,
    expects: 'an object such as { cert, key }, both in PEM',
    accepts: value => typeof value === 'object' && value !== null,
  },
}

function is_cluster_port(value: unknown): value is ClusterPort {
  const { broker, prefix, connect } = Object(value) as Partial<ClusterPort>
  return typeof broker === 'string' && typeof prefix === 'string' && typeof connect === 'function'
}
