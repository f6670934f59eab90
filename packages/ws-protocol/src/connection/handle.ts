import type { NetError } from '../errors/errors.js'
import type { Sendable } from '../frames/payload.js'
import type { CloseInfo } from './close_info.js'

/** The members that the sockets of a server and a client have in common. */
export interface ConnectionHandle {
  /** Always `'ws'`. */
  readonly type: 'ws'
  /** Bytes sent that the network has not taken yet, frame headers included. */
  readonly queued: number
  /**
   * Resolves when the connection has ended and the last callback, `on_close`, is done; never rejects. Never
   * await it in a callback of this connection: the callback would wait for itself.
   */
  readonly closed: Promise<CloseInfo>
  /**
   * Sends a message, text or bytes: queues it to go out at the end of the turn, or once the connection is
   * open.
   *
   * @returns `true` if the queue took it; otherwise an error with the code `queue_full`, `too_large` or
   * `closed`, and the queue took nothing. An error is truthy: compare with `=== true`
   * @throws NetError `invalid_argument` if `data` is neither text nor bytes
   */
  send(data: Sendable): true | NetError
  /** The same as {@link ConnectionHandle.send}. */
  write(data: Sendable): true | NetError
  /**
   * Closes the connection in order: sends all queued messages, then a Close. From now on, no message reaches
   * `on_message`. Closing twice is fine.
   *
   * @param code - 1000 (the default), or one of your own from 3000 to 4999 (RFC 6455 §7.4.2)
   * @param reason - at most 123 bytes of UTF-8
   * @throws NetError `invalid_argument` for a code or a reason that is not allowed
   */
  close(code?: number, reason?: string): true
  /**
   * Resolves when the network has taken every message sent so far, which does not mean that the peer has
   * received it. Rejects with `connection_lost` as soon as one of these messages is lost with the connection,
   * even if the client reconnects; messages lost before the call do not count. Rejects with `closed` if
   * nothing is sent any more. A rejection that is not awaited counts as handled.
   */
  drained(): Promise<void>
}
