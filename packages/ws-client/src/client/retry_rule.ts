import type { CloseInfo, NetError } from '@bt/ws-protocol'
import { NORMAL_CLOSURE, read_retry_hint, SERVICE_RESTART, TRY_AGAIN_LATER } from '@bt/ws-protocol/internal'

/**
 * Close codes after which another attempt would be useless: the purpose is fulfilled (1000); the client
 * violated the protocol or a policy (1002 to 1010, without 1004 to 1006, which are never sent, RFC 6455
 * §7.4.1); unauthorized and forbidden (3000 and 3003 in the IANA registry); and codes that applications
 * derive from HTTP statuses.
 */
const FINAL_CODES: readonly number[] = [
  NORMAL_CLOSURE,
  1002,
  1003,
  1007,
  1008,
  1009,
  1010,
  3000,
  3003,
  4400,
  4401,
  4403,
  4404,
]

/** Over how long clients spread that a server sends away without a hint (RFC 6455 §7.2.3). */
const SPREAD_MS = 5_000

/** Whether and when to retry, according to the server. */
export interface RetryHint {
  /** Whether another attempt would be useless. */
  readonly is_final: boolean
  /** How long the server asks to wait, in milliseconds. */
  readonly delay_ms: number
  /** The least upper bound of the first delay, in milliseconds. */
  readonly spread_ms: number
}

/**
 * Reads the hint of a refused handshake, or returns `undefined` for any other error. Browsers hide the
 * response, so only Node has a reader.
 */
export type ReadRefusal = (error: NetError | undefined) => RetryHint | undefined

/** Returns the hint of a Close. */
export function close_hint({ code, reason }: CloseInfo): RetryHint {
  const asked_ms = read_retry_hint(reason)
  const sends_away = asked_ms === undefined && (code === SERVICE_RESTART || code === TRY_AGAIN_LATER)
  return {
    is_final: FINAL_CODES.includes(code),
    delay_ms: asked_ms ?? 0,
    spread_ms: sends_away ? SPREAD_MS : 0,
  }
}
