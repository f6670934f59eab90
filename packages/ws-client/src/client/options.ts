import type {
  CloseInfo,
  ConnectionOptions,
  MessageData,
  NetError,
  PlatformAbortSignal,
} from '@bt/ws-protocol'
import {
  type BackoffSettings,
  type CheckedOptions,
  callback,
  connection_rules,
  describe_url,
  type FilledConnectionOption,
  is_whole_number,
  MAX_DELAY_MS,
  milliseconds,
  type NodeOption,
  type OptionRules,
} from '@bt/ws-protocol/internal'
import type { HttpAgentLike } from './http_agent_like.js'
import type { SessionStarter } from './session_host.js'
import type { ClientSession, OnOpen } from './session_option.js'
import type { TlsConnectOptions } from './tls_options.js'

/** When to reconnect, and how often to try. */
export interface ReconnectOptions {
  /**
   * The upper bound of the delay before the first attempt, in milliseconds; it doubles with every attempt,
   * and each delay is random between 0 and its bound. From 1 to `max_delay`. @defaultValue `500`, or
   * `max_delay` if that is less
   */
  readonly min_delay?: number | undefined
  /**
   * The upper bound of all delays, in milliseconds, unless the server asks for a longer one; after a refusal,
   * its `Retry-After` is added to the delay. A connection that is lost again within this time counts as one
   * more failed attempt. From 1 to 2,147,483,647. @defaultValue `20000`
   */
  readonly max_delay?: number | undefined
  /**
   * How many attempts to make before giving up, counted anew only after a connection that lasted `max_delay`.
   * From 1 to `Infinity`.
   * @defaultValue `Infinity`
   */
  readonly max_attempts?: number | undefined
  /**
   * Decides about each loss of the connection, and each attempt that failed: `true` to try again although the
   * client would give up, such as after 4401 if `url` gets a new token; `false` to give up; `undefined` to do
   * as without it. `max_attempts` holds all the same, and it is not asked when this side closes. If it
   * throws, that is reported as `handler_failed`, and counts as `undefined`. @defaultValue none
   */
  readonly retries?: ((info: CloseInfo, error: NetError | undefined) => boolean | undefined) | undefined
}

/** How to reconnect, checked and filled in. */
export interface ReconnectSettings extends BackoffSettings {
  readonly max_attempts: number
  readonly retries: ReconnectOptions['retries']
}

/** How a connection, or an attempt, ended. */
export interface PreviousEnd {
  /** How it ended. */
  readonly info: CloseInfo
  /** What went wrong, if anything did. */
  readonly error: NetError | undefined
}

/** What functions among the options get before each attempt to connect. */
export interface ConnectAttempt {
  /**
   * 0 for the first attempt, then the number of the attempt as in {@link ReconnectInfo.attempt}, which starts
   * over after a connection that lasted `max_delay`.
   */
  readonly attempt: number
  /** How the previous connection, or attempt, ended; `undefined` for the first one. */
  readonly last: PreviousEnd | undefined
  /** Aborts when the attempt is given up, by `connect_timeout` or `close()`: pass it to `fetch`. */
  readonly signal: PlatformAbortSignal
}

/**
 * An option that is the same for all attempts, or a function that returns it, or a promise of it, for each.
 * Functions are called one after another, in the order `url`, `protocols`, `headers`, `tls`, and count under
 * `connect_timeout`. One that throws, rejects or returns something invalid makes the attempt fail with
 * `option_failed`, which is retried like any other failure.
 */
export type PerAttempt<Value> = Value | ((attempt: ConnectAttempt) => Value | PromiseLike<Value>)

/** Why a client waits before it reconnects, and how long. */
export interface ReconnectInfo {
  /** The number of the next attempt, from 1; counted anew after a connection that lasted `max_delay`. */
  readonly attempt: number
  /** The delay before that attempt, in milliseconds; a browser cuts it short when the network comes back. */
  readonly delay_ms: number
  /**
   * How the connection, or the previous attempt, ended. `unsent` counts the messages that are lost: handed to
   * the network, but not taken whole.
   */
  readonly info: CloseInfo
  /** What went wrong, if anything did. */
  readonly error: NetError | undefined
}

/** Options of `connect` for a WebSocket client. */
export interface WsConnectOptions<Binary extends boolean = false> extends ConnectionOptions<Binary> {
  /** The kind of client: `'ws'`; in a test on Node, `'mem'`, for a server with that type. */
  type: 'ws' | 'mem'
  /**
   * Where to connect: `ws://host:port/path`, `wss://host/path` over TLS, or in Node
   * `ws+unix:/path/of/socket:/path` for a Unix socket. A function is called before each attempt, for a token
   * that can be used once, or for several servers.
   */
  url: PerAttempt<string>
  /**
   * Subprotocols (RFC 6455 §1.9) to offer, in order of preference. The connection fails with
   * `handshake_failed` if the server accepts none of them. Or a function of each attempt. @defaultValue none
   */
  protocols?: PerAttempt<readonly string[] | undefined> | undefined
  /** Like {@link WsClient.on_open}. */
  on_open?: OnOpen | undefined
  /** Like {@link WsClient.on_message}. */
  on_message?: ((data: MessageData<Binary>) => void) | undefined
  /** Like {@link WsClient.on_close}. */
  on_close?: ((info: CloseInfo) => void) | undefined
  /** Like {@link WsClient.on_error}. */
  on_error?: ((err: NetError) => void) | undefined
  /** Like {@link WsClient.on_reconnecting}. */
  on_reconnecting?: ((info: ReconnectInfo) => void) | undefined
  /**
   * Whether and how to reconnect when the connection is lost, or does not open. Messages still in the queue
   * are kept, and sent after reconnecting, in order and once. The client gives up when the server says so:
   * with the status 400, 401, 402, 403, 404, 405, 407, 410, 426 or 451, or by closing with 1000, 1002, 1003, 1007 to
   * 1010,
   * 3000, 3003, 4400, 4401, 4403 or 4404; or when this side closes, be it because the server broke a rule. A
   * server can ask for a delay, with `Retry-After` or when it closes; after 1012 and 1013 without one, the
   * first delay is up to 5 s, and after an answer that is no WebSocket server's, such as a redirect, at least
   * 20 s. A browser does not reveal the status: there, every refusal is retried. While this machine is
   * offline, no attempt is made or counted, except to itself. When the network is back, a page is shown
   * again, or the process was suspended, an open connection is checked at once, and a wait ends within a
   * second. `retries` decides otherwise, case by case.
   * @defaultValue `false`
   */
  reconnect?: boolean | ReconnectOptions | undefined
  /**
   * What `session` of `@bt/net/session` returns: a session that outlives the connection, with a server that has the
   * option `sessions`. After a reconnect, messages that were lost on their way are sent again, in both directions,
   * and none is handled twice; `on_open` gets whether that was possible. It needs `reconnect`, and excludes
   * `probe`, since it has a heartbeat of its own, with which a page notices a silent server as well. Messages that
   * the server has not handled count in `max_queue`, and as `unsent`. @defaultValue none
   */
  session?: ClientSession | undefined
  /**
   * How long the connection may take to open, handshake included, in milliseconds. From 1 to 2,147,483,647.
   * @defaultValue `10000`
   */
  connect_timeout?: number | undefined
  /**
   * Extra headers of the handshake, by name, each once; not `Connection`, `Upgrade` or `Sec-WebSocket-…`,
   * which it has already (RFC 6455 §4.1). In Node, Deno, Bun and React Native: a browser throws
   * `unsupported`. Deno sends its own `Host` and `User-Agent` all the same. Or a function of each attempt.
   * @defaultValue none
   */
  headers?: PerAttempt<Readonly<Record<string, string>> | undefined> | undefined
  /**
   * Settings of TLS for a `wss:` URL, such as your own authorities, or a client certificate. Only in Node: a
   * browser has its own, and throws `unsupported`. Or a function of each attempt. @defaultValue Node's own authorities, no client
   * certificate
   */
  tls?: PerAttempt<TlsConnectOptions | undefined> | undefined
  /**
   * The agent that connects, such as an `HttpsProxyAgent` for a proxy: an `http.Agent`, or for a `wss:` URL an
   * `https.Agent`. Not for a Unix socket. Only in Node: a browser has its own proxy settings, and throws
   * `unsupported`. @defaultValue none: a direct connection, or the proxy that `NODE_USE_ENV_PROXY` turns on
   */
  agent?: HttpAgentLike | undefined
}

/** The options that have a value once they are checked. */
export type FilledConnectOption =
  | FilledConnectionOption
  | 'url'
  | 'protocols'
  | 'reconnect'
  | 'connect_timeout'

/** Options that differ by platform. */
type PlatformOption = NodeOption | 'type' | 'protocols' | 'headers' | 'tls' | 'agent'

/** The options of `connect`, with what a session has for clients alone. */
export type OwnConnectOptions = Omit<WsConnectOptions<boolean>, 'session'> & {
  readonly session?: SessionStarter | undefined
}

type SharedOptions = Omit<OwnConnectOptions, PlatformOption>

/** The options of `connect`, checked and filled in. */
export type ConnectSettings = CheckedOptions<
  Omit<OwnConnectOptions, NodeOption | 'type'>,
  FilledConnectOption
>

/** Makes the rules of the options that every platform has. The platforms differ in which URLs they accept. */
export function connect_rules(
  url_expected: string,
  is_url: (value: unknown) => boolean,
): OptionRules<SharedOptions, Exclude<FilledConnectOption, 'protocols'>> {
  return {
    ...connection_rules,
    url: {
      is_required: true,
      may_be_function: true,
      expects: url_expected,
      accepts: is_url,
      shown: value => (typeof value === 'string' ? describe_url(value) : undefined),
    },
    on_open: callback(),
    on_message: callback(),
    on_close: callback(),
    on_error: callback(),
    on_reconnecting: callback(),
    reconnect: {
      fallback: false,
      expects:
        'true, false, or { min_delay, max_delay, max_attempts, retries }: from 1 on, min_delay up to max_delay',
      accepts: value => typeof value === 'boolean' || reconnect_settings(value) !== undefined,
    },
    session: {
      expects: 'session() of @bt/net/session',
      accepts: value => !!(value as SessionStarter).start,
    },
    connect_timeout: milliseconds(10_000),
  }
}

/** Fills in the option `reconnect`. Returns `undefined` if it is off or invalid. */
export function reconnect_settings(reconnect: unknown): ReconnectSettings | undefined {
  if (reconnect === true) return reconnect_settings({})
  if (typeof reconnect !== 'object' || reconnect === null || Array.isArray(reconnect)) return undefined
  const { max_delay = 20_000, max_attempts = Infinity, retries, ...others } = reconnect as ReconnectOptions
  const { min_delay = Math.min(500, max_delay), ...unknown } = others
  const is_valid =
    Object.keys(unknown).length === 0 &&
    is_whole_number(max_delay, 1, MAX_DELAY_MS) &&
    is_whole_number(min_delay, 1, max_delay) &&
    (max_attempts === Infinity || is_whole_number(max_attempts, 1, Infinity)) &&
    (retries === undefined || typeof retries === 'function')
  return is_valid ? { min_delay, max_delay, max_attempts, retries } : undefined
}
