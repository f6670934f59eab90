import type { TlsListenOptions, WsServer } from '@bt/net'
import { type EchoServerOptions, start_echo_server } from './echo_server.js'
import { hints } from './hints.js'
import { say, style } from './print.js'
import { on_stop } from './stop.js'
import { url_of } from './url_of.js'

/** What follows `serve` on the command line. */
export interface ServeArguments extends Omit<EchoServerOptions, 'on_left' | 'origins' | 'tls'> {
  /** The pages that may connect, each by its origin, or `*`. */
  readonly origin?: readonly string[]
  /** The certificate, in PEM, where it speaks TLS. */
  readonly tlsCert?: Buffer
  /** Its key. */
  readonly tlsKey?: Buffer
  /** For how long what clients have sent is answered when it stops, in milliseconds. */
  readonly drain: number
  /** Over how long its clients are to come back afterwards, in milliseconds; 0: they are told nothing. */
  readonly spread: number
}

/** How a server stops: for how long it answers, and over how long its clients are to come back. */
export interface Stopping {
  readonly drain_ms: number
  readonly spread_ms: number
}

/** How a server stops that was not told how. */
export const STOPPING: Stopping = { drain_ms: 5_000, spread_ms: 0 }

/**
 * Serves until it is told to stop. Settles with the exit code.
 *
 * @throws NetError `invalid_option` for what is not as `listen` expects it
 */
export async function run_serve({
  tlsCert,
  tlsKey,
  origin,
  drain: drain_ms,
  spread: spread_ms,
  ...given
}: ServeArguments): Promise<number> {
  const is_secure = tlsCert !== undefined || tlsKey !== undefined
  // What is missing of the two, `listen` says.
  const tls = is_secure ? ({ cert: tlsCert, key: tlsKey } as TlsListenOptions) : undefined
  const server = start_echo_server({ ...given, tls, origins: origin?.includes('*') ? '*' : origin })
  on_stop(() => close_in_order(server, { drain_ms, spread_ms }))
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

/** Closes a server in order, and says what happens. */
export function close_in_order(server: WsServer, { drain_ms, spread_ms }: Stopping): void {
  const { size } = server.sockets
  const wait = drain_ms === 0 ? '' : ` answers may take ${drain_ms / 1000} s, then`
  const back = spread_ms === 0 ? ' (Close 1001)' : ` to come back within ${spread_ms / 1000} s (Close 1012)`
  const told = `;${wait} ${size} ${size === 1 ? 'client is' : 'clients are'} told${back}`
  say('server', `stopping${size === 0 ? '' : told}`)
  server.close({ drain_ms, spread_ms })
  server.closed.then(() => say('server', 'stopped'))
}
