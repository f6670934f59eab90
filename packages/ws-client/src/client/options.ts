import type { CloseInfo, ConnectionOptions, MessageData, NetError } from '@bt/ws-protocol'
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
}

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
   * `ws+unix:/path/of/socket:/path` for a Unix socket.
   */
  url: string
  /** Like {@link WsClient.on_open}. */
  on_open?: (() => void) | undefined
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
   * with the status 400, 401, 403, 404, 405, 410 or 426, or by closing with 1000, 1002, 1003, 1007 to 1010,
   * 3000, 3003, 4400, 4401, 4403 or 4404; or when this side closes, be it because the server broke a rule. A
   * server can ask for a delay, with `Retry-After` or when it closes. A browser does not reveal the status:
   * there, every refusal is retried; while it is offline, no attempt is made or counted.
   * @defaultValue `false`
   */
  reconnect?: boolean | ReconnectOptions | undefined
  /**
   * How long the connection may take to open, handshake included, in milliseconds. From 1 to 2,147,483,647.
   * @defaultValue `10000`
   */
  connect_timeout?: number | undefined
  /**
   * Extra headers of the handshake, by name, each once; not `Connection`, `Upgrade` or `Sec-WebSocket-…`,
   * which it has already (RFC 6455 §4.1). In Node, Deno and Bun: a browser throws `unsupported`. Deno sends its
   * own `Host` and `User-Agent` all the same. @defaultValue none
   */
  headers?: Readonly<Record<string, string>> | undefined
  /**
   * Settings of TLS for a `wss:` URL, such as your own authorities, or a client certificate. Only in Node: a
   * browser has its own, and throws `unsupported`. @defaultValue Node's own authorities, no client
   * certificate
   */
  tls?: TlsConnectOptions | undefined
}

/** The options that have a value once they are checked. */
export type FilledConnectOption = FilledConnectionOption | 'url' | 'reconnect' | 'connect_timeout'

/** Options that differ by platform. */
type PlatformOption = NodeOption | 'type' | 'headers' | 'tls'

type SharedOptions = Omit<WsConnectOptions<boolean>, PlatformOption>

/** The options of `connect` that every platform has, checked and filled in. */
export type ConnectSettings = CheckedOptions<SharedOptions, FilledConnectOption>

/** Makes the rules of the options that every platform has. The platforms differ in which URLs they accept. */
export function connect_rules(
  url_expected: string,
  is_url: (value: unknown) => boolean,
): OptionRules<SharedOptions, FilledConnectOption> {
  return {
    ...connection_rules,
    url: {
      is_required: true,
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
        'true, false, or { min_delay, max_delay, max_attempts }, all from 1 on, min_delay up to max_delay',
      accepts: value => typeof value === 'boolean' || backoff_settings(value) !== undefined,
    },
    connect_timeout: milliseconds(10_000),
  }
}

/** Fills in the option `reconnect`. Returns `undefined` if it is off or invalid. */
export function backoff_settings(reconnect: unknown): BackoffSettings | undefined {
  if (reconnect === true) return backoff_settings({})
  if (typeof reconnect !== 'object' || reconnect === null || Array.isArray(reconnect)) return undefined
  const { max_delay = 20_000, max_attempts = Infinity, ...others } = reconnect as ReconnectOptions
  const { min_delay = Math.min(500, max_delay), ...unknown } = others
  const is_valid =
    Object.keys(unknown).length === 0 &&
    is_whole_number(max_delay, 1, MAX_DELAY_MS) &&
    is_whole_number(min_delay, 1, max_delay) &&
    (max_attempts === Infinity || is_whole_number(max_attempts, 1, Infinity))
  return is_valid ? { min_delay, max_delay, max_attempts } : undefined
}
