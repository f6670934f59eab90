import { once } from 'node:events'
import { WebSocket } from 'ws'
import { listen, type WsListenOptions, type WsServer } from '../src/index.js'

const started: WsServer[] = []

/** Starts a server at a free port, unless `options` say another, without waiting until it listens. */
export function start(options: Partial<WsListenOptions> = {}): WsServer {
  const server = listen({ type: 'ws', bind: '127.0.0.1:0', ...options })
  started.push(server)
  return server
}

/** Starts a server, and waits until it listens. */
export async function start_open(options: Partial<WsListenOptions> = {}): Promise<WsServer> {
  const server = start(options)
  await server.opened
  return server
}

/** Closes whatever a test has started, and waits until it has closed. */
export async function stop_all(): Promise<void> {
  for (const server of started.splice(0)) await server[Symbol.asyncDispose]()
}

/** An open client of plain `ws`. */
export async function connect_client(
  server: WsServer,
  path = '/ws',
  options: object = {},
): Promise<WebSocket> {
  const url = server.addr.startsWith('unix:') ? `ws+${server.addr}:${path}` : `ws://${server.addr}${path}`
  const ws = new WebSocket(url, options)
  await once(ws, 'open')
  return ws
}
