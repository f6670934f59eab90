import { listen as listen_ws, type WsListenOptions, type WsServer } from '@bt/ws-server'
import { connection_type } from './connection_type.js'

/**
 * Starts a server of the kind that `type` names, and returns it at once; it listens when {@link WsServer.opened} has settled.
 *
 * @throws NetError `invalid_option`, naming the option, the value got and what was expected
 */
export function listen<Binary extends boolean = false>(options: WsListenOptions<Binary>): WsServer {
  switch (connection_type('listen', options)) {
    case 'ws':
      return listen_ws(options)
  }
}
