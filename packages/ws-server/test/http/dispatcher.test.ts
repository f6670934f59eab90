import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as create_https } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { listen, type WsListenOptions, type WsServer, type WsServerError } from '../../src/index.js'
import { handshake_lines, RawClient } from '../raw_client.js'

const errors: WsServerError[] = []
const mounted: WsServer[] = []
const servers: Server[] = []

/** An http server that answers `page` to plain requests. */
function http_server(): Server {
  const server = createServer((_request, response) => response.end('page'))
  servers.push(server)
  return server
}

/** An http server that listens. */
async function open_http(): Promise<Server> {
  const server = http_server()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Mounts a server that echoes messages with its route in front. */
function mount(http: Server, route: string, options: Partial<WsListenOptions> = {}): WsServer {
  const server = listen({
    type: 'ws',
    server: http,
    route,
    on_message: (socket, data) => socket.send(`${route} ${data}`),
    on_error: err => errors.push(err),
    ...options,
  })
  mounted.push(server)
  return server
}

function addr_of(server: Server): string {
  const { address, port } = server.address() as AddressInfo
  return `${address}:${port}`
}

/** Returns the reply to `hello` at `path`. */
async function echo(server: Server, path: string): Promise<string> {
  const ws = new WebSocket(`ws://${addr_of(server)}${path}`)
  await once(ws, 'open')
  ws.send('hello')
  const [data] = await once(ws, 'message')
  ws.terminate()
  return String(data)
}

/** The status that a handshake at `path` is answered with. */
async function status_of(server: Server, path: string): Promise<number> {
  const client = RawClient.ask(addr_of(server), { start: `GET ${path} HTTP/1.1` })
  const header = await client.header()
  client.socket.destroy()
  return Number(header.split(' ')[1])
}

afterEach(async () => {
  for (const server of mounted.splice(0)) await server[Symbol.asyncDispose]()
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.()
    if (server.listening) await new Promise(resolve => server.close(resolve))
  }
  expect(errors.splice(0)).toEqual([])
})

describe('mounted on an http server', () => {
  it('several routes work on one port, and the http server still answers plain requests', async () => {
    const http = await open_http()
    mount(http, '/a')
    mount(http, '/b')
    expect(await Promise.all([echo(http, '/a'), echo(http, '/b?x=1')])).toEqual(['/a hello', '/b hello'])
    for (const path of ['/', '/a']) {
      const [response] = (await once(get(`http://${addr_of(http)}${path}`), 'response')) as [IncomingMessage]
      expect(response.statusCode).toBe(200)
      response.resume()
      await once(response, 'close')
    }
  })

  it('has one upgrade listener, and none after the last route is removed', async () => {
    const http = await open_http()
    const of_its_own = http.listenerCount('listening')
    const [a, b] = [mount(http, '/a'), mount(http, '/b')]
    expect(http.listenerCount('upgrade')).toBe(1)
    await a[Symbol.asyncDispose]()
    expect(http.listenerCount('upgrade')).toBe(1)
    expect(await echo(http, '/b')).toBe('/b hello')
    await b[Symbol.asyncDispose]()
    expect(http.listenerCount('upgrade')).toBe(0)
    expect(http.listenerCount('listening')).toBe(of_its_own)
    expect(http.listening).toBe(true)
    mount(http, '/b')
    expect(await echo(http, '/b')).toBe('/b hello')
  })

  it.each(['/a', '/%61'])('refuses the same route twice, written as %s, and names it', async route => {
    const http = await open_http()
    mount(http, '/a')
    expect(() => mount(http, route)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringMatching(
          new RegExp(`route is "${route}", and this server has that route already`),
        ),
      }),
    )
    expect(http.listenerCount('upgrade')).toBe(1)
    expect(await echo(http, '/a')).toBe('/a hello')
  })

  it.each([
    ['/rooms/:room', '/rooms/:name'],
    ['/:a/x/:b', '/:b/%78/:a'],
  ])('refuses %s and %s, which match the same paths, and names both', async (first, second) => {
    const http = await open_http()
    mount(http, first)
    expect(() => mount(http, second)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: `listen: the option route is "${second}", and this server has that route already as "${first}"; close the other one first, or choose another route`,
      }),
    )
  })

  it.each([false, true])(
    'a text goes before a parameter, from the left, in whatever order they are mounted: %j',
    async is_reversed => {
      const http = await open_http()
      const routes = ['/:a/:b', '/:a/lobby', '/rooms/:room', '/rooms/lobby', '/:a', '/%3F/lobby']
      for (const route of is_reversed ? routes.reverse() : routes) mount(http, route)
      const paths = [
        '/x/y',
        '/x/lobby',
        '/rooms/y',
        '/rooms/lobby',
        '/rooms',
        '/%3F/lobby',
        '/r%6foms/%6cobby',
      ]
      expect(await Promise.all(paths.map(path => echo(http, path)))).toEqual([
        '/:a/:b hello',
        '/:a/lobby hello',
        '/rooms/:room hello',
        '/rooms/lobby hello',
        '/:a hello',
        '/%3F/lobby hello',
        '/rooms/lobby hello',
      ])
      expect(await status_of(http, '/rooms/')).toBe(404)
    },
  )

  it('a route with parameters is free as soon as its server closes, also under other names', async () => {
    const http = await open_http()
    mount(http, '/rooms/:room').close()
    mount(http, '/rooms/:name')
    expect(await echo(http, '/rooms/a')).toBe('/rooms/:name hello')
  })

  it('accepts the same route on another http server', async () => {
    const [one, two] = [await open_http(), await open_http()]
    mount(one, '/a')
    mount(two, '/a')
    expect(await echo(two, '/a')).toBe('/a hello')
  })

  it('frees its route as soon as close is called, while its own sockets close in order', async () => {
    const http = await open_http()
    const old = mount(http, '/a')
    const ws = new WebSocket(`ws://${addr_of(http)}/a`)
    await once(ws, 'open')
    ws.pause()
    old.close()
    mount(http, '/a', { on_message: socket => socket.send('new') })
    expect(await echo(http, '/a')).toBe('new')
    ws.resume()
    const [code] = await once(ws, 'close')
    expect(code).toBe(1001)
    await old.closed
    expect(await echo(http, '/a')).toBe('new')
  })

  it('answers 503 at its route while it closes, so that a client comes back', async () => {
    const http = await open_http()
    const release = deferred()
    const server = mount(http, '/a', { on_close: () => release.promise })
    const ws = new WebSocket(`ws://${addr_of(http)}/a`)
    await once(ws, 'open')
    server.close()
    expect(await status_of(http, '/a')).toBe(503)
    expect(server.stats().refused.shutting_down).toBe(1)
    release.resolve()
    await server.closed
  })

  it('leaves other paths to other listeners, even ones added later', async () => {
    const http = await open_http()
    const server = mount(http, '/a')
    expect(await status_of(http, '/other')).toBe(404)
    expect(server.stats().refused.wrong_path).toBe(1)
    const other = new WebSocketServer({ noServer: true })
    other.on('connection', ws => ws.on('message', data => ws.send(`other ${data}`)))
    http.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      if (request.url === '/other')
        other.handleUpgrade(request, stream, head, ws => other.emit('connection', ws))
    })
    expect(await echo(http, '/other')).toBe('other hello')
    expect(await echo(http, '/a')).toBe('/a hello')
    http.removeAllListeners('upgrade')
  })

  it('counts a request for an unknown path once, at the first route', async () => {
    const http = await open_http()
    const [first, second] = [mount(http, '/a'), mount(http, '/b')]
    expect(await status_of(http, '/other')).toBe(404)
    expect([first, second].map(server => server.stats().refused.wrong_path)).toEqual([1, 0])
  })

  it('closes only its own sockets, and keeps the http server running', async () => {
    const http = await open_http()
    const [a, b] = [mount(http, '/a'), mount(http, '/b')]
    const [on_a, on_b] = [new WebSocket(`ws://${addr_of(http)}/a`), new WebSocket(`ws://${addr_of(http)}/b`)]
    await Promise.all([once(on_a, 'open'), once(on_b, 'open')])
    const ended = once(on_a, 'close')
    await a[Symbol.asyncDispose]()
    expect((await ended)[0]).toBe(1001)
    expect(b.sockets.size).toBe(1)
    expect(on_b.readyState).toBe(WebSocket.OPEN)
    on_b.terminate()
  })

  it('stays open when the http server closes, which waits until this server is closed', async () => {
    const http = await open_http()
    const server = mount(http, '/a')
    const ws = new WebSocket(`ws://${addr_of(http)}/a`)
    await once(ws, 'open')
    const http_closed = once(http, 'close')
    http.close()
    ws.send('still')
    const [data] = await once(ws, 'message')
    expect(String(data)).toBe('/a still')
    server.close()
    await Promise.all([server.closed, http_closed])
  })

  it('handles a handshake once, even if another listener has answered it before', async () => {
    const http = await open_http()
    http.on('upgrade', (_request: IncomingMessage, stream: Duplex) => stream.end('HTTP/1.1 418 \r\n\r\n'))
    const server = mount(http, '/a')
    expect(await RawClient.ask(addr_of(http), { start: 'GET /a HTTP/1.1' }).until_ended()).toBe(
      'HTTP/1.1 418 \r\n\r\n',
    )
    expect(server.sockets.size).toBe(0)
    http.removeAllListeners('upgrade')
  })
})

describe('mounted beside another listener for upgrade', () => {
  const TAKEN = 'HTTP/1.1 101 Switching Protocols\r\n\r\n'
  const unclaimed = { start: 'GET /other HTTP/1.1' }

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  interface Beside {
    readonly http: Server
    readonly server: WsServer
    /** The first request that the other listener gets. */
    readonly stream: Promise<Duplex>
  }

  /** Starts a server beside another listener, which was there before it or came later. */
  async function start_beside(when: 'before' | 'later', listener: (stream: Duplex) => void): Promise<Beside> {
    const http = await open_http()
    const { promise: stream, resolve } = deferred<Duplex>()
    const add = (): void => {
      http.on('upgrade', (request: IncomingMessage, duplex: Duplex) => {
        if (request.url !== '/other') return
        resolve(duplex)
        listener(duplex)
      })
    }
    if (when === 'before') add()
    const server = mount(http, '/a', { handshake_timeout: 10_000 })
    if (when === 'later') add()
    return { http, server, stream }
  }

  it.each([
    ['before', 'that only writes a log', () => {}],
    ['later', 'that only writes a log', () => {}],
    ['later', 'that only watches its end', (stream: Duplex) => stream.on('close', () => {})],
  ] as const)(
    'answers 404 after handshake_timeout what one that came %s, %s, leaves',
    async (when, _, listener) => {
      const { http, server, stream } = await start_beside(when, listener)
      const client = RawClient.ask(addr_of(http), unclaimed)
      await stream
      vi.advanceTimersByTime(9_999)
      expect(server.stats().refused.wrong_path).toBe(0)
      vi.advanceTimersByTime(1)
      expect(await client.until_ended()).toMatch(/^HTTP\/1\.1 404 /)
      expect(server.stats().refused.wrong_path).toBe(1)
      expect(await echo(http, '/a')).toBe('/a hello')
    },
  )

  it('answers 404 on a connection with earlier responses, even if the server closes in the meantime', async () => {
    const { http, server, stream } = await start_beside('later', () => {})
    const client = new RawClient(addr_of(http))
    client.send_lines(['GET /page HTTP/1.1', 'Host: a'])
    await client.header()
    await client.bytes('page'.length)
    client.send_lines(Object.values({ ...handshake_lines(), ...unclaimed }))
    await stream
    await server[Symbol.asyncDispose]()
    vi.advanceTimersByTime(10_000)
    expect(await client.until_ended()).toMatch(/^HTTP\/1\.1 404 /)
  })

  it('answers 426 to another upgrade at its own route', async () => {
    const { http } = await start_beside('later', () => {})
    const client = RawClient.ask(addr_of(http), { start: 'GET /a HTTP/1.1', Upgrade: 'Upgrade: h2c' })
    expect(await client.until_ended()).toMatch(/^HTTP\/1\.1 426 /)
  })

  it.each([
    ['before', 'has answered', (stream: Duplex) => stream.write(TAKEN)],
    ['later', 'has answered', (stream: Duplex) => stream.write(TAKEN)],
    ['before', 'answers later', (stream: Duplex) => process.nextTick(() => stream.write(TAKEN))],
    ['before', 'reads, and has not answered yet', (stream: Duplex) => stream.on('data', () => {})],
    ['later', 'waits for something to read of', (stream: Duplex) => stream.on('readable', () => {})],
    ['later', 'has paused', (stream: Duplex) => stream.pause()],
  ] as const)('leaves alone a request that a listener added %s %s', async (when, _, take) => {
    const { http, server, stream } = await start_beside(when, take)
    const client = RawClient.ask(addr_of(http), unclaimed)
    const taken = await stream
    await new Promise(setImmediate)
    vi.advanceTimersByTime(60_000)
    taken.end('the end')
    taken.resume()
    expect(await client.until_ended()).toMatch(/^(HTTP\/1\.1 101 Switching Protocols\r\n\r\n)?the end$/)
    expect(server.stats().refused.wrong_path).toBe(0)
  })

  it('lets the other listener end the request, and leaves no timer', async () => {
    const { http, stream } = await start_beside('later', duplex => duplex.end(TAKEN))
    const client = RawClient.ask(addr_of(http), unclaimed)
    expect(await client.until_ended()).toBe(TAKEN)
    const closed = new Promise(resolve => stream.then(duplex => duplex.on('close', resolve)))
    client.socket.destroy()
    ;(await stream).resume()
    await closed
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each(['before', 'after'])('a reset by the client %s the response has no effect', async when => {
    const { http, stream } = await start_beside('later', () => {})
    const client = RawClient.ask(addr_of(http), unclaimed)
    const left = await stream
    if (when === 'after') {
      vi.advanceTimersByTime(10_000)
      await client.header()
    }
    const closed = new Promise(resolve => left.on('close', resolve))
    client.socket.resetAndDestroy()
    await closed
    expect(vi.getTimerCount()).toBe(0)
    expect(await echo(http, '/a')).toBe('/a hello')
  })
})

describe('opened', () => {
  it('resolves for a server that listens already, and shows its address', async () => {
    const http = await open_http()
    const server = mount(http, '/a')
    expect(server.addr).toBe('')
    await server.opened
    expect(server.addr).toBe(addr_of(http))
  })

  it('resolves when the server listens later, even after a failed attempt', async () => {
    const taken = await open_http()
    const http = http_server()
    const server = mount(http, '/a')
    http.listen((taken.address() as AddressInfo).port, '127.0.0.1')
    await once(http, 'error')
    http.listen(0, '127.0.0.1')
    await server.opened
    expect(server.addr).toBe(addr_of(http))
    expect(await echo(http, '/a')).toBe('/a hello')
  })

  it('rejects when it is closed before the server listens, which then has no listener of it', async () => {
    const http = http_server()
    const of_its_own = http.listenerCount('listening')
    const server = mount(http, '/a')
    expect(http.listenerCount('listening')).toBe(of_its_own + 1)
    server.close()
    await expect(server.opened).rejects.toMatchObject({ code: 'closed' })
    await server.closed
    expect(http.listenerCount('upgrade')).toBe(0)
    expect(http.listenerCount('listening')).toBe(of_its_own)
  })

  it('does not hide errors of the server from its owner', () => {
    const http = http_server()
    mount(http, '/a')
    expect(http.listenerCount('error')).toBe(0)
  })

  it.skipIf(process.platform === 'win32')(
    'shows a Unix socket, and sockets on it have its address',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'bt-net-'))
      const path = join(folder, 'http.sock')
      const http = http_server()
      http.listen(path)
      const server = mount(http, '/ws')
      await server.opened
      expect(server.addr).toBe(`unix:${path}`)
      const client = await RawClient.upgraded(server.addr)
      expect([...server.sockets][0]?.addr).toBe(`unix:${path}`)
      client.socket.destroy()
      await server[Symbol.asyncDispose]()
      expect(existsSync(path)).toBe(true)
      await new Promise(resolve => http.close(resolve))
      rmSync(folder, { recursive: true })
    },
  )
})

describe('admission on a shared server', () => {
  it.each([
    ['127.0.0.1', 403],
    ['0.0.0.0', 101],
  ])(
    'on a server bound to %s, a page that calls it by a name of its own is answered %i',
    async (host, status) => {
      const http = http_server()
      http.listen(0, host)
      await once(http, 'listening')
      mount(http, '/ws')
      const addr = `127.0.0.1:${(http.address() as AddressInfo).port}`
      const client = RawClient.ask(addr, { Origin: 'Origin: http://a.example', Host: 'Host: a.example' })
      expect(await client.header()).toContain(` ${status} `)
      client.socket.destroy()
      expect(errors.splice(0)).toHaveLength(status === 403 ? 1 : 0)
    },
  )

  it('on a server that is handed its connections, the connection’s own address counts', async () => {
    const front = createServer()
    servers.push(front)
    const http = http_server()
    front.removeAllListeners('connection')
    front.on('connection', (stream: Socket) => http.emit('connection', stream))
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    mount(http, '/ws')
    const lines = { Origin: 'Origin: http://a.example', Host: 'Host: a.example' }
    expect(await RawClient.ask(addr_of(front), lines).header()).toContain(' 403 ')
    errors.splice(0)
  })

  it('leaves neither sockets nor listeners after many refused clients', async () => {
    const http = await open_http()
    const ends: Promise<unknown>[] = []
    http.on('connection', (stream: Socket) => ends.push(once(stream, 'close')))
    const server = mount(http, '/ws', { authorize: () => Promise.reject(new Error('no')) })
    const answers = await Promise.all(
      Array.from({ length: 300 }, () => RawClient.ask(addr_of(http)).until_ended()),
    )
    expect(answers.every(answer => answer.startsWith('HTTP/1.1 500 '))).toBe(true)
    expect(errors.splice(0)).toHaveLength(300)
    expect(server.stats()).toMatchObject({ sockets: 0, accepted: 0, refused: { handler_failed: 300 } })
    expect(ends).toHaveLength(300)
    await Promise.all(ends)
    const open = await new Promise(resolve => http.getConnections((_error, count) => resolve(count)))
    expect(open).toBe(0)
  })

  it('ends after handshake_timeout a refused client that neither reads nor leaves', async () => {
    const http = await open_http()
    const streams: Socket[] = []
    http.on('connection', (stream: Socket) => streams.push(stream))
    mount(http, '/ws', { handshake_timeout: 60, origins: [] })
    const client = RawClient.ask(addr_of(http), { Origin: 'Origin: http://localhost' })
    client.socket.allowHalfOpen = true
    client.socket.pause()
    await once(http, 'connection')
    await once(streams[0] as Socket, 'close')
    client.socket.destroy()
    errors.splice(0)
  })
})

describe('mounted on a server with TLS', () => {
  // A key that both sides know stands in for a certificate.
  const psk = Buffer.from('a key that both sides of this test know')
  const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2', pskCallback: () => psk } as const
  const client_tls: object = {
    ciphers: 'PSK',
    maxVersion: 'TLSv1.2',
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk, identity: 'test' }),
  }

  it.each([
    ['https', () => create_https(tls)],
    ['http/2 that takes HTTP/1 as well', () => createSecureServer({ ...tls, allowHTTP1: true })],
  ])('by %s, accepts and refuses handshakes', async (_name, make) => {
    const https = make()
    servers.push(https as unknown as Server)
    https.listen(0, '127.0.0.1')
    await once(https, 'listening')
    const server = mount(https as unknown as Server, '/ws', { origins: [], authorize: async () => 'in' })
    await server.opened
    const url = `wss://${server.addr}/ws`
    const ws = new WebSocket(url, client_tls)
    await once(ws, 'open')
    ws.send('hello')
    const [data] = await once(ws, 'message')
    expect(String(data)).toBe('/ws hello')
    expect([...server.sockets][0]?.addr).toMatch(/^127\.0\.0\.1:\d+$/)
    ws.terminate()
    const of_a_page: object = { ...client_tls, origin: 'https://evil.example' }
    const page = new WebSocket(url, of_a_page)
    const [error] = await once(page, 'error')
    expect((error as Error).message).toContain('403')
    expect(errors.splice(0)).toHaveLength(1)
    await server[Symbol.asyncDispose]()
    await new Promise(resolve => https.close(resolve))
  })
})
