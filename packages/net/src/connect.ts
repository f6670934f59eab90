import { connect as connect_ws, type WsClient, type WsConnectOptions } from '@bt/ws-client'
import type { MessageData } from '@bt/ws-protocol'
import { connection_type } from './connection_type.js'

/**
 * Connects to a server of the kind that `type` names, and returns the client at once. Messages sent before
 * the connection is open wait in the bounded queue, and received ones until something takes them; register
 * `on_open` and `on_error` in the same turn.
 *
 * @throws NetError `invalid_option`, naming the option, its value and what was expected
 */
export function connect(options: WsConnectOptions): WsClient
/** The same if `binary` is `true`, or only known at run time: `data` is a `string` or a `Uint8Array`. */
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>>
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>> {
  switch (connection_type('connect', options)) {
    case 'ws':
    case 'mem':
      return connect_ws(options)
  }
}
