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
} from '@bt/ws-protocol'

const DEFAULT_MAX_FRAGMENTS = 16_384

/** The options of `connect` for a WebSocket client. */
export interface WsConnectOptions<Binary extends boolean = false> extends ConnectionOptions<Binary> {
  /** What kind of client: always `'ws'`. */
  type: 'ws'
  /** Where to connect: `ws://host:port/path`, or `ws+unix:/path/of/socket:/path` for a Unix socket. */
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
}

type FilledConnectOption = FilledConnectionOption | 'type' | 'url' | 'connect_timeout'

/** The options of `connect`, checked and filled in. */
export type ConnectSettings = CheckedOptions<WsConnectOptions<boolean>, FilledConnectOption>

/** The rule of every option of `connect`; what a `url` may be differs by platform. */
export function connect_rules(
  url_expected: string,
  is_url: (value: unknown) => boolean,
): OptionRules<WsConnectOptions<boolean>, FilledConnectOption> {
  return {
    ...connection_rules(DEFAULT_MAX_FRAGMENTS),
    type: exactly('ws'),
    url: { fallback: undefined, is_required: true, expects: url_expected, accepts: is_url },
    on_open: callback(),
    on_message: callback(),
    on_close: callback(),
    on_error: callback(),
    connect_timeout: milliseconds(10_000),
  }
}
