/**
 * Every code that a {@link NetError} can carry, grouped by what failed.
 *
 * Thrown at once, since the call itself is wrong: `invalid_option`, `invalid_argument`, `unsupported`.
 * Binding: `address_in_use`, `address_unavailable`, `permission_denied`.
 * Opening a connection: `connection_refused`, `host_not_found`, `connect_timeout`, `tls_failed`, `handshake_refused`,
 * `handshake_failed`.
 * Returned by `send`: `queue_full`, `too_large`, `closed`; by `join`: `too_many_topics`, `cluster_unavailable`, `closed`; by `publish`:
 * `cluster_unavailable`, `too_large`, `closed`.
 * The peer broke a rule: `protocol_error`, `invalid_utf8`, `message_too_large`, `too_many_fragments`, `unexpected_binary`.
 * Afterwards: `inbox_overflow`, `queue_shed`, `connection_lost`, `handler_failed`, `no_message_handler`, `server_failed`,
 * `origin_refused`; `cluster_unavailable` and `permission_denied`, of a broker.
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
  'queue_full',
  'too_large',
  'closed',
  'too_many_topics',
  'cluster_unavailable',
  'protocol_error',
  'invalid_utf8',
  'message_too_large',
  'too_many_fragments',
  'unexpected_binary',
  'inbox_overflow',
  'queue_shed',
  'connection_lost',
  'handler_failed',
  'no_message_handler',
  'server_failed',
  'origin_refused',
] as const

/** What went wrong, for a program to branch on; the list with its groups is {@link NET_ERROR_CODES}. */
export type NetErrorCode = (typeof NET_ERROR_CODES)[number]

/**
 * The one class of errors here. `code` is for programs; `message` is for people and says what failed, the value, the limit
 * and what to do; `cause` holds the error beneath, where there is one.
 */
export class NetError extends Error {
  /** Always `'NetError'`. */
  override readonly name: string = 'NetError'
  /** What went wrong; callers branch on this. */
  readonly code: NetErrorCode

  constructor(code: NetErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Writes a number of things: `1 message`, `2 messages`. */
export function describe_count(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

const LONGEST_SHOWN = 80

/** Shows a value in an error message: strings quoted and cut at 80 characters, objects by their class, never their content. */
export function describe_value(value: unknown): string {
  if (typeof value === 'string') {
    const shown = value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value
    return JSON.stringify(shown)
  }
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return describe_object(value)
  return typeof value === 'bigint' ? `${value}n` : String(value)
}

function describe_object(value: object): string {
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`
    const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null
    const maker = prototype?.constructor?.name
    return typeof maker === 'string' && maker !== '' && maker !== 'Object'
      ? `an instance of ${maker}`
      : 'an object'
  } catch {
    // A proxy, or a getter, that does not want to be looked at.
    return 'an object that throws when it is read'
  }
}
