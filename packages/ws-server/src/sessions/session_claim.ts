import type { Hello, SocketEvents } from '@bt/ws-protocol/internal'
import type { SessionClient } from './server_session.js'
import type { SessionWire } from './session_wire.js'
import type { SessionIdentity } from './sessions_option.js'

/** A client that wants a session. */
export interface SessionClaim {
  readonly hello: Hello
  /** Who the client is; `undefined` without the option `identity`. */
  readonly identity: SessionIdentity | undefined
  readonly client: SessionClient
  readonly wire: SessionWire
  /** Lets the wire report to the session. */
  give(events: SocketEvents): void
}
