import type { ClientSession } from './session_option.js'
import type { SocketSource } from './socket_source.js'

/** The settings of a client that concern its session. */
export interface SessionHostSettings {
  readonly reconnect: boolean | object
  readonly probe?: object | undefined
  readonly max_payload: number
  readonly close_timeout: number
}

/** A {@link ClientSession}, as clients know it. */
export interface SessionStarter extends ClientSession {
  /** Returns the sockets of a new session over those of a platform. */
  readonly start: (settings: SessionHostSettings, source: SocketSource) => SocketSource
}
