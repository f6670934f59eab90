import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as net from '@bt/net'
import { Journal } from '@bt/test-support/journal'
import { afterEach } from 'vitest'
import { WireServer } from '../src/wire.ts'

const started: { [Symbol.asyncDispose](): Promise<void> }[] = []

/** Ends what a test has started when the test has ended. */
export function also_end<Thing extends { [Symbol.asyncDispose](): Promise<void> }>(thing: Thing): Thing {
  started.push(thing)
  return thing
}

afterEach(async () => {
  for (const thing of started.splice(0).reverse()) await thing[Symbol.asyncDispose]()
})

/** How a socket of a server ended. */
export interface Left {
  readonly socket: net.WsSocket
  readonly info: net.CloseInfo
}

/** A server of ours, and what it told. Unless told otherwise it echoes. */
export interface WatchedServer {
  readonly server: net.WsServer
  readonly connects: Journal<net.WsSocket>
  readonly messages: Journal<string>
  readonly closes: Journal<Left>
  readonly errors: Journal<net.WsServerError>
}

export async function start_server(options: Partial<net.WsListenOptions> = {}): Promise<WatchedServer> {
  const connects = new Journal<net.WsSocket>()
  const messages = new Journal<string>()
  const closes = new Journal<Left>()
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
  also_end(server)
  await server.opened
  return { server, connects, messages, closes, errors }
}

/** A client of ours, and what it told. */
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
    on_open: () => {
      opens.add()
      return options.on_open?.()
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
  also_end(ws)
  return { ws, opens, messages, closes, errors, waits }
}

export function url_of(server: net.WsServer): string {
  return server.addr.startsWith('unix:') ? `ws+${server.addr}:/ws` : `ws://${server.addr}/ws`
}

/** Proves that a server goes on serving others: one comes, says something, hears it, and leaves. */
export async function serves_others(server: net.WsServer): Promise<void> {
  const { ws, messages, closes } = start_client(url_of(server))
  ws.send('is anybody there?')
  await messages.first(data => data === 'is anybody there?')
  ws.close()
  await closes.first()
}

/** Proves that a client's process goes on: another client of ours gets through to a server of ours. */
export async function goes_on(): Promise<void> {
  const { server } = await start_server()
  await serves_others(server)
}

export async function start_wire_server(): Promise<WireServer> {
  return also_end(await WireServer.start())
}

/** A Unix socket: the kernel holds little for each of its connections, and it is the queues that count. */
export function unix_bind(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bt-faults-'))
  also_end({
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true })
    },
  })
  return `unix:${join(folder, 'socket')}`
}
