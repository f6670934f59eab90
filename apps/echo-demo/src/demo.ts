import { start_echo_server } from './echo_server.js'
import { hints } from './hints.js'
import { say, style } from './print.js'
import { run_sample_client } from './sample_client.js'
import { close_in_order, has_opened, STOPPING } from './serve.js'
import { on_stop } from './stop.js'
import { url_of } from './url_of.js'

/** What follows `demo` on the command line. */
export interface DemoArguments {
  /** Where to listen, `'host:port'`. */
  readonly bind: string
  /** The path of the WebSocket. */
  readonly route: string
  /** A page that runs beside it. */
  readonly page?: string
}

/**
 * Shows both sides: starts the server, lets the sample client talk to it, says what to try next, and serves until it is told to
 * stop. Settles with the exit code.
 */
export async function run_demo({ bind, route, page }: DemoArguments): Promise<number> {
  let tell_left!: () => void
  const first_left = new Promise<void>(resolve => {
    tell_left = resolve
  })
  const server = start_echo_server({ bind, route, on_left: tell_left })
  const is_stopping = on_stop(() => close_in_order(server, STOPPING))
  if (!(await has_opened(server))) return is_stopping() ? 0 : 1
  const url = url_of(server.addr, route)
  process.stdout.write(`\n${style.bold('A WebSocket server, and a client that talks to it:')}\n\n`)
  say('server', `listening on ${style.bold(url)}`)
  await run_sample_client(url)
  // The server hears of the end a little later than the client: its line comes before the hints.
  await Promise.race([first_left, server.closed])
  if (!is_stopping()) process.stdout.write(hints(url, { page }))
  await server.closed
  return 0
}
