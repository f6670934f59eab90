import type { NetError } from './errors.js'
import type { Batch } from './send_queue.js'

/**
 * What a connection asks of a transport. A port is handed to its connection while it still opens, or open; it tells what
 * happens through a {@link SocketSink}, and never from inside a call of its own methods.
 */
export interface SocketPort {
  /** Whether a message can be written: the socket is open, and no Close was sent or received. */
  readonly is_writable: boolean
  /** Bytes that were written and that the network has not taken. */
  readonly buffered_bytes: number
  /**
   * Writes whole messages. `true`: the network took them, write on; the port looks at the bytes no more. `false`: it did not take them
   * yet, and the bytes belong to the port; write no more before {@link SocketSink.socket_drained}.
   */
  write(batch: Batch): boolean
  /** Sends a Close behind what was written, and ends the socket when the peer has answered (RFC 6455 §7.1.2). */
  close(code: number, reason: string): void
  /** Ends the socket at once, opening or open. */
  terminate(): void
  /** Stops reading, so that the peer is slowed down. */
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
  /** The network has taken what it had not when `write` returned `false`. */
  socket_drained(): void
  /** The peer broke a rule: the connection is to be closed with `code`. */
  socket_failed(error: NetError, code: number): void
  /** The peer sends nothing more, and nothing more can be sent to it; {@link SocketSink.socket_closed} should come soon. */
  socket_ending(): void
  /** The socket has ended. 1006: without a Close from the peer. `error`: why it never opened, or was lost, where that is known. */
  socket_closed(code: number, reason: string, error?: NetError): void
}
