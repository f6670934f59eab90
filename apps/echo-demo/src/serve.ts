import cluster from 'node:cluster'
import type { TlsListenOptions, WsServer } from '@bt/net'
import { cluster_of } from './cluster_of.js'
import { type EchoServerOptions, start_echo_server } from './echo_server.js'
import { hints } from './hints.js'
import { say, style } from './print.js'
import { on_stop } from './stop.js'
import { url_of } from './url_of.js'
import { Workers } from './workers.js'

/** What follows `serve` on the command line. */
export interface ServeArguments extends Omit<EchoServerOptions, 'cluster' | 'on_left' | 'origins' | 'tls'> {
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
  /** How many processes serve; left out: this one does. */
  readonly workers?: number
  /** The URL of the broker that makes all servers one that have the same. */
  readonly cluster?: string
}

/** How a server stops: for how long it answers, and over how long its clients are to come back. */
export interface Stopping {
  readonly drain_ms: number
  readonly spread_ms: number
}

/** How a server stops that was not told how. */
export const STOPPING: Stopping = { drain_ms: 5_000, spread_ms: 0 }

/** Beside what it may take to answer: for how long a worker that was told to end may send what is queued. */
const END_MS = 30_000

/**
 * Serves until it is told to stop. Settles with the exit code.
 *
 * @throws NetError `invalid_option` for what is not as `listen` expects it
 */
export async function run_serve(given: ServeArguments): Promise<number> {
  const broker = await cluster_of(given.cluster)
  if (given.workers !== undefined && cluster.isPrimary) return run_workers(given, given.workers)
  const { tlsCert, tlsKey, origin, drain: drain_ms, spread: spread_ms } = given
  // What is missing of the two, `listen` says.
  const tls = is_secure(given) ? ({ cert: tlsCert, key: tlsKey } as TlsListenOptions) : undefined
  const origins = origin?.includes('*') ? '*' : origin
  const server = start_echo_server({ ...given, tls, origins, cluster: broker })
  let is_closing = false
  const close = (): void => {
    if (!is_closing) close_in_order(server, { drain_ms, spread_ms })
    is_closing = true
  }
  on_stop(close)
  const opened = await has_opened(server)
  if (opened && cluster.isPrimary) say_listening(server.addr, given)
  else if (opened) be_worker(server.addr, close)
  await server.closed
  cluster.worker?.disconnect()
  return opened || is_closing ? 0 : 1
}

/** Tells the first process that this one listens, which tells it when to end. */
function be_worker(addr: string, close: () => void): void {
  process.on('message', close)
  // A terminal that goes tells all processes; what is to be done, the first one says.
  process.on('SIGHUP', () => {})
  process.send?.(addr)
}

/** Has several processes serve, each as {@link run_serve} does. */
async function run_workers(given: ServeArguments, count: number): Promise<number> {
  const workers = new Workers({ count, end_ms: given.drain + END_MS })
  let tell_stopped!: () => void
  const stopped = new Promise<void>(resolve => {
    tell_stopped = resolve
  })
  const is_stopping = on_stop(() => workers.stop().then(tell_stopped))
  process.on('SIGHUP', () => workers.restart())
  const addr = await workers.start()
  if (!is_stopping()) {
    if (addr === undefined) return 1
    say_listening(addr, given)
  }
  await stopped
  return 0
}

function say_listening(addr: string, given: ServeArguments): void {
  const url = url_of(addr, given.route, is_secure(given))
  say('server', `listening on ${style.bold(url)}`)
  const { binary, workers, cluster } = given
  process.stdout.write(
    hints(url, { is_binary: binary, has_workers: workers !== undefined, is_joined: cluster !== undefined }),
  )
}

function is_secure({ tlsCert, tlsKey }: ServeArguments): boolean {
  return tlsCert !== undefined || tlsKey !== undefined
}

/** Waits until a server listens. `false` where it can't, which its `on_error` was told, or where it was closed before. */
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
  server.close({ drain_ms, spread_ms, late: 'delivered' })
  server.closed.then(() => say('server', 'stopped'))
}
