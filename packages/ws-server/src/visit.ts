import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { ClientPlace } from './client_address.js'
import type { Handshake } from './handshake_request.js'

/** A client at the entrance, whose handshake is in order, and of whom nobody has decided. */
export interface Visit {
  /** Its request: for as long as the handshake lasts, and no longer. */
  readonly request: IncomingMessage
  /** Its socket. */
  readonly stream: Socket
  /** What came behind the request. */
  readonly head: Buffer
  /** What is kept of the request. */
  readonly handshake: Handshake
  /** The subprotocols that it offers. */
  readonly offered: readonly string[]
  /** Where it is; on a Unix socket the server's own address. */
  readonly place: ClientPlace
  /** How much of `handshake_timeout` is left for `authorize`, in milliseconds. */
  readonly time_left_ms: number
}
