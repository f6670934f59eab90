// RFC 6455 §7.4.1, named as in the IANA registry of close codes.

/** The connection has fulfilled its purpose. */
export const NORMAL_CLOSURE = 1000
/** The server is shutting down, or the user has left the page. */
export const GOING_AWAY = 1001
/** The peer broke the protocol. */
export const PROTOCOL_ERROR = 1002
/** The peer sent a kind of data that this side does not accept. */
export const UNSUPPORTED_DATA = 1003
/** Never sent; stands for a Close without a code. */
export const NO_CODE = 1005
/** Never sent; stands for a connection that ended without a Close. */
export const ABNORMAL_CLOSURE = 1006
/** The peer sent text that is not UTF-8. */
export const INVALID_PAYLOAD = 1007
/** The peer broke a rule of this side that has no more specific code. */
export const POLICY_VIOLATION = 1008
/** The peer sent a message larger than this side accepts. */
export const MESSAGE_TOO_BIG = 1009
/** The server is restarting; clients should reconnect after a random delay. */
export const SERVICE_RESTART = 1012
/** The server is overloaded; clients should reconnect later. */
export const TRY_AGAIN_LATER = 1013

/**
 * Whether a Close may carry this code (RFC 6455 §7.4): a registered code that may be sent, or one reserved
 * for libraries and applications.
 */
export function is_close_code(code: number): boolean {
  const is_registered = code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006)
  return is_registered || (code >= 3000 && code <= 4999)
}
