import { listen as listen_ws, type WsListenOptions, type WsServer } from '@bt/ws-server'
import { connection_type } from './connection_type.js'

/**
 * Starts a server of the kind that `type` names, and returns it at once; it listens when {@link WsServer.opened} has settled.
 *
 * `Data` is what `authorize` returns, and the type of `socket.data`. TypeScript reads options in order, so `authorize` has to stand before the
 * callbacks that use it.
 *
 * @throws NetError `invalid_option`, naming the option, the value got and what was expected
 */
export function listen<Data = undefined>(options: WsListenOptions<false, Data>): WsServer<Data>
/** The same for a `binary` that is `true`, or not known before: `data` is a `string` or a `Uint8Array`. */
export function listen<Data = undefined>(options: WsListenOptions<boolean, Data>): WsServer<Data>
export function listen(options: WsListenOptions<boolean>): WsServer {
  switch (connection_type('listen', options)) {
    case 'ws':
      return listen_ws(options)
  }
}
