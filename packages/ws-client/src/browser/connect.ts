import { check_options, type MessageData, NetError } from '@bt/ws-protocol'
import { Client } from '../client.js'
import { connect_rules, type WsConnectOptions } from '../options.js'
import type { WsClient } from '../ws_client.js'
import { open_socket } from './open_socket.js'
import { browser_platform } from './platform.js'

const rules = connect_rules(
  "a string with a URL such as 'ws://127.0.0.1:8081/ws' or 'wss://example.org/ws', without a fragment",
  value => typeof value === 'string' && /^wss?:\/\/[^#]+$/i.test(value) && URL.canParse(value),
)

/** What a page can't have, and what it can have instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  headers: 'give a token in the query of the url, in protocols, or as a cookie',
  tls: 'use a wss: url; certificates are the business of the browser',
}

/**
 * `connect` over the WebSocket of the platform; in all else as in Node.
 *
 * @throws NetError `invalid_option`; `unsupported` for what only Node can do, and says what to use instead
 */
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>> {
  for (const [name, instead] of Object.entries(INSTEAD)) {
    if (Object(options)[name] !== undefined)
      throw new NetError('unsupported', `connect: a browser does not take the option ${name}: ${instead}`)
  }
  if (/^ws\+unix:/i.test(Object(options).url))
    throw new NetError('unsupported', `connect: a browser can't reach a Unix socket: let the server bind 'host:port', and use a ws: url`)
  return new Client(check_options('connect', options, rules), browser_platform, open_socket)
}
