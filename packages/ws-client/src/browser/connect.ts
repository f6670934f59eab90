import type { MessageData } from '@bt/ws-protocol'
import { check_options_with, list_known } from '@bt/ws-protocol/internal'
import { Client } from '../client/client.js'
import type { WsConnectOptions } from '../client/options.js'
import type { WsClient } from '../client/ws_client.js'
import { open_socket } from './open_socket.js'
import { browser_rules } from './options.js'
import { browser_platform } from './platform.js'
import { WebSocketPort } from './web_socket_port.js'

/**
 * Connects to a WebSocket server over the platform's own WebSocket; otherwise as in Node.
 *
 * @throws NetError `invalid_option`; `unsupported` for what only Node can do, with what to use instead
 */
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>> {
  const settings = check_options_with(list_known, 'connect', options, browser_rules)
  return new Client(settings, {
    platform: browser_platform,
    rules: browser_rules,
    open: (options, events) =>
      open_socket(
        options.url,
        () => new WebSocket(options.url, options.protocols),
        socket => new WebSocketPort(socket, options, events),
      ),
  })
}
