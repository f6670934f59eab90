import { type Ending, type NetError, NORMAL_CLOSURE, read_retry_hint } from '@bt/ws-protocol'

/** Answers to a handshake that will not change by asking again: the request is wrong, or nobody is let in with it (RFC 9110 §15.5). */
const FINAL_STATUSES: ReadonlySet<unknown> = new Set([400, 401, 403, 404, 405, 410, 426])

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

/** As long as a server may keep a client away, in milliseconds: an hour. */
const MAX_HINT_MS = 3_600_000

/** What is known of a refusal in Node: see `handshake_refused`. */
interface Refusal {
  readonly status?: unknown
  readonly headers?: { readonly 'retry-after'?: string }
}

/** Whether a connection that the server, or the network, ended like this would only end like this again. */
export function is_final(ending: Ending, error: NetError | undefined): boolean {
  if (ending.cause === 'refused') return FINAL_STATUSES.has(refusal_of(error).status)
  return FINAL_CODES.has(ending.code)
}

/** How many milliseconds the server asked to wait, 0 where it did not: behind the reason of a Close, or with a refusal (RFC 9110 §10.2.3). */
export function retry_hint_ms({ reason, cause }: Ending, error: NetError | undefined): number {
  const hint_ms =
    cause === 'refused' ? Number(refusal_of(error).headers?.['retry-after']) * 1_000 : read_retry_hint(reason)
  // A date, which `Retry-After` may be too, is no number.
  return hint_ms !== undefined && hint_ms >= 0 ? Math.min(hint_ms, MAX_HINT_MS) : 0
}

function refusal_of(error: NetError | undefined): Refusal {
  return (error?.cause ?? {}) as Refusal
}
