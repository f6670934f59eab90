import './async_iterator.js'
import type { MessageData } from '@bt/ws-protocol'
import { check_options_with, list_known, protocols_rule } from '@bt/ws-protocol/internal'
import { open_socket } from '../browser/open_socket.js'
import { browser_rules } from '../browser/options.js'
import { Client } from '../client/client.js'
import { headers_rule } from '../client/headers_rule.js'
import type { WsConnectOptions } from '../client/options.js'
import type { WsClient } from '../client/ws_client.js'
import { react_native_platform } from './platform.js'
import { ReactNativePort } from './react_native_port.js'
import type { ReactNativeSocket } from './react_native_socket.js'

/** The global of React Native, which takes more than that of browsers. */
declare const WebSocket: new (
  url: string,
  protocols: string[] | undefined,
  options: { readonly headers: Readonly<Record<string, string>> },
) => ReactNativeSocket

/**
 * A URL for a WebSocket: scheme, credentials, host, port, path and query. The `URL` of React Native accepts
 * any text, and before version 0.80 has no `protocol`.
 */
const WEB_SOCKET_URL =
  /^wss?:\/\/(?:[^\s\\/?#@]*@)?(?:\[[\da-f:.]+\]|[^\s\\/?#@:[\]]+)(?::\d{1,5})?(?:[/?][^\s#]*)?$/i

const rules: typeof browser_rules = {
  ...browser_rules,
  // React Native checks neither of them.
  protocols: { ...protocols_rule, may_be_function: true },
  headers: headers_rule,
  url: {
    ...browser_rules.url,
    accepts: value => typeof value === 'string' && WEB_SOCKET_URL.test(value),
  },
}

/**
 * Connects to a WebSocket server over the WebSocket of React Native, which sends `headers`; otherwise as in a
 * browser.
 *
 * @throws NetError `invalid_option`; `unsupported` for what only Node can do, with what to use instead
 */
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>> {
  const settings = check_options_with(list_known, 'connect', options, rules)
  return new Client(settings, {
    platform: react_native_platform,
    rules,
    open: ({ url, protocols, headers, max_payload }, events) => {
      // An empty list would become an empty header on some versions.
      const offered = protocols.length > 0 ? [...protocols] : undefined
      return open_socket(
        url,
        () => new WebSocket(url, offered, { headers: { ...headers } }),
        socket => new ReactNativePort(socket, { url, protocols, max_payload }, events),
      )
    },
  })
}
