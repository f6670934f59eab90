import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as create_https } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type Duplex, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { connect as connect_tls } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { listen, type WsServer } from '../../src/index.js'
import { handshake_lines, RawClient } from '../raw_client.js'

const H2C = [
  'Connection: Upgrade, HTTP2-Settings',
  'Upgrade: h2c',
  'HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
]
const LARGE = 'large '.repeat(200_000)
/** Is sent when something has come back, and ends the connection. */
const LAST = lines('GET /last HTTP/1.1', 'Host: a', 'Connection: close')

const servers: Server[] = []
const mounted: WsServer[] = []

afterEach(async () => {
  for (const server of mounted.splice(0)) await server[Symbol.asyncDispose]()
  for (const http of servers.splice(0)) {
    http.closeAllConnections()
    await new Promise(resolve => http.close(resolve))
  }
})

function lines(...all: readonly string[]): string {
  return `${all.join('\r\n')}\r\n\r\n`
}

/** The requests of an app, and the outcome of its responses. */
interface App {
  readonly http: Server
  readonly received: string[]
}

// A key that both sides know stands in for a certificate.
const psk = Buffer.from('a key that both sides of this test know')
const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2', pskCallback: () => psk } as const
const client_tls = {
  ciphers: 'PSK',
  maxVersion: 'TLSv1.2',
  checkServerIdentity: () => undefined,
  pskCallback: () => ({ psk, identity: 'test' }),
} as const

const MAKERS = { http: () => createServer(), https: () => create_https(tls) }
type Kind = keyof typeof MAKERS

/** Starts an app that answers with its requests, and behaves the same with and without a route. */
async function start_app(kind: Kind = 'http'): Promise<App> {
  const http = MAKERS[kind]()
  const received: string[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = `${request.method} ${request.url}`
    request.on('error', (error: Error & { code?: string }) => received.push(`${asked} ${error.code}`))
    for (const event of ['finish', 'close']) response.on(event, () => received.push(`${asked} ${event}`))
    response.sendDate = false
    if (request.url === '/pending') return
    if (request.url === '/large') {
      request.resume()
      Readable.from(LARGE.match(/.{60000}/g) ?? []).pipe(response)
      return
    }
    const body = await text(request).catch(() => undefined)
    if (body === undefined) return
    if (request.url === '/slow') for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
    const { rawHeaders, rawTrailers, complete } = request
    response.setHeader('Seen', Buffer.byteLength(body))
    response.end(JSON.stringify({ asked, rawHeaders, rawTrailers, complete, body: body.slice(0, 100) }))
  }
  http.on('request', answer)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  servers.push(http)
  return { http, received }
}

function share(http: Server, options: object = {}): WsServer {
  const server = listen({ type: 'ws', server: http, route: '/ws', on_error: () => {}, ...options })
  mounted.push(server)
  return server
}

async function connect_client({ http }: App, kind: Kind = 'http'): Promise<Socket> {
  const { port } = http.address() as AddressInfo
  const socket =
    kind === 'http' ? connect(port, '127.0.0.1') : connect_tls({ port, host: '127.0.0.1', ...client_tls })
  await once(socket, kind === 'http' ? 'connect' : 'secureConnect')
  return socket
}

/**
 * Sends parts, each in turns of its own, and when there is an answer a last request; returns all that comes
 * back.
 */
async function ask(app: App, parts: readonly string[], kind?: Kind): Promise<string> {
  const socket = await connect_client(app, kind)
  socket.setNoDelay(true)
  const answer = text(socket)
  const answered = once(socket, 'data')
  for (const part of parts) {
    socket.write(part, 'latin1')
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
  }
  await answered
  socket.write(LAST)
  // Node's own answers have the time of day.
  return (await answer).replaceAll(/^Date: .*\r\n/gm, '')
}

const POST = ['POST /api/orders?x=1 HTTP/1.1', 'Host: a', ...H2C]
const CASES: Record<string, readonly string[]> = {
  'a GET': [lines('GET /page HTTP/1.1', 'Host: a', ...H2C)],
  'a GET of the route': [lines('GET /ws HTTP/1.1', 'Host: a', ...H2C)],
  'a HEAD': [lines('HEAD /page HTTP/1.1', 'Host: a', ...H2C)],
  'one of HTTP/1.0': [lines('GET /page HTTP/1.0', 'Connection: Upgrade', 'Upgrade: h2c')],
  'one that ends the connection': [
    lines('GET /page HTTP/1.1', 'Host: a', 'Connection: Upgrade, close', 'Upgrade: h2c'),
  ],
  'one without a Host': [lines('GET /page HTTP/1.1', ...H2C)],
  'one that names a whole URL': [lines('GET http://a/page?x HTTP/1.1', 'Host: a', ...H2C)],
  'headers that are repeated, odd or empty': [
    lines('GET / HTTP/1.1', 'Host: a', 'X: 1', 'x:2 ', 'Empty:', 'Latin: \xe4\xff', 'Cookie: a', ...H2C),
  ],
  'a head in parts': ['POST /a HT', 'TP/1.1\r\nHost: a\r\nUpgr', lines('ade: h2c', 'Connection: upgrade')],
  'a body': [`${lines(...POST, 'Content-Length: 5')}hello`],
  'a body that comes later': [lines(...POST, 'Content-Length: 5'), 'he', 'llo'],
  'a large body': [lines(...POST, `Content-Length: ${LARGE.length}`), LARGE],
  'a body in chunks, with a trailer': [
    `${lines(...POST, 'Transfer-Encoding: chunked')}5\r\nhello\r\n`,
    '6\r\n world\r\n0\r\nTrail: er\r\n\r\n',
  ],
  'a body that waits for 100 Continue': [
    lines(...POST, 'Content-Length: 5', 'Expect: 100-continue'),
    'hello',
  ],
  'an expectation that is not met': [lines(...POST, 'Content-Length: 0', 'Expect: more')],
  'a POST that offers a WebSocket': [
    `${lines('POST /ws HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 2')}hi`,
  ],
  'many on one connection': [`${lines(...POST, 'Content-Length: 5')}hello`.repeat(30)],
  'one behind a response that takes its time': [
    `${lines('GET /slow HTTP/1.1', 'Host: a')}${lines(...POST, 'Content-Length: 5')}hello`,
  ],
  'one behind a large response': [
    `${lines('GET /large HTTP/1.1', 'Host: a')}${lines(...POST, 'Content-Length: 5')}hello`,
  ],
}

describe.each(['http', 'https'] as const)('a plain request over %s that offers an upgrade to h2c', kind => {
  it.each(Object.entries(CASES))('is answered as without a route: %s', async (_name, parts) => {
    const [plain, shared] = [await start_app(kind), await start_app(kind)]
    const server = share(shared.http)
    const [expected, answer] = [await ask(plain, parts, kind), await ask(shared, parts, kind)]
    expect(answer).toMatch(/^HTTP\/1\.1 \d{3} /)
    expect(answer).toBe(expected)
    expect(shared.received.sort()).toEqual(plain.received.sort())
    expect(Object.values(server.stats().refused).every(count => count === 0)).toBe(true)
  })
})

describe('after a plain request that offered an upgrade', () => {
  it('its connection accepts a handshake, and more plain requests', async () => {
    const { http } = await start_app()
    const server = share(http)
    const socket = await connect_client({ http, received: [] })
    for (let i = 0; i < 20; i += 1) {
      socket.write(`${lines(...POST, 'Content-Length: 5')}hello`)
      expect(String(await once(socket, 'data'))).toContain('"body":"hello"')
    }
    const warned = vi.fn()
    process.on('warning', warned)
    socket.write(lines(...Object.values(handshake_lines())))
    expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 101 /)
    expect(server.sockets.size).toBe(1)
    process.off('warning', warned)
    expect(warned).not.toHaveBeenCalled()
    socket.destroy()
  })

  it.each(['in the middle of its body', 'behind a response that has not come'])(
    'a client that is gone %s harms nothing',
    async where => {
      const app = await start_app()
      share(app.http)
      const socket = await connect_client(app)
      const asked = once(app.http, 'request')
      const first = where.startsWith('in') ? '' : lines('GET /pending HTTP/1.1', 'Host: a')
      socket.write(`${first}${lines(...POST, 'Content-Length: 50')}hello`)
      const [{ socket: stream }, response] = (await asked) as [IncomingMessage, ServerResponse]
      const ended = new Promise(resolve => stream.on('close', resolve))
      socket.resetAndDestroy()
      await ended
      response.end()
      expect(await ask(app, [lines(...POST, 'Content-Length: 0')])).toMatch(/^HTTP\/1\.1 200 /)
    },
  )

  it('the keep-alive timeout does not apply while it waits for the previous response', async () => {
    const app = await start_app()
    share(app.http)
    const socket = await connect_client(app)
    const asked = new Promise<Socket>(resolve =>
      app.http.on('request', ({ url, socket: stream }) => {
        if (url === '/pending') resolve(stream)
      }),
    )
    socket.write(lines('GET /slow HTTP/1.1', 'Host: a') + lines('GET /pending HTTP/1.1', 'Host: a', ...H2C))
    const { timeout = 0 } = await asked
    expect(timeout).toBe(0)
    socket.destroy()
  })

  it('of a client that ends its side before the response ahead of it has come, it is not answered, as without a route', async () => {
    const app = await start_app()
    share(app.http)
    const failed = vi.fn((_error: Error, stream: Duplex) => stream.destroy())
    app.http.on('clientError', failed)
    const socket = await connect_client(app)
    const answer = text(socket)
    const asked = once(app.http, 'request')
    socket.end(`${lines('GET /pending HTTP/1.1', 'Host: a')}${lines(...POST, 'Content-Length: 0')}`)
    const [{ socket: stream }, response] = (await asked) as [IncomingMessage, ServerResponse]
    if (stream.readable) await once(stream, 'end').catch(() => {})
    response.end('pending')
    expect(await answer).not.toContain('POST')
    expect(failed).not.toHaveBeenCalled()
    if (!stream.destroyed) await once(stream, 'close')
  })

  it('is answered by the server that read it, if that hands its upgrades to the one that is shared', async () => {
    const app = await start_app()
    const inner = createServer()
    app.http.on('upgrade', (...upgrade: unknown[]) => inner.emit('upgrade', ...upgrade))
    share(inner)
    const answer = await ask(app, [lines('GET /page HTTP/1.1', 'Host: a', ...H2C)])
    expect(answer).toContain('"asked":"GET /page"')
  })
})

interface Decider extends Server {
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean
}

describe.skipIf(!('shouldUpgradeCallback' in createServer()))(
  'an http server that decides about upgrades',
  () => {
    it('keeps its own decision, which is restored afterwards', async () => {
      const app = await start_app()
      const http: Decider = app.http
      const by_owner = (request: IncomingMessage): boolean => request.headers['x-upgrade'] !== 'no'
      http.shouldUpgradeCallback = by_owner
      const server = share(http)
      const refused = lines(...Object.values(handshake_lines()), 'X-Upgrade: no')
      expect(await ask(app, [refused])).toContain('"asked":"GET /ws"')
      expect(await ask(app, [lines(...POST, 'Content-Length: 0')])).toContain('"asked":"POST')
      const client = RawClient.ask(`127.0.0.1:${(http.address() as AddressInfo).port}`)
      expect(await client.header()).toMatch(/^HTTP\/1\.1 101 /)
      client.socket.destroy()
      await server[Symbol.asyncDispose]()
      expect(http.shouldUpgradeCallback).toBe(by_owner)
    })

    it('may decide again: a request that it upgrades and no listener uses is still answered', async () => {
      const app = await start_app()
      const http: Decider = app.http
      const server = share(http)
      const ours = http.shouldUpgradeCallback
      http.shouldUpgradeCallback = () => true
      expect(await ask(app, [lines('GET /page HTTP/1.1', 'Host: a', ...H2C)])).toContain(
        '"asked":"GET /page"',
      )
      const changed = http.shouldUpgradeCallback
      await server[Symbol.asyncDispose]()
      expect(http.shouldUpgradeCallback).toBe(changed)
      http.on('upgrade', (_request, stream) => stream.end('HTTP/1.1 418 \r\n\r\n'))
      http.shouldUpgradeCallback = ours as () => boolean
      expect(await ask(app, [lines('GET /page HTTP/1.1', 'Host: a', ...H2C)])).toBe('HTTP/1.1 418 \r\n\r\n')
    })
  },
)
