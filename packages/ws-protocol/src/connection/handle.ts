import type { NetError } from '../errors/errors.js'
import type { Sendable } from '../frames/payload.js'
import type { PlatformAbortSignal } from '../options/abort.js'
import type { CloseInfo } from './close_info.js'
import type { ConnectionState } from './lifecycle.js'

/** The members that the sockets of a server and a client have in common. */
export interface ConnectionHandle {
  /** Always `'ws'`. */
  readonly type: 'ws'
  /** The state of the connection. */
  readonly state: ConnectionState
  /** Bytes sent that the network has not taken yet, frame headers included. */
  readonly queued: number
  /**
   * Resolves when the connection has ended and the last callback, `on_close`, is done; never rejects. Never
   * await it in a callback of this connection: the callback would wait for itself.
   */
  readonly closed: Promise<CloseInfo>
  /**
   * Aborts when the connection has ended, even while a callback is running: pass it to `fetch`, to timers and
   * to queries whose result only this connection needs. Its reason is a `NetError` with the code `closed`. A
   * callback that fails with this reason is not reported. With `reconnect`, it aborts when the client gives
   * up or is closed, not at each loss.
   */
  readonly signal: PlatformAbortSignal
  /**
   * Sends a message, text or bytes: queues it to go out at the end of the turn, or once the connection is
   * open.
   *
   * @returns `true` if the queue took it; otherwise an error with the code `queue_full`, `too_large` or
   * `closed`, and the queue took nothing. An error is truthy: compare with `=== true`
   * @throws NetError `invalid_argument` if `data` is neither text nor bytes
   */
  readonly send: (data: Sendable) => true | NetError
  /** The same as {@link ConnectionHandle.send}. */
  readonly write: (data: Sendable) => true | NetError
  /**
   * Closes the connection in order: sends all queued messages, then a Close. From now on, no message reaches
   * `on_message`. Closing twice is fine.
   *
   * @param code - 1000 (the default), or one of your own from 3000 to 4999 (RFC 6455 §7.4.2)
   * @param reason - at most 123 bytes of UTF-8
   * @throws NetError `invalid_argument` for a code or a reason that is not allowed
   */
  readonly close: (code?: number, reason?: string) => true
  /**
   * Ends the connection at once: no queued message is sent, nor a Close, and no received message reaches
   * `on_message` any more. The peer sees code 1006. `on_close` is still called, with the cause `local`; with
   * `reconnect`, the client does not connect again.
   */
  readonly terminate: () => true
  /**
   * Resolves when the network has taken every message sent so far, which does not mean that the peer has
   * received it. Rejects with `connection_lost` as soon as one of these messages is lost with the connection,
   * even if the client reconnects; messages lost before the call do not count. Rejects with `closed` if
   * nothing is sent any more. On a client, while `on_open` runs, it waits only for what is sent ahead of the queue.
   * A rejection that is not awaited counts as handled.
   */
  readonly drained: () => Promise<void>
}
