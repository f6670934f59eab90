import type { IncomingHttpHeaders } from 'node:http'
import type { NetError } from '@bt/ws-protocol'
import type { RetryHint } from '../client/retry_rule.js'
import { parse_http_date } from './http_date.js'

/**
 * Statuses that a second attempt would not change, be they of the server or of a proxy: the request is wrong,
 * or is never accepted (RFC 9110 §15.5).
 */
const FINAL_STATUSES: ReadonlySet<number> = new Set([400, 401, 402, 403, 404, 405, 407, 410, 426, 451])

/**
 * How long to wait after an answer that a WebSocket server does not give, in milliseconds: nothing says that
 * it will be another one soon.
 */
const ODD_ANSWER_MS = 20_000

/** The `cause` of an error for a 101 that breaks a rule of the handshake. */
export class FlawedUpgrade extends Error {}

/** The `cause` of a `handshake_refused`: parts of the response. */
export interface Refusal {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

/** Returns whether and when to retry after a refusal, or `undefined` for any other error. */
export function read_refusal(error: NetError | undefined): RetryHint | undefined {
  if (error?.cause instanceof FlawedUpgrade) return { is_final: false, delay_ms: ODD_ANSWER_MS, spread_ms: 0 }
  if (error?.code !== 'handshake_refused') return undefined
  const { status, headers } = error.cause as Refusal
  return {
    is_final: FINAL_STATUSES.has(status),
    delay_ms: Math.max(status < 400 ? ODD_ANSWER_MS : 0, wait_ms(headers)),
    spread_ms: 0,
  }
}

/**
 * Parses Retry-After (RFC 9110 §10.2.3). A date is relative to the Date of the response, because the local
 * clock may be wrong.
 */
function wait_ms({ 'retry-after': retry_after = '', date = '' }: IncomingHttpHeaders): number {
  if (/^\d+$/.test(retry_after)) return Number(retry_after) * 1_000
  const at_ms = parse_http_date(retry_after)
  return at_ms === undefined ? 0 : at_ms - (parse_http_date(date) ?? Date.now())
}
