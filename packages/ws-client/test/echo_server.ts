import { once } from 'node:events'
import { createServer as create_http_server, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

/** Something that listens, at `url`, until it is stopped. */
export interface Listening {
  readonly url: string
  stop(): void
}

const running: Listening[] = []

/** Stops whatever a test has started. */
export function stop_all(): void {
  for (const listening of running.splice(0)) listening.stop()
}

/**
 * A plain `ws` server, which does with each WebSocket what a test likes; `path` makes it listen on a Unix
 * socket.
 */
export async function start_ws_server(
  on_socket: (ws: WebSocket, request: IncomingMessage) => void,
  options: object = {},
  path?: string,
): Promise<Listening> {
  const http = create_http_server()
  const acceptor = new WebSocketServer({ server: http, ...options })
  acceptor.on('connection', (ws, request) => {
    ws.on('error', () => {})
    on_socket(ws, request)
  })
  if (path === undefined) http.listen(0, '127.0.0.1')
  else http.listen(path)
  await once(http, 'listening')
  const url =
    path === undefined ? `ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws` : `ws+unix:${path}:/ws`
  const stop = (): void => {
    for (const ws of acceptor.clients) ws.terminate()
    http.close()
  }
  return remember({ url, stop })
}

/** A plain HTTP server. */
export async function start_http_server(answer: RequestListener): Promise<Listening> {
  const http = create_http_server(answer).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const stop = (): void => {
    http.closeAllConnections()
    http.close()
  }
  return remember({ url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws`, stop })
}

/** A server on bare sockets. */
export async function start_raw_server(on_socket: (socket: Socket) => void): Promise<Listening> {
  const sockets = new Set<Socket>()
  const raw = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    on_socket(socket)
  }).listen(0, '127.0.0.1')
  await once(raw, 'listening')
  const stop = (): void => {
    for (const socket of sockets) socket.destroy()
    raw.close()
  }
  return remember({ url: `ws://127.0.0.1:${(raw.address() as AddressInfo).port}/ws`, stop })
}

function remember(listening: Listening): Listening {
  running.push(listening)
  return listening
}
