import { escape_text, shown_text, shown_url } from './shown_text.js'

/**
 * Every code that a {@link NetError} can have, grouped by what failed.
 *
 * Thrown, because the call itself is wrong: `invalid_option`, `invalid_argument`, `unsupported`. Binding:
 * `address_in_use`, `address_unavailable`, `permission_denied`. Opening a connection: `connection_refused`,
 * `host_not_found`, `connect_timeout`, `tls_failed`, `handshake_refused`, `handshake_failed`, `option_failed`. Returned by
 * `send`: `queue_full`, `too_large`, `closed`; by `join`: `too_many_topics`, `cluster_unavailable`, `closed`;
 * by `publish`: `cluster_unavailable`, `too_large`, `closed`. The peer broke a rule: `protocol_error`,
 * `invalid_utf8`, `message_too_large`, `too_many_fragments`, `too_many_pings`, `unexpected_binary`. In the
 * background: `inbox_overflow`, `queue_shed`, `inbox_shed`, `connection_lost` (also from `drained()`),
 * `handler_failed`, `callback_pending`, `no_message_handler`, `server_failed`, `origin_refused`; from a broker
 * `cluster_unavailable` and `permission_denied`.
 */
export const NET_ERROR_CODES = [
  'invalid_option',
  'invalid_argument',
  'unsupported',
  'address_in_use',
  'address_unavailable',
  'permission_denied',
  'connection_refused',
  'host_not_found',
  'connect_timeout',
  'tls_failed',
  'handshake_refused',
  'handshake_failed',
  'option_failed',
  'queue_full',
  'too_large',
  'closed',
  'too_many_topics',
  'cluster_unavailable',
  'protocol_error',
  'invalid_utf8',
  'message_too_large',
  'too_many_fragments',
  'too_many_pings',
  'unexpected_binary',
  'inbox_overflow',
  'queue_shed',
  'inbox_shed',
  'connection_lost',
  'handler_failed',
  'callback_pending',
  'no_message_handler',
  'server_failed',
  'origin_refused',
] as const

/** What went wrong, for programs to branch on; {@link NET_ERROR_CODES} lists all codes by group. */
export type NetErrorCode = (typeof NET_ERROR_CODES)[number]

/**
 * The only class of errors here. Programs branch on `code`; `message` tells people what failed, the value,
 * the limit and what to do, on one line: line breaks and other characters that are not visible are escaped;
 * `cause` is the underlying error, if there is one.
 */
export class NetError extends Error {
  /** Always `'NetError'`. */
  override readonly name: string = 'NetError'
  /** What went wrong: branch on this. */
  readonly code: NetErrorCode

  constructor(code: NetErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(escape_text(message), options)
    this.code = code
  }
}

/** Formats a count with its noun: `1 message`, `2 messages`. */
export function describe_count(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

const LONGEST_VALUE = 80
const UP_TO_LAST_AT = /^(\w+:\/\/|).*@/s

/**
 * Formats a value for an error message: strings quoted and cut at 80 characters, without the secrets of URLs;
 * objects by their class, never their content.
 */
export function describe_value(value: unknown, longest: number = LONGEST_VALUE): string {
  if (typeof value === 'string') return JSON.stringify(shown_text(value, longest))
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return describe_object(value)
  return typeof value === 'bigint' ? `${value}n` : String(value)
}

/**
 * Formats an invalid URL for an error message. Everything up to its last `@` is hidden, since it may be
 * credentials that were not encoded.
 */
export function describe_url(url: string): string {
  return describe_value(shown_url(url.replace(UP_TO_LAST_AT, '$1***@')))
}

/**
 * Formats a thrown value for an error message: an error by its message, anything else like
 * {@link describe_value}.
 */
export function describe_cause(cause: unknown): string {
  try {
    if (cause instanceof Error) return shown_text(cause.message || cause.name)
  } catch {
    // Reading the message threw, which `describe_value` says.
  }
  return describe_value(cause)
}

function describe_object(value: object): string {
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`
    const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null
    const name = prototype?.constructor?.name
    if (typeof name === 'string' && name && name !== 'Object') return `an instance of ${name}`
  } catch {
    // A proxy or a getter may throw.
  }
  return 'an object'
}
