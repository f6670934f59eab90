import { run_sample_client } from './client/sample_client.js'
import { start_echo_server } from './server/echo_server.js'
import { hints } from './server/hints.js'
import { close_in_order, has_opened, STOPPING } from './server/serve.js'
import { url_of } from './server/url_of.js'
import { say, style } from './shared/print.js'
import { on_stop } from './shared/stop.js'

/** The arguments of the command `demo`. */
export interface DemoArguments {
  /** The address to listen on, `'host:port'`. */
  readonly bind: string
  /** The path of the WebSocket. */
  readonly route: string
  /** The URL of the browser demo, if it is running too. */
  readonly page?: string
}

/**
 * Shows both sides: starts the server, runs the sample client against it, prints what to try next, and serves
 * until it is stopped. Resolves to the exit code.
 */
export async function run_demo({ bind, route, page }: DemoArguments): Promise<number> {
  let resolve_left!: () => void
  const first_left = new Promise<void>(resolve => {
    resolve_left = resolve
  })
  const server = start_echo_server({ bind, route, on_left: resolve_left })
  const is_stopping = on_stop(() => close_in_order(server, STOPPING))
  if (!(await has_opened(server))) return is_stopping() ? 0 : 1
  const url = url_of(server.addr, route)
  process.stdout.write(`\n${style.bold('A WebSocket server, and a client that talks to it:')}\n\n`)
  say('server', `listening on ${style.bold(url)}`)
  await run_sample_client(url)
  // The server sees the connection end a little later than the client; its line has to come before the hints.
  await Promise.race([first_left, server.closed])
  if (!is_stopping()) process.stdout.write(hints(url, { page }))
  await server.closed
  return 0
}
