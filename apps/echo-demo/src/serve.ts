import type { TlsListenOptions, WsServer } from '@bt/net'
import { type EchoServerOptions, start_echo_server } from './echo_server.js'
import { hints } from './hints.js'
import { say, style } from './print.js'
import { on_stop } from './stop.js'
import { url_of } from './url_of.js'

/** What follows `serve` on the command line. */
export interface ServeArguments extends Omit<EchoServerOptions, 'on_left' | 'tls'> {
  /** The certificate, in PEM, where it speaks TLS. */
  readonly tlsCert?: Buffer
  /** Its key. */
  readonly tlsKey?: Buffer
}

/**
 * Serves until it is told to stop. Settles with the exit code.
 *
 * @throws NetError `invalid_option` for what is not as `listen` expects it
 */
export async function run_serve({ tlsCert, tlsKey, ...given }: ServeArguments): Promise<number> {
  const is_secure = tlsCert !== undefined || tlsKey !== undefined
  // What is missing of the two, `listen` says.
  const tls = is_secure ? ({ cert: tlsCert, key: tlsKey } as TlsListenOptions) : undefined
  const server = start_echo_server({ ...given, tls })
  stop_when_told(server)
  if (!(await has_opened(server))) return 1
  const url = url_of(server.addr, given.route, is_secure)
  say('server', `listening on ${style.bold(url)}`)
  process.stdout.write(hints(url, { is_binary: given.binary }))
  await server.closed
  return 0
}

/** Waits until a server listens. `false` where it can't, which its `on_error` was told. */
export function has_opened(server: WsServer): Promise<boolean> {
  return server.opened.then(
    () => true,
    () => false,
  )
}

/** Closes a server in order at Ctrl-C, SIGTERM, or when nobody reads its output any more. */
export function stop_when_told(server: WsServer): void {
  on_stop(() => {
    const { size } = server.sockets
    const told = `; ${size} ${size === 1 ? 'client is' : 'clients are'} told (Close 1001)`
    say('server', `stopping${size === 0 ? '' : told}`)
    server.close()
    server.closed.then(() => say('server', 'stopped'))
  })
}
