import type { NetError } from '@bt/ws-protocol'
import type { Platform } from '@bt/ws-protocol/internal'
import type { SocketSource } from '../socket_source.js'
import type { ClientSession, SessionOpening } from './session_option.js'

/** The settings of a client that concern its session. */
export interface SessionHostSettings {
  readonly reconnect: boolean | object
  readonly probe?: object | undefined
  readonly max_payload: number
  readonly close_timeout: number
}

/** What a session needs from the client that begins it. */
export interface SessionHost {
  readonly settings: SessionHostSettings
  readonly platform: Platform
  readonly source: SocketSource
  /** Reports an error of the user's code. */
  report(error: NetError): void
}

/** The session of one client. It is put between the client and the sockets of its platform. */
export interface RunningSession {
  readonly platform: Platform
  readonly source: SocketSource
  /** Returns the arguments of `on_open`, which is called next. */
  opening(): readonly [SessionOpening]
  /** Resolves when `drained` does, and rejects in words of its own. */
  acknowledged(drained: Promise<void>): Promise<void>
}

/** A {@link ClientSession}, as clients know it. */
export interface SessionStarter extends ClientSession {
  readonly start: (host: SessionHost) => RunningSession
}
