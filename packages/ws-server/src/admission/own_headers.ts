import { NetError } from '@bt/ws-protocol'
import { describe_secret, describe_value, is_token, text_flaw } from '@bt/ws-protocol/internal'
import type { ResponseHeaders } from '../handshake/header_lines.js'

/**
 * Characters that RFC 9110 §5.5 forbids in a header value, such as line breaks, and those that are not ASCII.
 */
const INVALID_IN_HEADER_VALUE = /[^\t\x20-\x7e]/u
/**
 * The headers about the connection (RFC 9110 §7.6.1) or the framing of the response (RFC 9112 §6), or its
 * type, which only the server sets.
 */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-type',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The functions that take headers of the application. */
type Call = 'accept' | 'refuse'

/** Returns the error of a call that got something invalid. */
export function invalid_argument(call: Call, what: string): NetError {
  return new NetError('invalid_argument', `${call} got ${what}`)
}

/**
 * Checks that a value is an object with properties. The entries of iterables such as Headers and Map are not
 * properties, so none of them would be sent.
 *
 * @throws NetError `invalid_argument`
 */
export function checked_object(call: Call, value: unknown): object {
  if (typeof value === 'object' && value !== null && !(Symbol.iterator in value)) return value
  throw invalid_argument(
    call,
    `${describe_secret(value)} for its headers: give an object of names and values`,
  )
}

/**
 * Checks the headers that an application adds to a response, and returns a copy. `is_reserved` names further
 * headers that only the server sets, in lower case.
 *
 * @throws NetError `invalid_argument`, naming the header
 */
export function checked_headers(
  call: Call,
  headers: unknown,
  is_reserved: (name: string) => boolean = () => false,
): ResponseHeaders {
  const checked = Object.entries(checked_object(call, headers)).map(([name, value]) => {
    if (!is_token(name))
      throw invalid_argument(
        call,
        `a header named ${describe_value(name)}: a name is a token (RFC 9110 §5.1)`,
      )
    const lower = name.toLowerCase()
    if (RESERVED_HEADERS.has(lower) || is_reserved(lower))
      throw invalid_argument(call, `the header ${name}, which the server sets itself: leave it out`)
    return [name, checked_value(call, name, value)] as const
  })
  return Object.fromEntries(checked)
}

function checked_value(call: Call, name: string, value: unknown): string | readonly string[] {
  // A copy, because a list could change between this check and the response.
  const copy: unknown = Array.isArray(value) ? Array.from(value) : value
  for (const one of Array.isArray(copy) ? copy : [copy]) {
    const flaw = text_flaw(one, INVALID_IN_HEADER_VALUE)
    if (flaw !== undefined)
      throw invalid_argument(
        call,
        `a value that ${flaw} for the header ${name}: give ASCII text without line breaks, or a list of such texts`,
      )
  }
  return copy as string | readonly string[]
}
