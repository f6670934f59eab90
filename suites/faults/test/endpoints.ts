import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as net from '@bt/net'
import { Journal } from '@bt/test-support/journal'
import { afterEach } from 'vitest'
import { RawServer } from '../src/raw_peer.ts'

const disposables: { [Symbol.asyncDispose](): Promise<void> }[] = []

/** Disposes of a resource after the test that created it, the latest one first. */
export function dispose_after_test<Resource extends { [Symbol.asyncDispose](): Promise<void> }>(
  resource: Resource,
): Resource {
  disposables.push(resource)
  return resource
}

afterEach(async () => {
  for (const resource of disposables.splice(0).reverse()) await resource[Symbol.asyncDispose]()
})

/** A socket of a server that has closed. */
export interface ClosedSocket {
  readonly socket: net.WsSocket
  readonly info: net.CloseInfo
}

/** A server, and what its callbacks have received. */
export interface WatchedServer {
  readonly server: net.WsServer
  readonly connects: Journal<net.WsSocket>
  readonly messages: Journal<string>
  readonly closes: Journal<ClosedSocket>
  readonly errors: Journal<net.WsServerError>
}

/** Starts a server, which echoes messages by default. */
export async function start_server(options: Partial<net.WsListenOptions> = {}): Promise<WatchedServer> {
  const connects = new Journal<net.WsSocket>()
  const messages = new Journal<string>()
  const closes = new Journal<ClosedSocket>()
  const errors = new Journal<net.WsServerError>()
  const server = net.listen({
    type: 'ws',
    bind: '127.0.0.1:0',
    heartbeat: false,
    close_timeout: 300,
    ...options,
    on_connect: socket => {
      connects.add(socket)
      return options.on_connect?.(socket)
    },
    on_message: (socket, data) => {
      messages.add(data)
      if (options.on_message !== undefined) return options.on_message(socket, data)
      socket.send(data)
    },
    on_close: (socket, info) => {
      closes.add({ socket, info })
      return options.on_close?.(socket, info)
    },
    on_error: err => {
      errors.add(err)
      options.on_error?.(err)
    },
  })
  dispose_after_test(server)
  await server.opened
  return { server, connects, messages, closes, errors }
}

/** A client, and what its callbacks have received. */
export interface WatchedClient {
  readonly ws: net.WsClient
  readonly opens: Journal<void>
  readonly messages: Journal<string>
  readonly closes: Journal<net.CloseInfo>
  readonly errors: Journal<net.NetError>
  readonly waits: Journal<net.ReconnectInfo>
}

export function start_client(url: string, options: Partial<net.WsConnectOptions> = {}): WatchedClient {
  const opens = new Journal<void>()
  const messages = new Journal<string>()
  const closes = new Journal<net.CloseInfo>()
  const errors = new Journal<net.NetError>()
  const waits = new Journal<net.ReconnectInfo>()
  const ws = net.connect({
    type: 'ws',
    url,
    heartbeat: false,
    close_timeout: 300,
    ...options,
    on_open: (opening: net.SessionOpening) => {
      opens.add()
      return options.on_open?.(opening)
    },
    on_message: data => {
      messages.add(data)
      return options.on_message?.(data)
    },
    on_close: info => {
      closes.add(info)
      return options.on_close?.(info)
    },
    on_error: err => {
      errors.add(err)
      options.on_error?.(err)
    },
    on_reconnecting: info => {
      waits.add(info)
      options.on_reconnecting?.(info)
    },
  })
  dispose_after_test(ws)
  return { ws, opens, messages, closes, errors, waits }
}

export function url_of(server: net.WsServer): string {
  return server.addr.startsWith('unix:') ? `ws+${server.addr}:/ws` : `ws://${server.addr}/ws`
}

/** Checks that a server still serves: a new client connects, gets a message echoed, and closes. */
export async function expect_serving(server: net.WsServer): Promise<void> {
  const { ws, messages, closes } = start_client(url_of(server))
  ws.send('are you there?')
  await messages.first(data => data === 'are you there?')
  ws.close()
  await closes.first()
}

/** Checks that this process still works: a new client connects to a new server. */
export async function expect_process_alive(): Promise<void> {
  const { server } = await start_server()
  await expect_serving(server)
}

export async function start_raw_server(): Promise<RawServer> {
  return dispose_after_test(await RawServer.start())
}

/**
 * Returns the `bind` of a Unix socket. The kernel buffers little for its connections, so almost all data is
 * in our queues.
 */
export function unix_bind(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bt-faults-'))
  dispose_after_test({
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true })
    },
  })
  return `unix:${join(folder, 'socket')}`
}
