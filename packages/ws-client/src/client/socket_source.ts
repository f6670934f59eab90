import type { Connection, SocketEvents, SocketPort } from '@bt/ws-protocol/internal'
import type { AttemptOptions, ComputedRules } from './attempt_options.js'
import type { ReadRefusal } from './retry_rule.js'

/** An opening, or open, socket of a platform. */
export interface OpenedSocket {
  readonly port: SocketPort
  /** Returns the negotiated subprotocol once open; `''` if there is none. */
  protocol(): string
  /** Names what has not answered yet if that is not the server: a proxy, or the session. */
  waits_for?(): string | undefined
}

/** What a client needs to open sockets of a platform. */
export interface SocketSource {
  /** The rules for what functions among the options return. */
  readonly rules: ComputedRules
  /** Left out on platforms that hide the response of a refused handshake. */
  readonly read_refusal?: ReadRefusal
  /** Starts to connect. What happens to the socket is reported to `events`, which a session puts before the connection. */
  open(options: AttemptOptions, events: SocketEvents, connection: Connection<unknown>): OpenedSocket
}
