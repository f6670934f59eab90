import type { NetError } from '../errors/errors.js'

/** The connection that a {@link Probe} watches. */
export interface ProbedConnection {
  /** Sends a message; does nothing if the queue has no room for it, or the connection sends no more. */
  offer(message: string | Uint8Array): void
  /** Reports an error of this connection. */
  report(error: NetError): void
}

/**
 * Messages by which the two sides of a connection see that the other is alive; the application sees none of
 * them. `probe` makes one; only connections call its members.
 */
export interface Probe {
  /** Asks a silent peer for a sign of life. Returns `false` if it has no question, so that a ping is sent. */
  ask(connection: ProbedConnection): boolean
  /** Returns whether a received message is the probe's own, which `on_message` does not get; answers it. */
  takes(data: string | Uint8Array, connection: ProbedConnection): boolean
}
