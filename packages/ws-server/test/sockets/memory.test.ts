import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, expect, it } from 'vitest'
import { listen, type WsListenOptions, type WsServer } from '../../src/index.js'
import { aborted } from '../aborted.js'
import { masked_frame, RawClient } from '../raw_client.js'
import { collect_garbage } from './heap.js'

let http: Server
let server: WsServer
/** The arguments of each `upgrade` event. */
let requests: WeakRef<IncomingMessage>[]
let streams: WeakRef<Duplex>[]

/** Starts a server, and keeps weak references to the parts of its handshakes. */
async function start(options: Partial<WsListenOptions>): Promise<string> {
  requests = []
  streams = []
  http = createServer()
  http.on('upgrade', (request: IncomingMessage, stream: Duplex) => {
    requests.push(new WeakRef(request))
    streams.push(new WeakRef(stream))
  })
  server = listen({ type: 'ws', server: http, ...options })
  http.listen(0, '127.0.0.1')
  await server.opened
  return `127.0.0.1:${(http.address() as AddressInfo).port}`
}

/**
 * Returns whether all of these are collected. A turn of the event loop may hold objects until the next turns.
 */
async function are_garbage(refs: readonly WeakRef<object>[]): Promise<boolean> {
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise(resolve => setImmediate(resolve))
    collect_garbage()
    if (refs.every(ref => ref.deref() === undefined)) return true
  }
  return false
}

afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await new Promise(resolve => http.close(resolve))
})

it.each([
  ['without authorize', {}],
  ['with one that answers later', { authorize: async () => 'in' }],
  ['with every limit', { max_connections_per_ip: 5, max_handshakes_per_second: 5, trust_proxy: true }],
] as const)('an idle connection keeps nothing of its request, %s', async (_name, options) => {
  const addr = await start(options)
  const clients = [await RawClient.upgraded(addr), await RawClient.upgraded(addr)]
  expect(requests).toHaveLength(2)
  expect(await are_garbage(requests)).toBe(true)
  expect(server.sockets.size).toBe(2)
  for (const client of clients) client.socket.destroy()
})

it('nothing keeps a socket that has ended, though it was the last to send something', async () => {
  const got = deferred()
  const left = deferred()
  const addr = await start({ on_message: () => got.resolve(), on_close: () => left.resolve() })
  const client = await RawClient.upgraded(addr)
  client.socket.write(masked_frame(0x81, Buffer.from('last')))
  await got.promise
  client.socket.destroy()
  await left.promise
  expect(await are_garbage(streams)).toBe(true)
})

it('an authorize that never settles keeps nothing of a client that has left', async () => {
  const signal = deferred<AbortSignal>()
  const never = deferred()
  const addr = await start({
    authorize: request => {
      signal.resolve(request.signal)
      return never.promise
    },
  })
  const client = RawClient.ask(addr)
  const gone = aborted(await signal.promise)
  client.socket.destroy()
  await gone
  expect(await are_garbage([...requests, ...streams])).toBe(true)
  never.resolve()
})
