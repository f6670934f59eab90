import {
  describe_secret,
  describe_value,
  type OptionRule,
  text_flaw,
  token_flaw,
} from '@bt/ws-protocol/internal'

/** Characters that RFC 9110 §5.5 forbids in a header value, such as line breaks. */
const INVALID_IN_HEADER_VALUE = /[^\t\x20-\x7e\x80-\xff]/u
/** The headers that the handshake sets itself (RFC 6455 §4.1). */
const HANDSHAKE_HEADER = /^(connection|upgrade|sec-websocket-.*)$/i

/** The rule of `headers`, on platforms that send them. */
export const headers_rule: OptionRule<Readonly<Record<string, string>>> = {
  expects:
    "an object of header names, each once, and string values on one line, such as { Authorization: 'Bearer …' }, without Connection, Upgrade and Sec-WebSocket-…",
  may_be_function: true,
  accepts: value => has_named_properties(value) && headers_flaw(value) === undefined,
  copy: headers => ({ ...headers }),
  shown: value => (has_named_properties(value) ? headers_flaw(value) : describe_secret(value)),
}

/**
 * Rejects iterables such as Headers and Map, whose entries are not properties, so that none of them would be
 * sent.
 */
function has_named_properties(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(Symbol.iterator in value)
}

/** Returns what is wrong with headers, without showing their values, which may be secrets. */
function headers_flaw(headers: object): string | undefined {
  const names = new Set<string>()
  for (const [name, value] of Object.entries(headers)) {
    const flaw = header_flaw(name, value, names)
    if (flaw !== undefined) return `${describe_value(headers)}, in which ${flaw}`
    names.add(name.toLowerCase())
  }
  return undefined
}

function header_flaw(name: string, value: unknown, earlier_names: ReadonlySet<string>): string | undefined {
  const shown = describe_value(name)
  const name_flaw = token_flaw(name)
  if (name_flaw !== undefined) return `${name === '' ? 'a name' : `the name ${shown}`} ${name_flaw}`
  if (HANDSHAKE_HEADER.test(name)) return `${shown} is the handshake's own`
  if (earlier_names.has(name.toLowerCase()))
    return `${shown} is there twice: upper and lower case are the same`
  const value_flaw = text_flaw(value, INVALID_IN_HEADER_VALUE)
  return value_flaw === undefined ? undefined : `the value of ${shown} ${value_flaw}`
}
