import type { NetError } from './errors.js'
import type { Batch } from './send_queue.js'

/**
 * What a connection asks of a transport. A port is handed to its connection while it still opens, or open; it tells what
 * happens through a {@link SocketSink}, and never from inside a call of its own methods.
 */
export interface SocketPort<Kind extends Batch> {
  /** Whether messages can be sent: the socket is open, and no Close was sent or received. */
  readonly is_writable: boolean
  /** Whether it takes a batch just now. When it does not, though it is writable, {@link SocketSink.socket_drained} tells when it does. */
  readonly takes_batch: boolean
  /** Messages that were written and that the network has not taken whole. */
  readonly unsent: number
  /** Bytes that were written and that the network has not taken. */
  readonly buffered_bytes: number
  /** Writes a batch, which belongs to the port from now on. Only while it {@link SocketPort.takes_batch}. */
  write(batch: Kind): void
  /** Sends a Close behind what was written, and ends the socket when the peer has answered (RFC 6455 §7.1.2). */
  close(code: number, reason: string): void
  /** Ends the socket at once, opening or open. */
  terminate(): void
  /**
   * A number that is another one whenever there has been a sign of life of the peer since it was last asked for, or where silence says
   * nothing about the peer.
   */
  signs_of_life(): number
  /** Asks the peer for a sign of life, where a platform can (RFC 6455 §5.5.2). */
  ping(): void
  /** Stops reading, so that the peer is slowed down, where a platform can. */
  pause(): void
  /** Goes on reading. */
  resume(): void
}

/** What a transport tells its connection. After {@link SocketSink.socket_closed} it tells nothing more. */
export interface SocketSink {
  /** The handshake is done. */
  socket_opened(): void
  /** A whole message has arrived, of `payload_bytes` on the wire. */
  socket_message(data: string | Uint8Array, payload_bytes: number): void
  /** The network has taken what it had not when it was written, or some of it. */
  socket_drained(): void
  /** The peer broke a rule: the connection is to be closed with `code`. */
  socket_failed(error: NetError, code: number): void
  /** The peer sends nothing more, and nothing more can be sent to it; {@link SocketSink.socket_closed} should come soon. */
  socket_ending(): void
  /** The socket has ended. 1006: without a Close from the peer. `error`: why it never opened, or was lost, where that is known. */
  socket_closed(code: number, reason: string, error?: NetError): void
}
