import { NetError } from '@bt/ws-protocol'
import { describe_cause } from '@bt/ws-protocol/internal'
import type { ResponseHeaders } from './header_lines.js'

/**
 * Why a client was turned away: the request was for another path (`wrong_path`), not for a WebSocket
 * (`not_websocket`), or malformed (`bad_handshake`); `origins` does not allow the page (`wrong_origin`);
 * there are too many connections, or it sent too much before it was accepted (`over_limit`), too many from
 * that address (`over_ip_limit`), or too many handshakes per second (`over_rate`); `authorize` refused
 * (`unauthorized`), or it or `origins` failed (`handler_failed`); the TLS handshake, the request or
 * `authorize` took longer than `handshake_timeout` (`timed_out`); the TLS handshake failed (`tls_failed`);
 * the client left while `authorize` ran (`client_left`); the server is closing (`shutting_down`).
 */
export type RefusalReason =
  | 'wrong_path'
  | 'not_websocket'
  | 'bad_handshake'
  | 'wrong_origin'
  | 'over_limit'
  | 'over_ip_limit'
  | 'over_rate'
  | 'unauthorized'
  | 'handler_failed'
  | 'timed_out'
  | 'tls_failed'
  | 'client_left'
  | 'shutting_down'

/** The initial counts of refused clients. */
export const NO_REFUSALS: Readonly<Record<RefusalReason, number>> = {
  wrong_path: 0,
  not_websocket: 0,
  bad_handshake: 0,
  wrong_origin: 0,
  over_limit: 0,
  over_ip_limit: 0,
  over_rate: 0,
  unauthorized: 0,
  handler_failed: 0,
  timed_out: 0,
  tls_failed: 0,
  client_left: 0,
  shutting_down: 0,
}

/** The response to a refused client. */
export interface Refusal {
  readonly reason: RefusalReason
  /** The HTTP status. */
  readonly status: number
  /** The body, which says what is wrong and what to do. */
  readonly text: string
  /** Additional headers, such as those that this status requires. */
  readonly headers?: ResponseHeaders
  /**
   * The code of the Close for a page, which can't see the response: it is accepted, and closed at once.
   */
  readonly close_code?: number | undefined
}

/** The parts of a refusal that are counted and published. Without a status, the client got no response. */
export type RefusalNote = Pick<Refusal, 'reason'> & Partial<Pick<Refusal, 'status'>>

const UPGRADE = { Upgrade: 'websocket' }
const RETRY_LATER = { 'Retry-After': '5' }
const RETRY_SOON = { 'Retry-After': '1' }

/** The refusal of a request for another path than the route. */
export function wrong_path(): Refusal {
  return { reason: 'wrong_path', status: 404, text: 'There is no WebSocket at this path.' }
}

/** The refusal of plain HTTP, or of an upgrade to another protocol. */
export function not_websocket(): Refusal {
  const text = 'This is a WebSocket: connect with ws:// or wss://, not with http:// or https://.'
  return { reason: 'not_websocket', status: 426, text, headers: UPGRADE }
}

/** The refusal of a handshake that violates RFC 6455 §4.2.1. */
export function bad_handshake(text: string): Refusal {
  return { reason: 'bad_handshake', status: 400, text: `The WebSocket handshake is broken: ${text}.` }
}

/** The refusal of another WebSocket version, which names the supported one (RFC 6455 §4.4). */
export function wrong_version(version: string | undefined): Refusal {
  const text = `The WebSocket version is ${version ?? 'missing'}, and has to be 13.`
  const headers = { ...UPGRADE, 'Sec-WebSocket-Version': '13' }
  return { reason: 'bad_handshake', status: version === undefined ? 400 : 426, text, headers }
}

/** The refusal of a client whose request did not arrive in time. */
export function request_timed_out(): Refusal {
  return { reason: 'timed_out', status: 408, text: 'The handshake took too long.' }
}

/** The refusal of bytes that Node's HTTP parser rejects. */
export function malformed_request(error: { readonly code?: string | undefined }): Refusal {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return { reason: 'bad_handshake', status: 431, text: 'The headers are too large.' }
  }
  return { reason: 'bad_handshake', status: 400, text: 'This is not HTTP.' }
}

/**
 * The refusal of a page that `origins` does not allow. The allowed origins are reported to `on_error` only.
 */
export function wrong_origin(): Refusal {
  return { reason: 'wrong_origin', status: 403, text: 'Pages of this origin may not connect.' }
}

/** The refusal for `max_connections`. */
export function over_limit(): Refusal {
  const text = 'The server has as many connections as it takes; try again later.'
  return { reason: 'over_limit', status: 503, text, headers: RETRY_LATER }
}

/** The refusal for `max_total_inbox` of a client that sent much data while it waited for `authorize`. */
export function over_inbox(): Refusal {
  const text = 'The server has no memory for what clients send too early; try again later.'
  return { reason: 'over_limit', status: 503, text, headers: RETRY_LATER }
}

/** The refusal for `max_connections_per_ip`. */
export function over_ip_limit(): Refusal {
  const text =
    'There are as many connections from this address as the server takes; close one, or try again later.'
  return { reason: 'over_ip_limit', status: 429, text, headers: RETRY_LATER }
}

/** The refusal for `max_handshakes_per_second`. */
export function over_rate(): Refusal {
  const text = 'Too many clients connect at once; try again in a moment.'
  return { reason: 'over_rate', status: 503, text, headers: RETRY_SOON }
}

/** The refusal after `authorize` or `origins` failed. It hides the error from the client. */
export function handler_failed(): Refusal {
  return { reason: 'handler_failed', status: 500, text: 'The server could not decide about this connection.' }
}

/** The error for `on_error` after `authorize` or `origins` failed. */
export function handler_error(name: 'authorize' | 'origins', cause: unknown): NetError {
  const message = `${name} failed: ${describe_cause(cause)}; the client was answered 500 (\`cause\` holds the error)`
  return new NetError('handler_failed', message, { cause })
}

/** The refusal after `authorize` took too long. Its status is not 408, which would blame the client. */
export function authorize_timed_out(): Refusal {
  const text = 'The server took too long to decide about this connection; try again later.'
  return { reason: 'timed_out', status: 503, text, headers: RETRY_LATER }
}

/** The refusal while the server closes. */
export function shutting_down(): Refusal {
  const text = 'The server is closing; try again later.'
  return { reason: 'shutting_down', status: 503, text, headers: RETRY_LATER }
}
