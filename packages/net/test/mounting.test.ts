import { once } from 'node:events'
import { get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { createServer as create_vite } from 'vite'
import { afterEach, describe, expect, it } from 'vitest'
import { connect, type HttpServerLike, listen, refuse, type WsServer } from '../src/index.js'

/** Functions that end what a test has started, called in reverse order. */
const ends: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Mounts `/chat` and `/echo`, which echo messages with their name in front. */
async function mount_two(server: HttpServerLike): Promise<WsServer[]> {
  const mounted = ['/chat', '/echo'].map(route =>
    listen({ type: 'ws', server, route, on_message: (socket, data) => socket.send(`${route} ${data}`) }),
  )
  for (const server of mounted) ends.push(() => server[Symbol.asyncDispose]())
  await Promise.all(mounted.map(server => server.opened))
  return mounted
}

/** Returns the reply of each of the two to `hello`. */
function hello_to_both(addr: string): Promise<string[]> {
  return Promise.all(['/chat', '/echo'].map(path => hello(`ws://${addr}${path}`)))
}

async function hello(url: string): Promise<string> {
  const client = connect({ type: 'ws', url, on_error: () => {} })
  client.send('hello')
  for await (const data of client) {
    client.close()
    return data
  }
  throw new Error(`${url} said nothing`)
}

/** The text of a page, and its status. */
async function page(url: string): Promise<[number | undefined, string]> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage]
  return [response.statusCode, Buffer.concat(await response.toArray()).toString()]
}

function addr_of(server: Server): string {
  const { port } = server.address() as AddressInfo
  return `127.0.0.1:${port}`
}

describe('two routes mounted beside', () => {
  it('Express work on one port with its pages, and an unknown path is answered 404', async () => {
    const app = express()
    app.get('/chat', (_request, response) => {
      response.send('a page about chat')
    })
    const http = app.listen(0, '127.0.0.1')
    ends.push(() => new Promise(resolve => http.close(resolve)))
    const [chat] = await mount_two(http)
    const addr = addr_of(http)
    expect(chat?.addr).toBe(addr)
    expect(await hello_to_both(addr)).toEqual(['/chat hello', '/echo hello'])
    expect(await page(`http://${addr}/chat`)).toEqual([200, 'a page about chat'])
    expect((await page(`http://${addr}/other`))[0]).toBe(404)
    const lost = connect({ type: 'ws', url: `ws://${addr}/other`, on_error: () => {} })
    await expect(lost.opened).rejects.toMatchObject({ code: 'handshake_refused', message: /404/ })
  })

  it('Fastify work on one port with its routes, mounted before it listens', async () => {
    const app = fastify()
    app.get('/chat', async () => ({ page: 'chat' }))
    ends.push(() => app.close())
    const mounted = mount_two(app.server)
    await app.listen({ port: 0, host: '127.0.0.1' })
    await mounted
    const addr = addr_of(app.server)
    expect(await hello_to_both(addr)).toEqual(['/chat hello', '/echo hello'])
    expect(await page(`http://${addr}/chat`)).toEqual([200, '{"page":"chat"}'])
  })

  it('Vite work on one port with its pages and its own WebSocket, which stays open beside them', async () => {
    const vite = await create_vite({
      configFile: false,
      root: import.meta.dirname,
      appType: 'custom',
      logLevel: 'silent',
      server: { host: '127.0.0.1', port: 0, strictPort: false, watch: null },
      optimizeDeps: { noDiscovery: true },
    })
    ends.push(() => vite.close())
    const { httpServer: http } = vite
    if (http === null) throw new Error('this Vite has no server of its own')
    const mounted = mount_two(http)
    await vite.listen()
    await mounted
    const addr = addr_of(http as Server)
    const hmr = connect({
      type: 'ws',
      url: `ws://${addr}/?token=${vite.config.webSocketToken}`,
      protocols: ['vite-hmr'],
    })
    ends.push(() => hmr[Symbol.asyncDispose]())
    const updates = hmr[Symbol.asyncIterator]()
    expect(JSON.parse(String((await updates.next()).value))).toMatchObject({ type: 'connected' })
    expect(await hello_to_both(addr)).toEqual(['/chat hello', '/echo hello'])
    vite.ws.send({ type: 'full-reload' })
    expect(JSON.parse(String((await updates.next()).value))).toMatchObject({ type: 'full-reload' })
    expect(hmr.state).toBe('open')
  })
})

describe('authorize, from the client’s side', () => {
  it('shows the status of a refusal and its words, and is passed by a client with the right header', async () => {
    const server = listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      authorize: async ({ headers }) => {
        if (headers.authorization === undefined) return refuse(401, 'say who you are')
        return { user: headers.authorization }
      },
      on_connect: socket => socket.send(`welcome ${socket.data.user}`),
    })
    ends.push(() => server[Symbol.asyncDispose]())
    await server.opened
    const url = `ws://${server.addr}/ws`
    const stranger = connect({ type: 'ws', url, on_error: () => {} })
    await expect(stranger.opened).rejects.toMatchObject({
      code: 'handshake_refused',
      message: expect.stringMatching(/401.*say who you are/s),
    })
    const ada = connect({ type: 'ws', url, headers: { Authorization: 'ada' } })
    for await (const data of ada) {
      expect(data).toBe('welcome ada')
      ada.close()
    }
  })
})
