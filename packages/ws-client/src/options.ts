import {
  type CheckedOptions,
  type CloseInfo,
  type ConnectionOptions,
  callback,
  connection_rules,
  exactly,
  type FilledConnectionOption,
  type MessageData,
  milliseconds,
  type NetError,
  type OptionRules,
  type WsOption,
} from '@bt/ws-protocol'

/** The options of `connect` for a WebSocket client. */
export interface WsConnectOptions<Binary extends boolean = false> extends ConnectionOptions<Binary> {
  /** What kind of client: always `'ws'`. */
  type: 'ws'
  /** Where to connect: `ws://host:port/path`, or `ws+unix:/path/of/socket:/path` for a Unix socket in Node, `wss:` in a browser. */
  url: string
  /** As {@link WsClient.on_open}. */
  on_open?: (() => void) | undefined
  /** As {@link WsClient.on_message}. */
  on_message?: ((data: MessageData<Binary>) => void) | undefined
  /** As {@link WsClient.on_close}. */
  on_close?: ((info: CloseInfo) => void) | undefined
  /** As {@link WsClient.on_error}. */
  on_error?: ((err: NetError) => void) | undefined
  /** How long the connection may take to open, in milliseconds, handshake and all. From 1 to 2,147,483,647. @defaultValue `10000` */
  connect_timeout?: number | undefined
  /**
   * Headers that go with the handshake, by name. Not those that RFC 6455 §4.1 gives it. In Node alone: a browser throws `unsupported`.
   * @defaultValue none
   */
  headers?: Readonly<Record<string, string>> | undefined
}

/** The options that always have a value once they are checked. */
export type FilledConnectOption = FilledConnectionOption | 'type' | 'url' | 'connect_timeout'

/** What differs by platform: what `ws` is told, and what only Node can do. */
type PlatformOption = WsOption | 'headers'

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
    url: { fallback: undefined, is_required: true, expects: url_expected, accepts: is_url },
    on_open: callback(),
    on_message: callback(),
    on_close: callback(),
    on_error: callback(),
    connect_timeout: milliseconds(10_000),
  }
}
