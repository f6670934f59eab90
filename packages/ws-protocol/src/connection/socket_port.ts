import type { NetError } from '../errors/errors.js'
import type { Batch } from '../queues/batch.js'

/**
 * What a connection needs from a transport. A port is given to its connection while it is opening or open; it reports through a {@link SocketEvents},
 * and never from inside a call of its own methods.
 */
export interface SocketPort {
  /** Whether messages can be sent: the socket is open, and no Close was sent or received. */
  readonly is_writable: boolean
  /** Whether it takes a batch just now. If it does not, but is writable, {@link SocketEvents.socket_drained} says when it does. */
  readonly takes_batch: boolean
  /** Whether the network has taken this side's Close; only valid once the socket has ended. */
  readonly is_close_sent: boolean
  /** Messages that were written, but not taken whole by the network. */
  readonly unsent: number
  /** Bytes that were written, but not taken by the network. */
  readonly buffered_bytes: number
  /** Writes a batch, which belongs to the port from now on. Only allowed while it {@link SocketPort.takes_batch}. */
  write(batch: Batch): void
  /** Sends a Close after what was written, and ends the socket when the peer has answered (RFC 6455 §7.1.2). */
  close(code: number, reason: string): void
  /** Ends the socket at once, opening or open. */
  terminate(): void
  /**
   * Returns a number that differs from the previous one if there was a sign of life from the peer in between, or if silence says nothing about the
   * peer.
   */
  signs_of_life(): number
  /** Asks the peer for a sign of life, if the platform can (RFC 6455 §5.5.2). */
  ping(): void
  /** Stops reading, to slow the peer down, if the platform can. */
  pause(): void
  /** Resumes reading. */
  resume(): void
  /**
   * Counts a callback; returns whether it may run now. If not, the socket has had its share of this turn of the event loop, and `inbox` is run in a
   * later one, even if the socket has ended by then. Left out by a platform that gives each message a turn of its own.
   */
  may_run?(inbox: Runnable): boolean
}

/** What runs the callbacks that are due. */
export interface Runnable {
  /** Runs them. */
  run(): void
}

/** What a transport reports to its connection; nothing after {@link SocketEvents.socket_closed}. */
export interface SocketEvents {
  /** Bytes of memory that messages take which wait for a callback. */
  readonly inbox_bytes: number
  /** Asks to close with `code` for the sake of other connections, and to report `error`; `false` if it is about to end already. */
  shed(error: NetError, code: number): boolean
  /** Asks to close in order, and to throw away the messages that wait. */
  close(): true
  /** The handshake is done. */
  socket_opened(): void
  /** A whole message has arrived, of `payload_bytes` on the wire. `memory_bytes`: what it takes in memory, as far as that is known. */
  socket_message(data: string | Uint8Array, payload_bytes: number, memory_bytes?: number): void
  /** The network has taken some or all of what was written and had to wait. */
  socket_drained(): void
  /** The peer broke a rule: close the connection with `code`. */
  socket_failed(error: NetError, code: number): void
  /** The peer's Close or the end of its side has arrived, and nothing more can be sent; {@link SocketEvents.socket_closed} should come soon. */
  socket_ending(): void
  /** The socket has ended; 1006: without a Close from the peer. `error`: why it never opened, or was lost, if that is known. */
  socket_closed(code: number, reason: string, error?: NetError): void
}
