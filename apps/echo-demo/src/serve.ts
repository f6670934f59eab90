import type { WsServer } from '@bt/net'
import { type EchoServerOptions, start_echo_server } from './echo_server.js'
import { hints } from './hints.js'
import { say, style } from './print.js'
import { on_stop } from './stop.js'
import { url_of } from './url_of.js'

/** What follows `serve` on the command line. */
export type ServeArguments = Omit<EchoServerOptions, 'on_left'>

/** Serves until it is told to stop. Settles with the exit code. */
export async function run_serve(given: ServeArguments): Promise<number> {
  const server = start_echo_server(given)
  stop_when_told(server)
  if (!(await has_opened(server))) return 1
  const url = url_of(server.addr, given.route)
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
