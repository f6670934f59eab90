import type { SocketEvents, SocketPort } from '@bt/ws-protocol/internal'
import type { SocketWire } from '../sockets/socket.js'

/** A socket that a session can go on with: a wire, or a relay to one of another server. */
export interface SessionWire extends SocketPort, SocketWire {
  /** Reports to other events from now on. */
  report_to(events: SocketEvents): void
  /** Forgets the memory of messages that wait or are handled: their session goes on without this socket. */
  release_messages(): void
}
