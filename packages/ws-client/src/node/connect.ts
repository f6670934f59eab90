import { check_options, type MessageData } from '@bt/ws-protocol'
import { node_platform } from '@bt/ws-protocol/node'
import { Client } from '../client.js'
import type { WsConnectOptions } from '../options.js'
import type { WsClient } from '../ws_client.js'
import { open_socket } from './open_socket.js'
import { node_rules } from './options.js'
import { secure_settings } from './secure_settings.js'

/**
 * Starts to connect to a WebSocket server, and returns the client at once. What is sent before the connection is open waits in the
 * bounded queue; messages wait until somebody takes them; `on_open` and `on_error` have to be registered in the same turn.
 *
 * @throws NetError `invalid_option`, naming the option, the value got and what was expected
 */
export function connect(options: WsConnectOptions): WsClient
/** The same for a `binary` that is `true`, or not known before: `data` is a `string` or a `Uint8Array`. */
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>>
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>> {
  const settings = check_options('connect', options, node_rules)
  const secure = secure_settings(settings)
  return new Client(settings, node_platform, sink => open_socket(settings, secure, sink))
}
