import {
  type CheckedOptions,
  is_token,
  type OptionRule,
  type OptionRules,
  type WsOption,
} from '@bt/ws-protocol'
import { ws_rules } from '@bt/ws-protocol/node'
import { connect_rules, type FilledConnectOption, type WsConnectOptions } from '../options.js'
import { is_ws_url, URL_EXPECTED } from './ws_url.js'

const DEFAULT_MAX_FRAGMENTS = 16_384

/** RFC 9110 §5.5: a value on one line. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** What RFC 6455 §4.1 gives a handshake; subprotocols have an option of their own. */
const GIVEN_HEADER = /^(connection|upgrade|sec-websocket-.*)$/i

const headers_rule: OptionRule<Readonly<Record<string, string>>> = {
  fallback: undefined,
  expects:
    "an object of header names and string values on one line, such as { Authorization: 'Bearer …' }, without Connection, Upgrade and Sec-WebSocket-…",
  accepts: value =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).every(
      ([name, text]) =>
        is_token(name) && !GIVEN_HEADER.test(name) && typeof text === 'string' && HEADER_VALUE.test(text),
    ),
}

type FilledNodeOption = FilledConnectOption | WsOption

/** The options of `connect` in Node, checked and filled in. */
export type NodeConnectSettings = CheckedOptions<WsConnectOptions<boolean>, FilledNodeOption>

/** The rule of every option of `connect` in Node. */
export const node_rules: OptionRules<WsConnectOptions<boolean>, FilledNodeOption> = {
  ...connect_rules(URL_EXPECTED, is_ws_url),
  ...ws_rules(DEFAULT_MAX_FRAGMENTS),
  headers: headers_rule,
  tls: {
    fallback: undefined,
    is_secret: true,
    expects: 'an object such as { ca }, in PEM',
    accepts: value => typeof value === 'object' && value !== null,
  },
}
