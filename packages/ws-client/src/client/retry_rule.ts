import type { NetError } from '@bt/ws-protocol'
import { type Ending, NORMAL_CLOSURE, read_retry_hint } from '@bt/ws-protocol/internal'

/**
 * Close codes that say that it is over: all is done (1000); what was sent is against the protocol, or against a rule (1002 to 1010, but for 1004
 * to 1006, which are no codes to be sent); unauthorized and forbidden (3000 and 3003 of IANA's registry); and what applications make of
 * HTTP's statuses.
 */
const FINAL_CODES: ReadonlySet<number> = new Set([
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
])

/** What a server says about trying again. */
export interface RetryHint {
  /** Whether another attempt would only end like this one. */
  readonly is_final: boolean
  /** How long the server asks to wait, in milliseconds. */
  readonly wait_ms: number
}

/** Reads what a refused handshake says; `undefined` for any other error. A browser does not reveal the answer, so only Node has a reader. */
export type ReadRefusal = (error: NetError | undefined) => RetryHint | undefined

/** Returns what a Close says about trying again; an end without one says nothing. */
export function close_hint({ code, reason }: Ending): RetryHint {
  return { is_final: FINAL_CODES.has(code), wait_ms: read_retry_hint(reason) ?? 0 }
}
