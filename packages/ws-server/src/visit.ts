import type { IncomingMessage } from 'node:http'
import type { ClientPlace } from './client_address.js'
import type { ClientStream } from './client_stream.js'
import type { Handshake } from './handshake_request.js'

/** A client at the entrance, whose handshake is in order, and of whom nobody has decided. */
export interface Visit {
  /** Its request: for as long as the handshake lasts, and no longer. */
  readonly request: IncomingMessage
  /** Its socket. */
  readonly stream: ClientStream
  /** What came behind the request. */
  readonly head: Buffer
  /** What is kept of the request. */
  readonly handshake: Handshake
  /** The subprotocols that it offers. */
  readonly offered: readonly string[]
  /** Where it is; see {@link ClientPlace}. */
  readonly place: ClientPlace
  /** How much of `handshake_timeout` its request took, in milliseconds, where it is known when it has connected. */
  readonly waited_ms: number
}
