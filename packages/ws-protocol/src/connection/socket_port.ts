import type { NetError } from '../errors/errors.js'
import type { Batch } from '../queues/batch.js'

/**
 * The transport of a connection. A port is attached to its connection while it is opening or open; it calls
 * its {@link SocketEvents}, but never from within a call of its own methods.
 */
export interface SocketPort {
  /**
   * Whether it outlives its sockets: what it has taken is not lost with one of them, and stays with the port.
   * Left out by a port that is a socket.
   */
  readonly keeps_messages?: boolean
  /** Whether the peer may hold a session, which an orderly close ends; on a client only. */
  readonly has_session?: boolean
  /** Whether it has lost its socket, and waits for the next one; on a server only. */
  readonly is_away?: boolean
  /** Whether messages can be sent: the socket is open, and no Close was sent or received. */
  readonly is_writable: boolean
  /**
   * Whether it can take a batch now. If it cannot, but is writable, {@link SocketEvents.socket_drained}
   * follows when it can.
   */
  readonly takes_batch: boolean
  /** Whether the network has taken this side's Close; only valid once the socket has ended. */
  readonly is_close_sent: boolean
  /** The number of messages that were written, but not taken whole by the network. */
  readonly unsent: number
  /** The number of bytes that were written, but not taken by the network. */
  readonly buffered_bytes: number
  /**
   * Writes a batch, which belongs to the port from now on. Only allowed while it
   * {@link SocketPort.takes_batch}.
   */
  write(batch: Batch): void
  /**
   * Sends a Close after all written messages, and ends the socket when the peer has answered (RFC 6455
   * §7.1.2). `is_replaced`: another socket follows, so that what outlives a socket goes on.
   */
  close(code: number, reason: string, is_replaced?: boolean): void
  /** Tells the peer that the session ends, if the socket takes that, before it is terminated. Only a session has this. */
  end_session?(code: number): void
  /** Ends the socket at once, whether it is opening or open. */
  terminate(): void
  /**
   * Returns a number that differs from the previous one if there was a sign of life from the peer in between,
   * or if silence says nothing about the peer, as in a browser without a `probe`, that is, without questions
   * that the peer answers.
   */
  signs_of_life(probe?: object): number
  /** Sends a ping, if the platform can (RFC 6455 §5.5.2). */
  ping(): void
  /** Stops reading, to slow the peer down, if the platform can. */
  pause(): void
  /** Resumes reading. */
  resume(): void
  /**
   * Counts a callback; returns whether it may run now. If not, the socket has had its share of this turn of
   * the event loop, and `inbox` is run in a later one, even if the socket has ended by then. Left out by a
   * platform that gives each message a turn of its own.
   */
  may_run?(inbox: Runnable): boolean
  /** Reports that the callback of the oldest message is done. Left out by a port that does not count them. */
  handled?(): void
  /** Has the peer acknowledge soon what it gets. Left out by a port for which the network's word is enough. */
  request_ack?(): void
}

/** An object whose callbacks can be run later. */
export interface Runnable {
  /** Runs the callbacks that are due. */
  run(): void
}

/** The events of a port. {@link SocketEvents.socket_closed} is the last one. */
export interface SocketEvents {
  /** The memory of the messages that wait for a callback, in bytes, and the callback that is running. */
  readonly inbox: { readonly bytes: number; readonly running?: string | undefined }
  /**
   * Closes with `code` and `reason` to free memory for other connections, and reports `error`; returns
   * `false` if the connection is already ending. A client has none: only servers limit the memory of all connections.
   */
  shed?(error: NetError, code: number, reason: string): boolean
  /** Closes in order, and drops the messages that wait for a callback. */
  close(): true
  /** The handshake is done. */
  socket_opened(): void
  /**
   * A whole message has arrived, of `payload_bytes` on the wire. `memory_bytes` is its size in memory, if
   * known.
   */
  socket_message(data: string | Uint8Array, payload_bytes: number, memory_bytes?: number): void
  /** The network has taken some or all of the bytes that it had not taken at once. */
  socket_drained(): void
  /** The peer broke a rule, and the connection has to be closed with `code`. */
  socket_failed(error: NetError, code: number): void
  /**
   * The peer's Close or the end of its side has arrived, and nothing more can be sent;
   * {@link SocketEvents.socket_closed} should come soon.
   */
  socket_ending(): void
  /**
   * The socket has ended, with 1006 if without a Close from the peer. `error` is why it never opened or was
   * lost, if known.
   */
  socket_closed(code: number, reason: string, error?: NetError): void
}
