import {
  type CheckedOptions,
  describe_parts,
  describe_secret,
  describe_type,
  describe_value,
  type OptionRule,
  type OptionRules,
  text_flaw,
  token_flaw,
  type WireOption,
} from '@bt/ws-protocol/internal'
import { node_rules as shared_node_rules } from '@bt/ws-protocol/internal/node'
import { connect_rules, type FilledConnectOption, type WsConnectOptions } from '../client/options.js'
import { is_ws_url, URL_EXPECTED } from './ws_url.js'

const DEFAULT_MAX_FRAGMENTS = 16_384

/** Characters that RFC 9110 §5.5 forbids in a header value, such as line breaks. */
const INVALID_IN_HEADER_VALUE = /[^\t\x20-\x7e\x80-\xff]/u
/** The headers that the handshake sets itself (RFC 6455 §4.1). */
const HANDSHAKE_HEADER = /^(connection|upgrade|sec-websocket-.*)$/i

const headers_rule: OptionRule<Readonly<Record<string, string>>> = {
  expects:
    "an object of header names, each once, and string values on one line, such as { Authorization: 'Bearer …' }, without Connection, Upgrade and Sec-WebSocket-…",
  accepts: value => has_named_properties(value) && headers_flaw(value) === undefined,
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

type FilledNodeOption = FilledConnectOption | WireOption | 'type'

/** The options of `connect` in Node, checked and filled in. */
export type NodeConnectSettings = CheckedOptions<WsConnectOptions<boolean>, FilledNodeOption>

const rules = connect_rules(URL_EXPECTED, is_ws_url)

/** The rule of every option of `connect` in Node. */
export const node_rules: OptionRules<WsConnectOptions<boolean>, FilledNodeOption> = {
  ...rules,
  ...shared_node_rules(DEFAULT_MAX_FRAGMENTS),
  reconnect: { ...rules.reconnect, shown: describe_parts },
  headers: headers_rule,
  tls: {
    shown: describe_type,
    expects: 'an object such as { ca }, in PEM',
    accepts: value => typeof value === 'object' && value !== null,
  },
}
