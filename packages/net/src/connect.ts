import { connect as connect_ws, type WsClient, type WsConnectOptions } from '@bt/ws-client'
import type { MessageData } from '@bt/ws-protocol'
import { connection_type } from './connection_type.js'

/**
 * Starts to connect to a server of the kind that `type` names, and returns the client at once. What is sent before the connection
 * is open waits in the bounded queue; messages wait until somebody takes them; `on_open` and `on_error` have to be registered in the
 * same turn.
 *
 * @throws NetError `invalid_option`, naming the option, the value got and what was expected
 */
export function connect(options: WsConnectOptions): WsClient
/** The same for a `binary` that is `true`, or not known before: `data` is a `string` or a `Uint8Array`. */
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>>
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>> {
  switch (connection_type('connect', options)) {
    case 'ws':
      return connect_ws(options)
  }
}
