/**
 * What `session` of `@bt/net/session` returns, for the option `session` of `connect`: a session that outlives the
 * sockets of a client. Only clients call its member. Several clients may be given the same one; each begins a
 * session of its own.
 */
export interface ClientSession {
  /** Begins the session of a client. */
  readonly start: (...client: never) => object
}

/** How a client has opened, as `on_open` gets it with the option `session`. */
export interface SessionOpening {
  /**
   * Whether this is the same session as before: then no message was lost, in either direction, and none comes
   * twice. `false` for the first opening of a client, and if the server does not have the session any more.
   */
  readonly recovered: boolean
  /**
   * How many messages of the previous session the server may or may not have handled: 0 if this session was
   * recovered, after an orderly end, and for the first opening of a client. The option `unacknowledged` says what
   * is done with them.
   */
  readonly in_doubt: number
}

/** The callback for the opening of a client. It gets an argument with the option `session` only. */
export type OnOpen = (() => void) | ((opening: SessionOpening) => void)
