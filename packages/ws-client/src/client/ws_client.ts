import type { CloseInfo, ConnectionHandle, MessageData, NetError } from '@bt/ws-protocol'
import type { ReconnectInfo } from './options.js'
import type { OnOpen } from './session_option.js'

/**
 * A WebSocket client, as `connect` returns it. `Data` is `string`, or `string | Uint8Array` if the option
 * `binary` may be `true`.
 */
export interface WsClient<Data extends MessageData<boolean> = string>
  extends ConnectionHandle,
    AsyncIterable<Data> {
  /** The URL of the latest attempt to connect; empty until a `url` that is a function has returned one. */
  readonly addr: string
  /** The negotiated subprotocol, once open; empty if there is none. */
  readonly protocol: string
  /**
   * Resolves when the connection first opens. Rejects with the error that kept it from opening, which
   * `on_error` gets too, or with `closed` if `close()` came first; with `reconnect`, only once the client
   * gives up.
   */
  readonly opened: Promise<void>
  /**
   * Registers the callback that is called when the connection opens, before any message: in the same turn as
   * `connect`. With `reconnect`, it is called each time, in order with the messages. What is sent until it
   * returns, or its promise settles, goes ahead of the messages that waited in the queue, so that a client can
   * say who it is first; if the connection is lost before the network has taken that, it is not kept. With
   * `session`, it is kept, and the callback gets how the session goes on: `{ recovered, in_doubt }`. Registering
   * again replaces it.
   */
  readonly on_open: (fn: OnOpen) => void
  /**
   * Registers the callback that is called for each message, one at a time and in order; registering again
   * replaces it. If it returns a promise, the next message waits for it. Messages wait until one is
   * registered; when 256 KiB wait, the sender is slowed down.
   */
  readonly on_message: (fn: (data: Data) => void) => void
  /**
   * Registers the callback that is called last, exactly once, however the connection ended; registering again
   * replaces it.
   */
  readonly on_close: (fn: (info: CloseInfo) => void) => void
  /**
   * Registers the callback that is called when something fails; registering again replaces it. Without one,
   * errors become warnings.
   */
  readonly on_error: (fn: (err: NetError) => void) => void
  /**
   * Registers the callback that is called at once whenever the client starts waiting to reconnect;
   * registering again replaces it. The first failure since the connection was open reaches `on_error` as
   * well.
   */
  readonly on_reconnecting: (fn: (info: ReconnectInfo) => void) => void
  /**
   * Connects now, with the option `reconnect`: ends a wait, or replaces an open connection in order. What is
   * queued is kept, and so is what `send` takes meanwhile; what the network has not taken yet goes out on the
   * old connection, which is closed with 1000. `on_reconnecting` is called with a delay of 0. While an attempt
   * is in progress, nothing changes.
   *
   * @returns `true`, or an error with the code `closed`
   * @throws NetError `unsupported` without the option `reconnect`
   */
  readonly reconnect: () => true | NetError
  /**
   * Resolves when the server has handled every message sent so far: its `on_message` is done with each of them,
   * its promise included. Needs the option `session`; `drained` then means the same. Rejects with `connection_lost` if
   * the session ends first, or can't be recovered, so that it is unknown whether all were handled; with `closed` if
   * nothing is sent any more. A rejection that is not awaited counts as handled. On a client, while `on_open` runs,
   * it waits only for what is sent ahead of the queue. Never await it in `on_message` if the server waits for the
   * answer to the same message.
   *
   * @throws NetError `unsupported` without the option `session`
   */
  readonly acknowledged: () => Promise<void>
  /**
   * Iterates over the messages with `for await`, like an `on_message` that waits for the body of the loop.
   * The loop ends when either side closes the connection. It throws when this side gives it up: it never
   * opened, was lost, the server was silent, broke a rule, or sent more than is accepted; the messages before
   * come first. With `reconnect`, it goes on over a loss. Leaving the loop closes nothing: later messages
   * wait for the next loop or `on_message`.
   */
  [Symbol.asyncIterator](): AsyncIterator<Data, undefined>
  /** Closes, and waits for {@link WsClient.closed}. */
  [Symbol.asyncDispose](): Promise<void>
}
