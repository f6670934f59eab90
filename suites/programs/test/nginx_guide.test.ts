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
import { Arrivals } from './arrivals.ts'
import { end, start_server } from './echo_server.ts'
import { type GuidedNginx, guide_samples, sample, start_guided } from './nginx_guide.ts'
import { port_of } from './pair.ts'
import { Wire } from './wire.ts'

const installed = system_program(NGINX)
const openssl = system_program(OPENSSL)

const PAGE = { Origin: 'https://example.com' }
/** As the guide has it. */
const BEHIND_NGINX = { trust_proxy: { header: 'x-forwarded-for' }, origins: ['https://example.com'] } as const

describe_with(openssl, 'With a certificate', () => {
  describe_with(installed, 'nginx, configured as the guide has it', () => {
    it('is all of the configuration that stands in nginx.md', () => {
      expect([...guide_samples.keys()]).toEqual([
        'one server',
        'several servers',
        'sticky',
        'unix sockets',
        'reload',
      ])
    })

    it('hands on what programs and pages say, and messages of any size', async () => {
      const { server } = start_server({ ...BEHIND_NGINX, max_payload: 4 << 20 })
      const nginx = await start_one(server)
      const long = 'x'.repeat(2 << 20)
      for (const headers of [{}, PAGE]) {
        const client = open(nginx, { headers, max_payload: 4 << 20 })
        client.send('hello')
        client.send(long)
        const heard = client[Symbol.asyncIterator]()
        expect(await heard.next()).toMatchObject({ value: 'hello' })
        expect((await heard.next()).value === long).toBe(true)
      }
      await expect(open(nginx, { headers: { Origin: 'https://evil.example' } }).opened).rejects.toThrow(/403/)
    })

    it('is called by another name than a server expects that lists no origins', async () => {
      const errors: string[] = []
      const { server } = start_server({ on_error: error => errors.push(error.message) })
      const nginx = await start_one(server)
      const headers = { ...PAGE, Host: 'example.com' }
      await expect(open(nginx, { headers }).opened).rejects.toThrow(/403/)
      expect(errors[0]).toMatch(/through a proxy; set origins: \["https:\/\/example\.com"\]/)
    })

    it.each([
      ['proxy_http_version 1.1;', '400 Bad Request: .* the HTTP version is 1.0'],
      ['proxy_set_header Upgrade $http_upgrade;', '426 Upgrade Required'],
      ['proxy_set_header Connection "upgrade";', '426 Upgrade Required'],
    ])('lets nobody in without %s', async (line, answer) => {
      const { server } = start_server(BEHIND_NGINX)
      const nginx = await start_one(server, { [line]: '' })
      await expect(open(nginx).opened).rejects.toThrow(new RegExp(`was answered ${answer}`))
    })

    it('tells plain HTTP that this is a WebSocket', async () => {
      const { server } = start_server(BEHIND_NGINX)
      const nginx = await start_one(server)
      const asked = request({ port: nginx.port, host: '127.0.0.1', path: '/ws', ca: nginx.tls.ca }).end()
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      answer.resume()
      expect([answer.statusCode, answer.headers.upgrade]).toEqual([426, 'websocket'])
    })

    it.each([
      ['tells where a client is, whatever that says itself', {}, '127.0.0.9:0'],
      [
        'leaves it to the client to say where it is, without X-Forwarded-For',
        { 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;': '' },
        '192.0.2.1:0',
      ],
    ])('%s', async (_what, changes, addr) => {
      const connected = new Arrivals<string>()
      const { server } = start_server({ ...BEHIND_NGINX, on_connect: socket => connected.push(socket.addr) })
      const nginx = await start_one(server, changes)
      open_from('127.0.0.9', nginx, { 'X-Forwarded-For': '192.0.2.1', Forwarded: 'for=192.0.2.2' })
      expect(await connected.next()).toBe(addr)
    })

    it('has connections from one address bounded, and not those of all', async () => {
      const connected = new Arrivals<string>()
      const { server } = start_server({
        ...BEHIND_NGINX,
        max_connections_per_ip: 1,
        on_connect: socket => connected.push(socket.addr),
      })
      const nginx = await start_one(server)
      open_from('127.0.0.9', nginx)
      open_from('127.0.0.10', nginx)
      expect((await connected.take(2)).sort()).toEqual(['127.0.0.10:0', '127.0.0.9:0'])
      const [answer] = (await once(open_from('127.0.0.9', nginx), 'response')) as [IncomingMessage]
      answer.resume()
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '5'])
    })

    it('ends a silence that is longer than proxy_read_timeout', async () => {
      const { server, closes } = start_server({ ...BEHIND_NGINX, heartbeat: false })
      const nginx = await start_one(server, { 'proxy_read_timeout 60s': 'proxy_read_timeout 1s' })
      const client = open(nginx, { heartbeat: false })
      expect(await client.closed).toMatchObject({ code: 1006, cause: 'network' })
      expect(await closes.next()).toMatchObject({ code: 1006, cause: 'network' })
    })

    it('is kept from that by the heartbeats of a server, where these are more frequent', async () => {
      const { server } = start_server({ ...BEHIND_NGINX, heartbeat: 300 })
      const wire = await Wire.to(await port_of(server))
      onTestFinished(() => wire.close())
      const nginx = await start_guided(installed.command, {
        http: sample('one server'),
        changes: {
          '127.0.0.1:8081': `127.0.0.1:${wire.port}`,
          'proxy_read_timeout 60s': 'proxy_read_timeout 1s',
        },
      })
      const client = open(nginx, { heartbeat: false })
      await wire.until('server', PING, 7)
      expect(client.state).toBe('open')
    })

    it('ends the connection of a client that takes nothing for longer than send_timeout, whose server was told queue_full', async () => {
      const errors = new Arrivals<string>()
      const { server, closes } = start_server({
        ...BEHIND_NGINX,
        on_connect: async socket => {
          for (;;) {
            const sent = socket.send('x'.repeat(65_536))
            if (sent !== true && sent.code === 'closed') return
            if (sent !== true) await socket.drained().catch(() => {})
          }
        },
        on_error: error => errors.push(error.code),
      })
      const nginx = await start_one(server, { 'send_timeout 60s': 'send_timeout 1s' })
      open(nginx, { on_message: () => new Promise(() => {}) })
      expect(await errors.next()).toBe('queue_full')
      const info = await closes.next()
      expect(info).toMatchObject({ code: 1006, cause: 'network' })
      expect(info.unsent).toBeGreaterThan(0)
    })

    it('gives a client to whichever server has fewer, and to another one where that is full', async () => {
      const a = start_server({ ...BEHIND_NGINX, max_connections: 1 })
      const b = start_server({ ...BEHIND_NGINX, max_connections: 3 })
      const nginx = await start_several(a.server, b.server)
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
      // That both were full does not count against them.
      for (const socket of a.server.sockets) {
        socket.close()
        await socket.closed
      }
      await open(nginx).opened
      expect(a.server.stats().sockets).toBe(1)
    })

    it('shows a client nothing of a server that is away, and 502 where all are; and finds them again at once', async () => {
      const a = start_server(BEHIND_NGINX)
      const b = start_server(BEHIND_NGINX)
      const nginx = await start_several(a.server, b.server)
      await end(a.server)
      for (let i = 0; i < 3; i += 1) await open(nginx).opened
      expect(b.server.stats().sockets).toBe(3)
      const { addr } = b.server
      await end(b.server)
      await expect(open(nginx).opened).rejects.toMatchObject({ cause: { status: 502 } })
      const again = start_server({ ...BEHIND_NGINX, bind: addr })
      await again.server.opened
      await open(nginx).opened
      expect(again.server.stats().sockets).toBe(1)
    })

    it('has clients of a server that is restarted come to the other one, without a message lost', async () => {
      const a = start_server(BEHIND_NGINX)
      const b = start_server(BEHIND_NGINX)
      const nginx = await start_several(a.server, b.server)
      const reconnecting = new Arrivals<number>()
      const client = open(nginx, {
        reconnect: { min_delay: 5, max_delay: 50 },
        on_reconnecting: ({ info }) => reconnecting.push(info.code),
      })
      const heard = client[Symbol.asyncIterator]()
      client.send('before')
      expect(await heard.next()).toMatchObject({ value: 'before' })
      const [first, second] = a.server.stats().sockets === 1 ? [a.server, b.server] : [b.server, a.server]
      first.close({ spread_ms: 50 })
      expect(await reconnecting.next()).toBe(1012)
      client.send('meanwhile')
      expect(await heard.next()).toMatchObject({ value: 'meanwhile' })
      expect(second.stats().sockets).toBe(1)
    })

    it('sends a client to the server of its session, and to the other one while that is away', async () => {
      const a = start_server(BEHIND_NGINX)
      const b = start_server(BEHIND_NGINX)
      const http = with_upstream('sticky')
      const nginx = await start_guided(installed.command, {
        http,
        changes: await ports_of(a.server, b.server),
      })
      const url = `${nginx.url}?session=ada`
      for (let i = 0; i < 3; i += 1) await open(nginx, { url }).opened
      expect([a.server.stats().sockets, b.server.stats().sockets].sort()).toEqual([0, 3])
      const [hers, other] = a.server.stats().sockets === 3 ? [a.server, b.server] : [b.server, a.server]
      await end(hers)
      await open(nginx, { url }).opened
      expect(other.stats().sockets).toBe(1)
    })

    it('reaches servers at Unix sockets that it may write to, and tells them where clients are', async () => {
      const connected = new Arrivals<string>()
      const folder = mkdtempSync(join(tmpdir(), 'bt-sockets-'))
      onTestFinished(() => rmSync(folder, { recursive: true }))
      chmodSync(folder, 0o755)
      for (const name of ['1.sock', '2.sock']) {
        const place = join(folder, name)
        const { server } = start_server({
          ...BEHIND_NGINX,
          bind: `unix:${place}`,
          on_connect: socket => connected.push(socket.addr),
        })
        await server.opened
        chmodSync(place, 0o666)
      }
      const http = with_upstream('unix sockets')
      const nginx = await start_guided(installed.command, { http, changes: { '/run/chat': folder } })
      open_from('127.0.0.9', nginx)
      expect(await connected.next()).toBe('127.0.0.9:0')
    })

    it('goes on with its connections when it is reloaded, for as long as worker_shutdown_timeout', async () => {
      const { server } = start_server(BEHIND_NGINX)
      const ports = { '127.0.0.1:8081': await address_of(server) }
      const http = sample('one server')
      const patient = await start_guided(installed.command, { http, changes: ports })
      const kept = open(patient)
      await kept.opened
      await patient.process.reload()
      kept.send('still here')
      expect(await kept[Symbol.asyncIterator]().next()).toMatchObject({ value: 'still here' })

      const main = sample('reload').replace('30s', '1s')
      const hasty = await start_guided(installed.command, { http, main, changes: ports })
      const reconnecting = new Arrivals<string>()
      const again = open(hasty, {
        reconnect: { min_delay: 5, max_delay: 50 },
        on_reconnecting: ({ info }) => reconnecting.push(info.cause),
      })
      await again.opened
      await hasty.process.reload()
      expect(await reconnecting.next()).toBe('network')
      again.send('here again')
      expect(await again[Symbol.asyncIterator]().next()).toMatchObject({ value: 'here again' })
    })
  })
})

async function address_of(server: WsServer): Promise<string> {
  return `127.0.0.1:${await port_of(server)}`
}

async function start_one(
  server: WsServer,
  changes: Readonly<Record<string, string>> = {},
): Promise<GuidedNginx> {
  const http = sample('one server')
  return start_guided(installed.command, {
    http,
    changes: { '127.0.0.1:8081': await address_of(server), ...changes },
  })
}

/** The configuration for several servers, with another list of them. */
function with_upstream(name: string): string {
  return sample('several servers').replace(/upstream chat \{[^}]*\}/, () => sample(name))
}

async function ports_of(a: WsServer, b: WsServer): Promise<Readonly<Record<string, string>>> {
  return { '127.0.0.1:8081': await address_of(a), '127.0.0.1:8082': await address_of(b) }
}

async function start_several(a: WsServer, b: WsServer): Promise<GuidedNginx> {
  return start_guided(installed.command, { http: sample('several servers'), changes: await ports_of(a, b) })
}

function open({ url, tls }: GuidedNginx, options: Partial<WsConnectOptions> = {}): WsClient {
  const client = connect({ type: 'ws', url, tls, on_error: () => {}, ...options })
  onTestFinished(() => {
    client.close()
  })
  return client
}

/** Asks from another address of this machine, which our client can't; the socket stays open until the test is over. */
function open_from(
  localAddress: string,
  { port, tls }: GuidedNginx,
  headers: Readonly<Record<string, string>> = {},
): ClientRequest {
  const asked = request({
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
  asked.on('upgrade', (_answer, socket) => onTestFinished(() => void socket.destroy()))
  return asked
}
