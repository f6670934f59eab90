import { NetError } from '@bt/ws-protocol'
import { check_options } from '@bt/ws-protocol/internal'
import { allow_many_listeners, select_environment } from '@bt/ws-protocol/internal/node'
import { BIND_EXPECTED } from './http/bind_address.js'
import { type ListenSettings, listen_rules, type WsListenOptions } from './options.js'
import { Server } from './server.js'
import { check_identity } from './sessions/sessions_option.js'
import type { WsServer } from './ws_server.js'

/** What to write for the options of other libraries, and for those of `connect`. */
const HINTS: Readonly<Record<string, string>> = {
  port: "give bind: 'host:port', such as '127.0.0.1:8081'",
  host: "give bind: 'host:port', such as '127.0.0.1:8081'",
  hostname: "give bind: 'host:port', such as '127.0.0.1:8081'",
  address: "give bind: 'host:port', such as '127.0.0.1:8081'",
  addr: "give bind: 'host:port', such as '127.0.0.1:8081'",
  path: "give route, such as '/ws'",
  cors: "give origins, such as ['https://example.com']",
  verifyClient: 'give authorize, and origins',
  max_message: 'give max_payload, in bytes',
  on_open: 'give on_connect',
  on_connection: 'give on_connect',
  url: "give bind: 'host:port', and route; connect has url",
  reconnect: 'it is an option of connect: clients reconnect',
  session: 'give sessions; connect has session',
}

/**
 * Starts a WebSocket server, and returns it at once; it is listening when {@link WsServer.opened} resolves.
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
  const settings = check_options('listen', options, listen_rules, HINTS)
  check_address_options(settings)
  check_identity(settings.sessions, settings.authorize)
  allow_many_listeners(settings.signal)
  return new Server(settings, select_environment('listen', settings))
}

/**
 * Checks that the options name either an address to bind or a server to share, which has its own TLS
 * settings.
 */
function check_address_options({ type, bind, server, tls }: ListenSettings): void {
  if (tls !== undefined && server !== undefined)
    throw new NetError(
      'invalid_option',
      'listen: the options tls and server exclude each other; share a server of https.createServer(), which has its own certificate',
    )
  if (bind !== undefined && server !== undefined)
    throw new NetError(
      'invalid_option',
      'listen: the options bind and server exclude each other; give bind for a server of its own, or server to share one',
    )
  if (type === 'mem' && server !== undefined)
    throw new NetError(
      'invalid_option',
      "listen: the option server is an http server on the machine's own network; give bind with the type 'mem'",
    )
  if (bind === undefined && server === undefined)
    throw new NetError(
      'invalid_option',
      `listen: the option bind is missing; expected ${BIND_EXPECTED}; or give server, an http server to share`,
    )
}
