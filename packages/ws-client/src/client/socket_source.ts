import type { ConnectionState } from '@bt/ws-protocol'
import type { Connection, Platform, SocketEvents, SocketPort } from '@bt/ws-protocol/internal'
import type { AttemptOptions, ComputedRules } from './attempt_options.js'
import type { ReadRefusal } from './retry_rule.js'
import type { SessionOpening } from './session_option.js'

/** An opening, or open, socket of a platform. */
export interface OpenedSocket {
  readonly port: SocketPort
  /** Returns the negotiated subprotocol once open; `''` if there is none. */
  protocol(): string
  /** Names what has not answered yet if that is not the server: a proxy, or the session. */
  waits_for?(): string | undefined
}

/** A client that may wait for its next socket. */
export interface ReopeningClient {
  readonly state: ConnectionState
  reconnect(): unknown
}

/** What a client needs to open the sockets of a platform, or those of a session over these. */
export interface SocketSource {
  readonly platform: Platform
  /** The rules for what functions among the options return. */
  readonly rules: ComputedRules
  /** Left out on platforms that hide the response of a refused handshake. */
  readonly read_refusal?: ReadRefusal
  /** Starts to connect. What happens to the socket is reported to `events`, which a session puts before the connection. */
  open(options: AttemptOptions, events: SocketEvents, connection: Connection<unknown>): OpenedSocket
  /** Called before the client is closed in order. Only a session has this. */
  before_close?(client: ReopeningClient): void
  /** Returns the arguments of `on_open`, which is called next. Only a session has this. */
  opening?(): readonly [SessionOpening]
  /** Resolves when `drained` does, and rejects in words of its own. Only a session has this. */
  acknowledged?(drained: Promise<void>): Promise<void>
}
