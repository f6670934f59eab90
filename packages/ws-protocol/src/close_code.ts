// RFC 6455 §7.4.1, by the names of the IANA registry of close codes.

/** The purpose is fulfilled. */
export const NORMAL_CLOSURE = 1000
/** A server shuts down, or a page is left. */
export const GOING_AWAY = 1001
/** The peer broke the protocol. */
export const PROTOCOL_ERROR = 1002
/** A kind of data that this side does not take. */
export const UNSUPPORTED_DATA = 1003
/** Never sent: the connection ended without a Close. */
export const ABNORMAL_CLOSURE = 1006
/** Text that is not UTF-8. */
export const INVALID_PAYLOAD = 1007
/** Against a rule of this side that has no code of its own. */
export const POLICY_VIOLATION = 1008
/** A message larger than this side takes. */
export const MESSAGE_TOO_BIG = 1009
/** A server restarts: come back, though not all at once. */
export const SERVICE_RESTART = 1012
/** A server has too much to do: come back later. */
export const TRY_AGAIN_LATER = 1013
