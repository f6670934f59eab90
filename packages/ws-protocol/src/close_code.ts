import { describe_value, NetError } from './errors.js'

/** The close codes used here, by name (RFC 6455 §7.4.1 and the IANA registry of close codes). */
export const CLOSE_CODE = {
  /** The purpose is fulfilled. */
  NORMAL: 1000,
  /** A server shuts down, or a page is left. */
  GOING_AWAY: 1001,
  /** The peer broke the protocol. */
  PROTOCOL_ERROR: 1002,
  /** A kind of data that this side does not take. */
  UNSUPPORTED_DATA: 1003,
  /** Never sent: the peer's Close had no code. */
  NO_STATUS: 1005,
  /** Never sent: the connection ended without a Close. */
  ABNORMAL: 1006,
  /** Text that is not UTF-8. */
  INVALID_PAYLOAD: 1007,
  /** Against a rule of this side that has no code of its own. */
  POLICY_VIOLATION: 1008,
  /** A message larger than this side takes. */
  MESSAGE_TOO_BIG: 1009,
} as const

/** RFC 6455 §5.5: a control frame carries at most 125 bytes, and two of them are the code. */
export const MAX_REASON_BYTES = 123

/**
 * Who or what ended a connection: `local` (this side's `close()`), `peer` (the other side's Close), `heartbeat` (silence; reserved),
 * `overflow` (shed for memory; reserved), `protocol` (the peer broke a rule), `network` (the socket ended without a Close), `refused`
 * (it never opened), `shutdown` (the server closed).
 */
export type CloseCause =
  | 'local'
  | 'peer'
  | 'heartbeat'
  | 'overflow'
  | 'protocol'
  | 'network'
  | 'refused'
  | 'shutdown'

/** How a connection ended. */
export interface CloseInfo {
  /** The code of the peer's Close; else the code this side failed it with; else 1006 (RFC 6455 §7.1.5). */
  readonly code: number
  /** The reason that came with the code; often empty. */
  readonly reason: string
  /** Who or what ended it. */
  readonly cause: CloseCause
  /** Whether both sides sent a Close (RFC 6455 §7.1.4). */
  readonly clean: boolean
  /** How many messages `send` took that the network did not take whole. */
  readonly unsent: number
}

/**
 * Checks a code and a reason that a user gives to `close`.
 *
 * @throws NetError `invalid_argument` for a code other than 1000 and 3000–4999, or a reason of more than 123 bytes
 */
export function check_close(code: unknown, reason: unknown, byte_length: (text: string) => number): void {
  const is_own = typeof code === 'number' && Number.isInteger(code) && code >= 3000 && code <= 4999
  if (code !== CLOSE_CODE.NORMAL && !is_own) {
    throw new NetError(
      'invalid_argument',
      `close got the code ${describe_value(code)}: use 1000, or one of your own from 3000 to 4999`,
    )
  }
  if (typeof reason !== 'string') {
    throw new NetError('invalid_argument', `close got ${describe_value(reason)} as the reason: give a string`)
  }
  const size = byte_length(reason)
  if (size > MAX_REASON_BYTES) {
    throw new NetError(
      'invalid_argument',
      `close got a reason of ${size} bytes, and a Close has room for ${MAX_REASON_BYTES}: shorten ${describe_value(reason)}`,
    )
  }
}
