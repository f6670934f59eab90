import type { MessageData } from '@bt/ws-protocol'
import { check_options_with, list_known } from '@bt/ws-protocol/internal'
import { Client } from '../client/client.js'
import { headers_rule } from '../client/headers_rule.js'
import type { WsConnectOptions } from '../client/options.js'
import type { WsClient } from '../client/ws_client.js'
import { open_socket } from './open_socket.js'
import { browser_rules } from './options.js'
import { browser_platform } from './platform.js'
import { WebSocketPort } from './web_socket_port.js'

/** What the WebSocket of Deno and Bun takes as its second argument, beside a list of subprotocols. */
interface HandshakeInit {
  readonly headers: Readonly<Record<string, string>>
  readonly protocols: string[]
}

/** The global of Deno and Bun, which takes more than that of browsers. */
declare const WebSocket: new (
  url: string,
  init: string[] | HandshakeInit,
) => InstanceType<typeof globalThis.WebSocket>

const rules: typeof browser_rules = { ...browser_rules, headers: headers_rule }

/**
 * Connects to a WebSocket server over the WebSocket of Deno or Bun, which sends `headers`; otherwise as in a
 * browser.
 *
 * @throws NetError `invalid_option`; `unsupported` for what only Node can do, with what to use instead
 */
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>> {
  const settings = check_options_with(list_known, 'connect', options, rules)
  return new Client(settings, {
    platform: browser_platform,
    rules,
    open: ({ url, protocols, headers, max_payload }, events) => {
      // Without headers, the call is the standard one, which versions that take no headers understand. Those
      // throw if they get an object, so headers are never dropped.
      const init = headers === undefined ? [...protocols] : { headers, protocols: [...protocols] }
      return open_socket(
        url,
        () => new WebSocket(url, init),
        socket => new WebSocketPort(socket, { url, max_payload }, events),
      )
    },
  })
}
