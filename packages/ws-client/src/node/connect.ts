import type { MessageData } from '@bt/ws-protocol'
import { check_options } from '@bt/ws-protocol/internal'
import { allow_many_listeners, node_platform } from '@bt/ws-protocol/internal/node'
import { Client } from '../client/client.js'
import type { WsConnectOptions } from '../client/options.js'
import type { WsClient } from '../client/ws_client.js'
import { open_socket } from './open_socket.js'
import { node_rules } from './options.js'
import { read_refusal } from './refusal_hint.js'
import { secure_settings } from './secure_settings.js'

/**
 * Connects to a WebSocket server, and returns the client at once. Messages sent before the connection is open
 * wait in the bounded queue, and received ones until something takes them; register `on_open` and `on_error`
 * in the same turn.
 *
 * @throws NetError `invalid_option`, naming the option, its value and what was expected
 */
export function connect(options: WsConnectOptions): WsClient
/** The same if `binary` is `true`, or only known at run time: `data` is a `string` or a `Uint8Array`. */
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>>
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>> {
  const settings = check_options('connect', options, node_rules)
  const secure = secure_settings(settings)
  allow_many_listeners(settings.signal)
  return new Client(settings, node_platform, events => open_socket(settings, secure, events), read_refusal)
}
