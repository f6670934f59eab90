import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as create_https_server } from 'node:https'
import { type AddressInfo, connect as connect_tcp, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A proxy on this machine, and what it was asked for. */
export interface ConnectProxy {
  readonly url: string
  /** The authority and the Proxy-Authorization of each CONNECT. */
  readonly asked: (readonly [authority: string, authorization: string | undefined])[]
  /** The number of connections to it that are open. */
  open_connections(): number
}

/** Answers a CONNECT. */
export type AnswerConnect = (socket: Duplex, request: IncomingMessage) => void

const running: Server[] = []
const sockets = new Set<Duplex>()

/** Stops all proxies. */
export function stop_proxies(): void {
  for (const socket of sockets) socket.destroy()
  for (const proxy of running.splice(0)) proxy.close()
}

/** Opens the tunnel, to this machine whatever the host. */
export const open_tunnel: AnswerConnect = (socket, { url = '' }) => {
  const through = connect_tcp(Number(url.split(':').at(-1)), '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    through.pipe(socket).pipe(through)
  })
  sockets.add(through)
  through.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'))
}

/** Refuses with a status and headers. */
export function refuse(status: string, headers = ''): AnswerConnect {
  return socket => void socket.end(`HTTP/1.1 ${status}\r\n${headers}Content-Length: 3\r\n\r\nno!`)
}

/** Starts a proxy, which speaks TLS if it has an identity. */
export async function start_proxy(
  answer: AnswerConnect = open_tunnel,
  identity?: { readonly cert: string; readonly key: string },
): Promise<ConnectProxy> {
  const asked: ConnectProxy['asked'] = []
  const connections = new Set<Socket>()
  const proxy = identity === undefined ? createServer() : create_https_server(identity)
  proxy.on('connection', (socket: Socket) => {
    connections.add(socket)
    sockets.add(socket)
    socket.on('close', () => connections.delete(socket))
  })
  proxy.on('connect', (request, socket) => {
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    asked.push([request.url ?? '', request.headers['proxy-authorization']])
    answer(socket, request)
  })
  running.push(proxy)
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  const url = `${identity === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  return { url, asked, open_connections: () => connections.size }
}
