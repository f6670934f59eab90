import cluster from 'node:cluster'
import { cluster_of } from '@bt/demo-support/cluster_of'
import type { TlsListenOptions, WsServer } from '@bt/net'
import { say, style } from '../shared/print.js'
import { on_stop } from '../shared/stop.js'
import { type EchoServerOptions, start_echo_server } from './echo_server.js'
import { hints } from './hints.js'
import { url_of } from './url_of.js'
import { Workers } from './workers.js'

/** The arguments of the command `serve`. */
export interface ServeArguments extends Omit<EchoServerOptions, 'cluster' | 'on_left' | 'origins' | 'tls'> {
  /** The origins of the pages that may connect, or `*`. */
  readonly origin?: readonly string[]
  /** The certificate, in PEM, if the server speaks TLS. */
  readonly tlsCert?: Buffer
  /** The key of the certificate, in PEM. */
  readonly tlsKey?: Buffer
  /** How long pending messages may still be answered when the server stops, in milliseconds. */
  readonly drain: number
  /** The time over which clients are asked to reconnect afterwards, in milliseconds; 0 asks for nothing. */
  readonly spread: number
  /** The number of processes that serve; by default, only this one does. */
  readonly workers?: number
  /** The URL of the broker that joins all servers that use it. */
  readonly cluster?: string
}

/** How a server stops: how long it still answers, and over which time its clients are asked to reconnect. */
export interface Stopping {
  readonly drain_ms: number
  readonly spread_ms: number
}

/** How a server stops by default. */
export const STOPPING: Stopping = { drain_ms: 5_000, spread_ms: 0 }

/** The time that a stopping worker has to send what is queued, on top of its time to answer. */
const FLUSH_MS = 30_000

/**
 * Serves until it is stopped. Resolves to the exit code.
 *
 * @throws NetError `invalid_option` for an argument that `listen` rejects
 */
export async function run_serve(given: ServeArguments): Promise<number> {
  const broker = await cluster_of(given.cluster)
  if (given.workers !== undefined && cluster.isPrimary) return run_workers(given, given.workers)
  const { tlsCert, tlsKey, origin, drain: drain_ms, spread: spread_ms } = given
  // If one of the two is missing, `listen` reports it.
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
  else if (opened) run_as_worker(server.addr, close)
  await server.closed
  cluster.worker?.disconnect()
  return opened || is_closing ? 0 : 1
}

/** Reports to the primary process that this one listens; any message from the primary asks it to end. */
function run_as_worker(addr: string, close: () => void): void {
  process.on('message', close)
  // A closing terminal sends SIGHUP to every process, but only the primary decides what happens.
  process.on('SIGHUP', () => {})
  process.send?.(addr)
}

/** Starts several processes, each of which serves as {@link run_serve} does. */
async function run_workers(given: ServeArguments, count: number): Promise<number> {
  const workers = new Workers({ count, end_ms: given.drain + FLUSH_MS })
  let resolve_stopped!: () => void
  const stopped = new Promise<void>(resolve => {
    resolve_stopped = resolve
  })
  const is_stopping = on_stop(() => workers.stop().then(resolve_stopped))
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

/**
 * Waits until a server listens. `false` if it can't, which its `on_error` has reported, or if it was closed
 * before.
 */
export function has_opened(server: WsServer): Promise<boolean> {
  return server.opened.then(
    () => true,
    () => false,
  )
}

/** Closes a server in order, and prints what happens. */
export function close_in_order(server: WsServer, { drain_ms, spread_ms }: Stopping): void {
  const { size } = server.sockets
  const wait = drain_ms === 0 ? '' : ` answers may take ${drain_ms / 1000} s, then`
  const action =
    spread_ms === 0 ? 'closed (Close 1001)' : `asked to reconnect within ${spread_ms / 1000} s (Close 1012)`
  const plan = `;${wait} ${size} ${size === 1 ? 'client is' : 'clients are'} ${action}`
  say('server', `stopping${size === 0 ? '' : plan}`)
  server.close({ drain_ms, spread_ms, late: 'delivered' })
  server.closed.then(() => say('server', 'stopped'))
}
