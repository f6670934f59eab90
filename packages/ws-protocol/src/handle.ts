import type { CloseInfo } from './close_info.js'
import type { NetError } from './errors.js'
import type { Sendable } from './payload.js'

/** What users see of a connection, on either side. */
export interface ConnectionHandle {
  /** Always `'ws'`. */
  readonly type: 'ws'
  /** Bytes that were sent and that the network has not taken, frame headers included. */
  readonly queued: number
  /**
   * Settles when the connection has ended and the last callback, `on_close`, is done. Never rejects. A callback of this connection must not
   * await it: it would wait for itself.
   */
  readonly closed: Promise<CloseInfo>
  /**
   * Sends a message, text or bytes. It goes into the bounded queue, and on its way at the end of the turn, or when the connection is
   * open.
   *
   * @returns `true` when the queue took it; else an error with code `queue_full`, `too_large` or `closed`, and nothing was taken.
   * An error is truthy: compare with `=== true`
   * @throws NetError `invalid_argument` when `data` is neither text nor bytes
   */
  send(data: Sendable): true | NetError
  /** The same as {@link ConnectionHandle.send}. */
  write(data: Sendable): true | NetError
  /**
   * Closes in order: what was sent goes out first, then a Close. No message reaches `on_message` from now on. Twice is fine.
   *
   * @param code - 1000, which it is when left out, or one of your own from 3000 to 4999 (RFC 6455 §7.4.2)
   * @param reason - at most 123 bytes of UTF-8
   * @throws NetError `invalid_argument` for a code or a reason that is not allowed
   */
  close(code?: number, reason?: string): true
  /** Settles when the network has taken all that was sent; rejects with `closed` when it never will. */
  drained(): Promise<void>
}
