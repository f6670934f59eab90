import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type WsClient, type WsConnectOptions, type WsServer } from '@bt/net'
import { PING } from '@bt/test-support/frames'
import { describe_with, system_program } from '@bt/test-support/installed'
import { NGINX, OPENSSL } from '@bt/test-support/programs'
import { expect, it, onTestFinished } from 'vitest'
import { AsyncQueue } from './async_queue.ts'
import { close_at_once, start_echo_server } from './echo_server.ts'
import { FrameRelay } from './frame_relay.ts'
import {
  type GuideNginx,
  guide_sample,
  guide_samples,
  type Replacements,
  start_guide_nginx,
} from './nginx_guide.ts'
import { port_of } from './pair.ts'

const installed = system_program(NGINX)
const openssl = system_program(OPENSSL)

const PAGE_HEADERS = { Origin: 'https://example.com' }
/** The server options in the guide. */
const GUIDE_OPTIONS = {
  trust_proxy: { header: 'x-forwarded-for' },
  origins: ['https://example.com'],
} as const

describe_with(openssl, 'With a certificate', () => {
  describe_with(installed, 'nginx, configured as in the guide', () => {
    it('is tested with every configuration in nginx.md', () => {
      expect([...guide_samples.keys()]).toEqual([
        'one server',
        'several servers',
        'sticky',
        'unix sockets',
        'reload',
      ])
    })

    it('passes on messages of any size from programs and pages', async () => {
      const { server } = start_echo_server({ ...GUIDE_OPTIONS, max_payload: 4 << 20 })
      const nginx = await start_with_one(server)
      const long = 'x'.repeat(2 << 20)
      for (const headers of [{}, PAGE_HEADERS]) {
        const client = open(nginx, { headers, max_payload: 4 << 20 })
        client.send('hello')
        client.send(long)
        const messages = client[Symbol.asyncIterator]()
        expect(await messages.next()).toMatchObject({ value: 'hello' })
        expect((await messages.next()).value === long).toBe(true)
      }
      await expect(open(nginx, { headers: { Origin: 'https://evil.example' } }).opened).rejects.toThrow(/403/)
    })

    it('lets a server on loopback without origins refuse pages, with the entry to add in the error', async () => {
      const errors: string[] = []
      const { server } = start_echo_server({ on_error: error => errors.push(error.message) })
      const nginx = await start_with_one(server)
      const headers = { ...PAGE_HEADERS, Host: 'example.com' }
      await expect(open(nginx, { headers }).opened).rejects.toThrow(/403/)
      expect(errors[0]).toMatch(/through a proxy; set origins: \["https:\/\/example\.com"\]/)
    })

    it.each([
      ['proxy_http_version 1.1;', '400 Bad Request: .* the HTTP version is 1.0'],
      ['proxy_set_header Upgrade $http_upgrade;', '426 Upgrade Required'],
      ['proxy_set_header Connection "upgrade";', '426 Upgrade Required'],
    ])('passes on no handshake without %s', async (line, response) => {
      const { server } = start_echo_server(GUIDE_OPTIONS)
      const nginx = await start_with_one(server, { [line]: '' })
      await expect(open(nginx).opened).rejects.toThrow(new RegExp(`was answered ${response}`))
    })

    it('passes on the 426 of the server to a plain request', async () => {
      const { server } = start_echo_server(GUIDE_OPTIONS)
      const nginx = await start_with_one(server)
      const sent = request({ port: nginx.port, host: '127.0.0.1', path: '/ws', ca: nginx.tls.ca }).end()
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      response.resume()
      expect([response.statusCode, response.headers.upgrade]).toEqual([426, 'websocket'])
    })

    it.each([
      ['reports the real address of a client, whatever headers the client sends', {}, '127.0.0.9:0'],
      [
        'lets a client claim any address without X-Forwarded-For',
        { 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;': '' },
        '192.0.2.1:0',
      ],
    ])('%s', async (_title, replacements, addr) => {
      const addrs = new AsyncQueue<string>()
      const { server } = start_echo_server({
        ...GUIDE_OPTIONS,
        on_connect: socket => addrs.push(socket.addr),
      })
      const nginx = await start_with_one(server, replacements)
      open_from('127.0.0.9', nginx, { 'X-Forwarded-For': '192.0.2.1', Forwarded: 'for=192.0.2.2' })
      expect(await addrs.next()).toBe(addr)
    })

    it('lets the server limit connections per client address', async () => {
      const addrs = new AsyncQueue<string>()
      const { server } = start_echo_server({
        ...GUIDE_OPTIONS,
        max_connections_per_ip: 1,
        on_connect: socket => addrs.push(socket.addr),
      })
      const nginx = await start_with_one(server)
      open_from('127.0.0.9', nginx)
      open_from('127.0.0.10', nginx)
      expect((await addrs.take(2)).sort()).toEqual(['127.0.0.10:0', '127.0.0.9:0'])
      const [response] = (await once(open_from('127.0.0.9', nginx), 'response')) as [IncomingMessage]
      response.resume()
      expect([response.statusCode, response.headers['retry-after']]).toEqual([429, '5'])
    })

    it('ends a connection after proxy_read_timeout without traffic', async () => {
      const { server, closes } = start_echo_server({ ...GUIDE_OPTIONS, heartbeat: false })
      const nginx = await start_with_one(server, { 'proxy_read_timeout 60s': 'proxy_read_timeout 1s' })
      const client = open(nginx, { heartbeat: false })
      expect(await client.closed).toMatchObject({ code: 1006, cause: 'network' })
      expect(await closes.next()).toMatchObject({ code: 1006, cause: 'network' })
    })

    it('keeps a connection open if the heartbeats of the server are more frequent than proxy_read_timeout', async () => {
      const { server } = start_echo_server({ ...GUIDE_OPTIONS, heartbeat: 300 })
      const relay = await FrameRelay.start(await port_of(server))
      onTestFinished(() => relay.close())
      const nginx = await start_guide_nginx(installed.command, {
        http: guide_sample('one server'),
        replacements: {
          '127.0.0.1:8081': `127.0.0.1:${relay.port}`,
          'proxy_read_timeout 60s': 'proxy_read_timeout 3s',
        },
      })
      const client = open(nginx, { heartbeat: false })
      // They take longer than the timeout.
      await relay.wait_for_frames('server', PING, 11)
      expect(client.state).toBe('open')
    })

    it('ends the connection of a client that reads nothing for send_timeout; the server gets queue_full before', async () => {
      const errors = new AsyncQueue<string>()
      const { server, closes } = start_echo_server({
        ...GUIDE_OPTIONS,
        on_connect: async socket => {
          for (;;) {
            const sent = socket.send('x'.repeat(65_536))
            if (sent !== true && sent.code === 'closed') return
            if (sent !== true) await socket.drained().catch(() => {})
          }
        },
        on_error: error => errors.push(error.code),
      })
      const nginx = await start_with_one(server, { 'send_timeout 60s': 'send_timeout 1s' })
      open(nginx, { on_message: () => new Promise(() => {}) })
      expect(await errors.next()).toBe('queue_full')
      const info = await closes.next()
      expect(info).toMatchObject({ code: 1006, cause: 'network' })
      expect(info.unsent).toBeGreaterThan(0)
    })

    it('connects a client to the server with fewer connections, or to another one if that is full', async () => {
      const a = start_echo_server({ ...GUIDE_OPTIONS, max_connections: 1 })
      const b = start_echo_server({ ...GUIDE_OPTIONS, max_connections: 3 })
      const nginx = await start_with_two(a.server, b.server)
      const counts: number[][] = []
      for (let i = 0; i < 4; i += 1) {
        await open(nginx).opened
        counts.push([a.server.stats().sockets, b.server.stats().sockets])
      }
      expect(counts).toEqual([
        [1, 0],
        [1, 1],
        [1, 2],
        [1, 3],
      ])
      const refused = open(nginx).opened
      await expect(refused).rejects.toMatchObject({ cause: { status: 503, headers: { 'retry-after': '5' } } })
      // With max_fails=0, nginx does not avoid a server that was full.
      for (const socket of a.server.sockets) {
        socket.close()
        await socket.closed
      }
      await open(nginx).opened
      expect(a.server.stats().sockets).toBe(1)
    })

    it('skips a server that is down, answers 502 if all are down, and uses a restarted server at once', async () => {
      const a = start_echo_server(GUIDE_OPTIONS)
      const b = start_echo_server(GUIDE_OPTIONS)
      const nginx = await start_with_two(a.server, b.server)
      await close_at_once(a.server)
      for (let i = 0; i < 3; i += 1) await open(nginx).opened
      expect(b.server.stats().sockets).toBe(3)
      const { addr } = b.server
      await close_at_once(b.server)
      await expect(open(nginx).opened).rejects.toMatchObject({ cause: { status: 502 } })
      const restarted = start_echo_server({ ...GUIDE_OPTIONS, bind: addr })
      await restarted.server.opened
      await open(nginx).opened
      expect(restarted.server.stats().sockets).toBe(1)
    })

    it('moves the clients of a server that closes to the other one, without losing a message', async () => {
      const a = start_echo_server(GUIDE_OPTIONS)
      const b = start_echo_server(GUIDE_OPTIONS)
      const nginx = await start_with_two(a.server, b.server)
      const reconnecting = new AsyncQueue<number>()
      const client = open(nginx, {
        reconnect: { min_delay: 5, max_delay: 50 },
        on_reconnecting: ({ info }) => reconnecting.push(info.code),
      })
      const messages = client[Symbol.asyncIterator]()
      client.send('before')
      expect(await messages.next()).toMatchObject({ value: 'before' })
      const [first, second] = a.server.stats().sockets === 1 ? [a.server, b.server] : [b.server, a.server]
      first.close({ spread_ms: 50 })
      expect(await reconnecting.next()).toBe(1012)
      client.send('meanwhile')
      expect(await messages.next()).toMatchObject({ value: 'meanwhile' })
      expect(second.stats().sockets).toBe(1)
    })

    it('connects all clients of a session to one server, and to the other one while that is down', async () => {
      const a = start_echo_server(GUIDE_OPTIONS)
      const b = start_echo_server(GUIDE_OPTIONS)
      const nginx = await start_guide_nginx(installed.command, {
        http: with_upstream('sticky'),
        replacements: await addresses_of(a.server, b.server),
      })
      const url = `${nginx.url}?session=ada`
      for (let i = 0; i < 3; i += 1) await open(nginx, { url }).opened
      expect([a.server.stats().sockets, b.server.stats().sockets].sort()).toEqual([0, 3])
      const [sticky, other] = a.server.stats().sockets === 3 ? [a.server, b.server] : [b.server, a.server]
      await close_at_once(sticky)
      await open(nginx, { url }).opened
      expect(other.stats().sockets).toBe(1)
    })

    it('connects to servers on Unix sockets, and reports the address of a client to them', async () => {
      const addrs = new AsyncQueue<string>()
      const folder = mkdtempSync(join(tmpdir(), 'bt-sockets-'))
      onTestFinished(() => rmSync(folder, { recursive: true }))
      chmodSync(folder, 0o755)
      for (const name of ['1.sock', '2.sock']) {
        const path = join(folder, name)
        const { server } = start_echo_server({
          ...GUIDE_OPTIONS,
          bind: `unix:${path}`,
          on_connect: socket => addrs.push(socket.addr),
        })
        await server.opened
        chmodSync(path, 0o666)
      }
      const http = with_upstream('unix sockets')
      const nginx = await start_guide_nginx(installed.command, {
        http,
        replacements: { '/run/chat': folder },
      })
      open_from('127.0.0.9', nginx)
      expect(await addrs.next()).toBe('127.0.0.9:0')
    })

    it('keeps connections open after a reload, for at most worker_shutdown_timeout', async () => {
      const { server } = start_echo_server(GUIDE_OPTIONS)
      const replacements = { '127.0.0.1:8081': await address_of(server) }
      const http = guide_sample('one server')
      const unlimited = await start_guide_nginx(installed.command, { http, replacements })
      const kept = open(unlimited)
      await kept.opened
      await unlimited.process.reload()
      kept.send('still here')
      expect(await kept[Symbol.asyncIterator]().next()).toMatchObject({ value: 'still here' })

      const main = guide_sample('reload').replace('30s', '1s')
      const limited = await start_guide_nginx(installed.command, { http, main, replacements })
      const reconnecting = new AsyncQueue<string>()
      const cut = open(limited, {
        reconnect: { min_delay: 5, max_delay: 50 },
        on_reconnecting: ({ info }) => reconnecting.push(info.cause),
      })
      await cut.opened
      await limited.process.reload()
      expect(await reconnecting.next()).toBe('network')
      cut.send('connected again')
      expect(await cut[Symbol.asyncIterator]().next()).toMatchObject({ value: 'connected again' })
    })
  })
})

async function address_of(server: WsServer): Promise<string> {
  return `127.0.0.1:${await port_of(server)}`
}

async function start_with_one(server: WsServer, replacements: Replacements = {}): Promise<GuideNginx> {
  return start_guide_nginx(installed.command, {
    http: guide_sample('one server'),
    replacements: { '127.0.0.1:8081': await address_of(server), ...replacements },
  })
}

/** Returns the configuration for several servers with the upstream of another sample. */
function with_upstream(name: string): string {
  return guide_sample('several servers').replace(/upstream chat \{[^}]*\}/, () => guide_sample(name))
}

async function addresses_of(a: WsServer, b: WsServer): Promise<Replacements> {
  return { '127.0.0.1:8081': await address_of(a), '127.0.0.1:8082': await address_of(b) }
}

async function start_with_two(a: WsServer, b: WsServer): Promise<GuideNginx> {
  return start_guide_nginx(installed.command, {
    http: guide_sample('several servers'),
    replacements: await addresses_of(a, b),
  })
}

function open({ url, tls }: GuideNginx, options: Partial<WsConnectOptions> = {}): WsClient {
  const client = connect({ type: 'ws', url, tls, on_error: () => {}, ...options })
  onTestFinished(() => {
    client.close()
  })
  return client
}

/** Sends a handshake from another local address, which `connect` cannot; ends its socket after the test. */
function open_from(
  localAddress: string,
  { port, tls }: GuideNginx,
  headers: Readonly<Record<string, string>> = {},
): ClientRequest {
  const sent = request({
    host: '127.0.0.1',
    port,
    ca: tls.ca,
    localAddress,
    path: '/ws',
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
      ...headers,
    },
  }).end()
  sent.on('upgrade', (_response, socket) => onTestFinished(() => void socket.destroy()))
  return sent
}
