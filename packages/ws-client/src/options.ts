import {
  type BackoffSettings,
  type CheckedOptions,
  type CloseInfo,
  type ConnectionOptions,
  callback,
  connection_rules,
  describe_parts,
  describe_value,
  exactly,
  type FilledConnectionOption,
  is_whole_number,
  type MessageData,
  milliseconds,
  type NetError,
  type OptionRules,
  type WsOption,
} from '@bt/ws-protocol'
import { shown_url } from './shown_url.js'
import type { TlsConnectOptions } from './tls_options.js'

/** When to connect again. */
export interface ReconnectOptions {
  /**
   * The longest wait before the first attempt, in milliseconds; the bound doubles with every attempt, and each wait is drawn between 0 and
   * its bound. From 1 to `max_delay`. @defaultValue `500`, or `max_delay` where that is less
   */
  readonly min_delay?: number | undefined
  /**
   * The longest wait of all, in milliseconds, unless the server asks for a longer one; that of a refusal (`Retry-After`) goes before it. A connection that is lost again within that
   * time counts as one more failed attempt. From 1 to 2,147,483,647. @defaultValue `20000`
   */
  readonly max_delay?: number | undefined
  /** How many attempts in a row there may be; after that, it is over. From 1 to `Infinity`. @defaultValue `Infinity` */
  readonly max_attempts?: number | undefined
}

/** Why a client waits, and how long, before it connects again. */
export interface ReconnectInfo {
  /** The number of the attempt that comes next, from 1 on; a connection that lasts starts it anew. */
  readonly attempt: number
  /** After how many milliseconds that is; in a browser at once where the network comes back. */
  readonly delay_ms: number
  /** How the connection, or the attempt before, ended. `unsent` counts the messages that are lost: handed to the network, which did not take them whole. */
  readonly info: CloseInfo
  /** What went wrong, where that was no Close. */
  readonly error: NetError | undefined
}

/** The options of `connect` for a WebSocket client. */
export interface WsConnectOptions<Binary extends boolean = false> extends ConnectionOptions<Binary> {
  /** What kind of client: always `'ws'`. */
  type: 'ws'
  /** Where to connect: `ws://host:port/path`, `wss://host/path` over TLS, or in Node `ws+unix:/path/of/socket:/path` for a Unix socket. */
  url: string
  /** As {@link WsClient.on_open}. */
  on_open?: (() => void) | undefined
  /** As {@link WsClient.on_message}. */
  on_message?: ((data: MessageData<Binary>) => void) | undefined
  /** As {@link WsClient.on_close}. */
  on_close?: ((info: CloseInfo) => void) | undefined
  /** As {@link WsClient.on_error}. */
  on_error?: ((err: NetError) => void) | undefined
  /** As {@link WsClient.on_reconnecting}. */
  on_reconnecting?: ((info: ReconnectInfo) => void) | undefined
  /**
   * Whether to connect again when the connection is lost, or does not open, and how. What was sent and never handed to the network is
   * kept, and goes out then, in order and once. It is over when the server says so: with the status 400, 401, 403, 404, 405, 410 or 426, or by closing with 1000,
   * 1002, 1003, 1007 to 1010, 3000, 3003, 4400, 4401, 4403 or 4404; or when this side closes, also for what the server did wrong. A server can ask for a wait, by `Retry-After`, or
   * by how it closes. A browser does not tell statuses: there, every refusal is tried again. @defaultValue `false`
   */
  reconnect?: boolean | ReconnectOptions | undefined
  /** How long the connection may take to open, in milliseconds, handshake and all. From 1 to 2,147,483,647. @defaultValue `10000` */
  connect_timeout?: number | undefined
  /**
   * Headers that go with the handshake, by name, each once. Not those that RFC 6455 §4.1 gives it. In Node alone: a browser throws `unsupported`.
   * @defaultValue none
   */
  headers?: Readonly<Record<string, string>> | undefined
  /**
   * What TLS needs besides a `wss:` URL: authorities of one's own, a client certificate. In Node alone: a browser, which has its own,
   * throws `unsupported`. @defaultValue Node's own authorities, no client certificate
   */
  tls?: TlsConnectOptions | undefined
}

/** The options that always have a value once they are checked. */
export type FilledConnectOption = FilledConnectionOption | 'type' | 'url' | 'reconnect' | 'connect_timeout'

/** What differs by platform: what `ws` is told, and what only Node can do. */
type PlatformOption = WsOption | 'headers' | 'tls'

type SharedOptions = Omit<WsConnectOptions<boolean>, PlatformOption>

/** The options of `connect` that every platform has, checked and filled in. */
export type ConnectSettings = CheckedOptions<SharedOptions, FilledConnectOption>

/** The rule of every option of `connect` but those of a platform; what a `url` may be differs by platform. */
export function connect_rules(
  url_expected: string,
  is_url: (value: unknown) => boolean,
): OptionRules<SharedOptions, FilledConnectOption> {
  return {
    ...connection_rules,
    type: exactly('ws'),
    url: {
      fallback: undefined,
      is_required: true,
      expects: url_expected,
      accepts: is_url,
      shown: value => (typeof value === 'string' ? describe_value(shown_url(value)) : undefined),
    },
    on_open: callback(),
    on_message: callback(),
    on_close: callback(),
    on_error: callback(),
    on_reconnecting: callback(),
    reconnect: {
      fallback: false,
      shown: describe_parts,
      expects:
        'true, false, or { min_delay?, max_delay?: milliseconds, max_attempts? }, all from 1 on, min_delay up to max_delay',
      accepts: value => typeof value === 'boolean' || backoff_settings(value) !== undefined,
    },
    connect_timeout: milliseconds(10_000),
  }
}

/** The longest wait that a timer takes, in milliseconds. */
export const MAX_DELAY_MS = 2_147_483_647

/** Fills in the option `reconnect`; `undefined` where it is off, or not what it may be. */
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
