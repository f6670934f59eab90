import type { CloseInfo, ConnectionHandle, ConnectionState, MessageData, NetError } from '@bt/ws-protocol'
import type { ReconnectInfo } from './options.js'

/** A WebSocket client, as `connect` returns it. `Data` is `string`, or `string | Uint8Array` where the option `binary` may be `true`. */
export interface WsClient<Data extends MessageData<boolean> = string>
  extends ConnectionHandle,
    AsyncIterable<Data> {
  /** The URL it connects to. */
  readonly addr: string
  /** Where the client stands. */
  readonly state: ConnectionState
  /** The subprotocol that was agreed on, once open; empty where there is none. */
  readonly protocol: string
  /**
   * Settles when the connection is open for the first time; rejects with the error that kept it from opening, which `on_error` gets too. With
   * `reconnect`, only when it is over.
   */
  readonly opened: Promise<void>
  /**
   * Registers who is called when the connection opens, before any message: in the same turn as `connect`. Registering again replaces it. With
   * `reconnect`, it is called each time, in order with the messages.
   */
  on_open(fn: () => void): void
  /**
   * Registers who is called for each message, one at a time and in order; registering again replaces it. Where it returns a promise,
   * the next message waits for it. What arrives before anyone is registered waits; when 256 KiB wait, the sender is slowed down.
   */
  on_message(fn: (data: Data) => void): void
  /** Registers who is called last, exactly once, however the connection ended; registering again replaces it. */
  on_close(fn: (info: CloseInfo) => void): void
  /** Registers who is called when something fails; registering again replaces it. Without it, errors are said aloud as warnings. */
  on_error(fn: (err: NetError) => void): void
  /**
   * Registers who is called at once whenever the client begins to wait before it connects again; registering again replaces it. The first
   * failure since the connection was open reaches `on_error` as well.
   */
  on_reconnecting(fn: (info: ReconnectInfo) => void): void
  /**
   * The messages, for `for await`: an `on_message` that waits for the loop's body. It ends when the connection was closed, and throws
   * when it was lost; with `reconnect`, it goes on. Leaving the loop closes nothing: the messages that come then wait for the next loop or `on_message`.
   */
  [Symbol.asyncIterator](): AsyncIterator<Data, undefined>
  /** Closes, and waits for {@link WsClient.closed}. */
  [Symbol.asyncDispose](): Promise<void>
}
