import { listen, type TlsListenOptions, type WsServer } from '@bt/net'
import { how_closed } from './ending.js'
import { quoted } from './message_text.js'
import { say, say_error, style } from './print.js'
import { is_full, send_patiently } from './send_patiently.js'

/** What an echo server has to know. */
export interface EchoServerOptions {
  /** Where to listen, `'host:port'`. */
  readonly bind: string
  /** The path of the WebSocket. */
  readonly route: string
  /** Whether binary messages are taken too, and answered in kind. */
  readonly binary?: boolean
  /** The certificate and its key, where it speaks TLS. */
  readonly tls?: TlsListenOptions | undefined
  /** The pages that may connect, in place of those that may by default. */
  readonly origins?: readonly string[] | '*' | undefined
  /** Called when a client has gone. */
  readonly on_left?: () => void
}

/**
 * Starts the server: it sends 'welcome' to whoever connects, answers each message with 'echo:' before it, and prints all of it.
 *
 * @throws NetError `invalid_option` for a `bind`, a `route` or an origin that is none, or a certificate and a key that do not belong together
 */
export function start_echo_server({
  bind,
  route,
  binary = false,
  tls,
  origins,
  on_left,
}: EchoServerOptions): WsServer {
  return listen({
    type: 'ws',
    bind,
    route,
    binary,
    tls,
    origins,
    on_connect: socket => {
      say('server', `${style.bold(socket.addr)} connected; I send it ${quoted('welcome')}`)
      socket.send('welcome')
    },
    on_message: (socket, data) => {
      const answer = echo_of(data)
      say('server', `${style.bold(socket.addr)} says ${quoted(data)}; I answer ${quoted(answer)}`)
      return send_patiently(socket, answer)
    },
    on_close: (socket, info) => {
      say('server', `${style.bold(socket.addr)} is gone (${how_closed(info)})`)
      on_left?.()
    },
    on_error: error => {
      // A full queue is no error here: whoever reads slowly is waited for.
      if (!is_full(error)) say_error(error, error.socket?.addr)
    },
  })
}

function echo_of(data: string | Uint8Array): string | Uint8Array {
  return typeof data === 'string' ? `echo:${data}` : Buffer.concat([Buffer.from('echo:'), data])
}
