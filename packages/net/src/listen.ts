import { listen as listen_ws, type WsListenOptions, type WsServer } from '@bt/ws-server'
import { connection_type } from './connection_type.js'

/**
 * Starts a server of the kind that `type` names, and returns it at once; it is listening when
 * {@link WsServer.opened} resolves.
 *
 * `Data` is what `authorize` returns, and the type of `socket.data`. TypeScript reads options in order, so
 * write `authorize` before the callbacks that use it.
 *
 * @throws NetError `invalid_option`, naming the option, its value and what was expected
 */
export function listen<Data = undefined>(options: WsListenOptions<false, Data>): WsServer<Data>
/** The same if `binary` is `true`, or only known at run time: `data` is a `string` or a `Uint8Array`. */
export function listen<Data = undefined>(options: WsListenOptions<boolean, Data>): WsServer<Data>
export function listen(options: WsListenOptions<boolean>): WsServer {
  switch (connection_type('listen', options)) {
    case 'ws':
    case 'mem':
      return listen_ws(options)
  }
}
