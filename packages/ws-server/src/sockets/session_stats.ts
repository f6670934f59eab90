/** Figures about the sessions of a server. */
export interface SessionStats {
  /** Sessions that have lost their connection, and wait for their client. They count as sockets, too. */
  readonly held: number
  /** Bytes that these hold: messages to send, and messages that wait for a callback. */
  readonly held_bytes: number
  /** Connections that are relayed, because another server of the `cluster` holds their session. */
  readonly relayed: number
  /** Sessions that have begun since the server started. */
  readonly started: number
  /** How often a client has come back, and gone on with its session. */
  readonly recovered: number
  /** How often a client has asked for a session that this server does not have, or not for this client. */
  readonly not_recovered: number
  /** Sessions that have ended because their client did not come back in time, or too many were waiting. */
  readonly expired: number
}
