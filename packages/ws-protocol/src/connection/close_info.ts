import { describe_value, NetError } from '../errors/errors.js'
import { NORMAL_CLOSURE } from '../frames/close_code.js'
import { is_whole_number } from '../options/options.js'

/** RFC 6455 §5.5: a control frame carries at most 125 bytes, and two of them are the code. */
export const MAX_REASON_BYTES = 123

/**
 * Who or what ended a connection: `local` (this side's `close()`), `peer` (the other side's Close),
 * `heartbeat` (the peer was silent for too long), `overflow` (it took more memory than allowed), `protocol`
 * (the peer broke a rule), `network` (it ended without a Close), `refused` (it never opened), `shutdown` (the
 * server closed).
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
  /**
   * The code of the peer's Close; without one, this side's after `protocol` or `overflow`; otherwise 1006
   * (RFC 6455 §7.1.5).
   */
  readonly code: number
  /** The reason that came with the code; often empty. */
  readonly reason: string
  /** Who or what ended it. */
  readonly cause: CloseCause
  /**
   * Whether each side's Close got through (RFC 6455 §7.1.4): the peer's arrived, and the network took this
   * side's. In a browser, a Close counts as sent only if nothing is `unsent`, since browsers do not report
   * more.
   */
  readonly clean: boolean
  /**
   * The number of messages that `send` accepted and the network may not have taken: all queued messages, and
   * all of the batch that was being written (64 KiB, or one larger message), though the peer may have
   * received part of it.
   */
  readonly unsent: number
}

/**
 * Checks the code and the reason that a user passes to `close`.
 *
 * @throws NetError `invalid_argument` for a code other than 1000 and 3000–4999, or a reason of more than 123
 * bytes
 */
export function check_close(code: unknown, reason: unknown, byte_length: (text: string) => number): void {
  const is_valid =
    (code === NORMAL_CLOSURE || is_whole_number(code, 3000, 4999)) &&
    typeof reason === 'string' &&
    byte_length(reason) <= MAX_REASON_BYTES
  if (is_valid) return
  const got = `close got ${describe_value(code)}, ${describe_value(reason)}`
  const message = `${got}: give 1000, or a code of your own from 3000 to 4999, and a string of at most ${MAX_REASON_BYTES} bytes`
  throw new NetError('invalid_argument', message)
}
