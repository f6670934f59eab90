import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, describe, expect, it } from 'vitest'
import type { WsListenOptions, WsServer, WsServerError } from '../../src/index.js'
import { handshake_lines, RawClient } from '../raw_client.js'
import { start_open, stop_all } from '../started_server.js'

const errors: WsServerError[] = []

/** Starts a server that keeps its errors. */
async function start(options: Partial<WsListenOptions> = {}): Promise<WsServer> {
  return await start_open({ on_error: err => errors.push(err), ...options })
}

/** The status of the answer to a handshake with these lines; a client that was let in leaves again. */
async function status_of(server: WsServer, lines: Record<string, string> = {}): Promise<number> {
  const client = RawClient.ask(server.addr, lines)
  const header = await client.header()
  client.socket.destroy()
  return Number(header.split(' ')[1])
}

afterEach(async () => {
  await stop_all()
  expect(errors.splice(0)).toEqual([])
})

describe('origins', () => {
  it.each([
    ['no Origin', {}, 101],
    ['the same host', { Origin: 'Origin: http://127.0.0.1:8080' }, 101],
    ['localhost', { Origin: 'Origin: http://localhost:5173' }, 101],
    [
      'a name for 127.0.0.1 of a page’s own',
      { Origin: 'Origin: http://a.example', Host: 'Host: a.example' },
      403,
    ],
    ['another host', { Origin: 'Origin: https://evil.example' }, 403],
    ['an Origin that is empty', { Origin: 'Origin:' }, 403],
    ['two Origins', { Origin: 'Origin: http://localhost', Second: 'Origin: http://localhost' }, 403],
    ['null', { Origin: 'Origin: null' }, 403],
    ['a name that only begins with localhost', { Origin: 'Origin: http://localhost.evil.example' }, 403],
    ['a name that only begins with 127.0.0.1', { Origin: 'Origin: http://127.0.0.1.evil.example' }, 403],
    ['a user that looks like a host', { Origin: 'Origin: http://127.0.0.1@evil.example' }, 403],
  ])('by default, %s is answered as the rule says', async (_name, lines, status) => {
    const server = await start()
    expect(await status_of(server, lines as Record<string, string>)).toBe(status)
    expect(server.stats().refused.wrong_origin).toBe(status === 403 ? 1 : 0)
    expect(errors.splice(0).map(error => error.code)).toEqual(status === 403 ? ['origin_refused'] : [])
  })

  it('on every interface lets in a page of the name that the server is called by', async () => {
    const server = await start({ bind: '0.0.0.0:0' })
    const lines = { Origin: 'Origin: http://a.example', Host: 'Host: a.example:99' }
    expect(await status_of(server, lines)).toBe(101)
  })

  it.skipIf(process.platform === 'win32')(
    'on a Unix socket, where a proxy calls, lets in a page of the name that the server is called by',
    async () => {
      const server = await start({ bind: `unix:/tmp/bt-net-${process.pid}.sock` })
      const lines = { Origin: 'Origin: http://a.example', Host: 'Host: a.example' }
      expect(await status_of(server, lines)).toBe(101)
    },
  )

  it('two Host headers are no handshake, whatever the origin', async () => {
    const server = await start()
    expect(await status_of(server, { Second: 'Host: evil.example' })).toBe(400)
  })

  it('that are listed come in, and no others', async () => {
    const server = await start({ origins: ['https://good.example'] })
    expect(await status_of(server, { Origin: 'Origin: HTTPS://GOOD.example:443' })).toBe(101)
    expect(await status_of(server)).toBe(101)
    expect(await status_of(server, { Origin: 'Origin: http://127.0.0.1' })).toBe(403)
    expect(errors.splice(0)).toMatchObject([{ code: 'origin_refused' }])
  })

  it("'*' lets any page in", async () => {
    const server = await start({ origins: '*' })
    const lines = { Origin: 'Origin: https://evil.example', Host: 'Host: evil.example' }
    expect(await status_of(server, lines)).toBe(101)
  })

  it('a function that throws causes a 500, and its error is reported to on_error', async () => {
    const cause = new Error('secret')
    const server = await start({
      origins: () => {
        throw cause
      },
    })
    const answer = await RawClient.ask(server.addr, { Origin: 'Origin: http://localhost' }).until_ended()
    expect(answer).toMatch(/^HTTP\/1\.1 500 /)
    expect(answer).not.toContain('secret')
    expect(server.stats().refused.handler_failed).toBe(1)
    expect(errors.splice(0)).toMatchObject([{ code: 'handler_failed', cause }])
  })

  it('a function that returns a promise allows no page, even if the promise rejects', async () => {
    const server = await start({ origins: (() => Promise.reject(new Error('no'))) as never })
    expect(await status_of(server, { Origin: 'Origin: http://localhost' })).toBe(403)
    expect(errors.splice(0)).toMatchObject([{ message: expect.stringContaining('returned a promise') }])
  })

  it('that are refused are reported once each, up to a hundred, with the entry that would allow them', async () => {
    const server = await start()
    for (let i = 0; i < 110; i += 1) {
      await Promise.all([1, 2].map(() => status_of(server, { Origin: `Origin: https://${i}.example` })))
    }
    expect(server.stats().refused.wrong_origin).toBe(220)
    expect(errors).toHaveLength(100)
    expect(errors[0]?.code).toBe('origin_refused')
    expect(errors[0]?.message).toBe(
      'refused a page of the origin "https://0.example" that called the host "127.0.0.1": it is neither of the same host nor of this machine; set origins: ["https://0.example"] to allow it, with every other origin that may come in',
    )
    expect(errors.splice(0).at(-1)?.message).toContain('the last of so many')
  })
})

describe('max_connections_per_ip', () => {
  it('answers one more 429 with Retry-After, and takes the next when one has gone', async () => {
    const server = await start({ max_connections_per_ip: 2 })
    const first = await RawClient.upgraded(server.addr)
    const second = await RawClient.upgraded(server.addr)
    const answer = await RawClient.ask(server.addr).until_ended()
    expect(answer).toMatch(/^HTTP\/1\.1 429 /)
    expect(answer).toMatch(/\r\nRetry-After: \d+\r\n/)
    expect(server.stats().refused.over_ip_limit).toBe(1)
    const [socket] = server.sockets
    first.socket.destroy()
    await socket?.closed
    const third = await RawClient.upgraded(server.addr)
    second.socket.destroy()
    third.socket.destroy()
  })

  it('counts clients that wait for authorize, and not those that it refused', async () => {
    const asked = deferred()
    const answer = deferred()
    const server = await start({
      max_connections_per_ip: 1,
      authorize: async () => {
        asked.resolve()
        await answer.promise
      },
    })
    const first = RawClient.ask(server.addr)
    await asked.promise
    expect(await status_of(server)).toBe(429)
    answer.reject(new Error('no'))
    expect(await first.until_ended()).toMatch(/^HTTP\/1\.1 500 /)
    expect(errors.splice(0)).toHaveLength(1)
    expect(await status_of(server)).toBe(500)
    expect(errors.splice(0)).toHaveLength(1)
  })

  it.skipIf(process.platform === 'win32')('does not count on a Unix socket', async () => {
    const server = await start({ bind: `unix:/tmp/bt-net-${process.pid}.sock`, max_connections_per_ip: 1 })
    const clients = [await RawClient.upgraded(server.addr), await RawClient.upgraded(server.addr)]
    expect(server.stats().sockets).toBe(2)
    for (const client of clients) client.socket.destroy()
  })

  it('uses the address that a trusted proxy reports', async () => {
    const server = await start({ max_connections_per_ip: 1, trust_proxy: true })
    const from = (ip: string): RawClient =>
      RawClient.ask(server.addr, { From: `X-Forwarded-For: forged, ${ip}` })
    const first = from('2001:db8::1')
    expect(await first.header()).toMatch(/^HTTP\/1\.1 101 /)
    expect(await from('2001:db8::2').header()).toMatch(/^HTTP\/1\.1 429 /)
    const other = from('2001:db8:0:1::1')
    expect(await other.header()).toMatch(/^HTTP\/1\.1 101 /)
    first.socket.destroy()
    other.socket.destroy()
  })
})

/** With `max_connections_per_ip: 1`. */
const MAX_CONNECTIONS_PER_IP = 12

describe('connections of one address', () => {
  const open: Socket[] = []

  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy()
  })

  /** A client that keeps its end open when the server has ended its own. */
  function half_open(port: number, localAddress?: string): Socket {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, localAddress })
    socket.on('error', () => {})
    open.push(socket)
    return socket
  }

  /** A client that keeps its end open after the answer to its handshake, and the answer. */
  async function refused(port: number, lines: Record<string, string> = {}): Promise<[Socket, string]> {
    const socket = half_open(port)
    let answer = ''
    socket.on('data', part => {
      answer += part
    })
    socket.write(`${Object.values({ ...handshake_lines(), ...lines }).join('\r\n')}\r\n\r\n`)
    await once(socket, 'end')
    return [socket, answer]
  }

  /** The server has closed the connection, not only its own end: then a write after another fails. */
  async function until_reset(socket: Socket): Promise<void> {
    while (!socket.destroyed) {
      socket.write('x')
      await new Promise(setImmediate)
    }
  }

  function port_of(server: WsServer): number {
    return Number(server.addr.split(':').at(-1))
  }

  it('are cut off beyond twice max_connections_per_ip and ten, though they ask for nothing', async () => {
    const server = await start({ max_connections_per_ip: 1 })
    const idle = Array.from({ length: MAX_CONNECTIONS_PER_IP }, () => new RawClient(server.addr))
    open.push(...idle.map(({ socket }) => socket))
    expect(await new RawClient(server.addr).until_ended()).toBe('')
    expect(server.stats().refused.over_ip_limit).toBe(1)
    idle[0]?.send_lines(Object.values(handshake_lines()))
    expect(await idle[0]?.header()).toMatch(/^HTTP\/1\.1 101 /)
  })

  it('are cut off though they were refused, and keep their end open', async () => {
    const server = await start({ max_connections_per_ip: 1 })
    open.push((await RawClient.upgraded(server.addr)).socket)
    for (let i = 1; i < MAX_CONNECTIONS_PER_IP; i += 1)
      expect((await refused(port_of(server)))[1]).toMatch(/^HTTP\/1\.1 429 /)
    expect(await RawClient.ask(server.addr).until_ended()).toBe('')
    expect(server.stats().refused.over_ip_limit).toBe(MAX_CONNECTIONS_PER_IP)
  })

  it.runIf(process.platform === 'linux')('do not keep those of another address out', async () => {
    const server = await start({ max_connections: 50, max_connections_per_ip: 5 })
    for (let i = 0; i < 200; i += 1) half_open(port_of(server), '127.0.0.9')
    const last = connect({ port: port_of(server), host: '127.0.0.1', localAddress: '127.0.0.9' })
    open.push(last.on('error', () => {}))
    await once(last, 'close')
    expect(await status_of(server)).toBe(101)
    expect(server.stats().refused).toMatchObject({ over_limit: 0, over_ip_limit: 181 })
  })

  it('count only those with a request behind a proxy, whose address all of them have', async () => {
    const server = await start({ max_connections_per_ip: 1, trust_proxy: true })
    for (let i = 0; i < 2 * MAX_CONNECTIONS_PER_IP; i += 1) half_open(port_of(server))
    const from = (ip: string) => ({ From: `X-Forwarded-For: ${ip}`, start: 'GET /nowhere HTTP/1.1' })
    for (let i = 0; i < MAX_CONNECTIONS_PER_IP; i += 1) await refused(port_of(server), from('192.0.2.1'))
    const [socket, answer] = await refused(port_of(server), from('192.0.2.1'))
    expect(answer).toMatch(/^HTTP\/1\.1 404 /)
    await until_reset(socket)
    expect(await status_of(server, { From: 'X-Forwarded-For: 192.0.2.1' })).toBe(101)
    expect(server.stats().refused.over_ip_limit).toBe(0)
  })

  it('linger up to that number on a shared server, and end with their answer beyond it', async () => {
    const http = createServer()
    await once(http.listen(0, '127.0.0.1'), 'listening')
    await start({ bind: undefined, server: http, max_connections_per_ip: 1 })
    const { port } = http.address() as AddressInfo
    for (let i = 0; i < MAX_CONNECTIONS_PER_IP; i += 1) await refused(port, { Version: 'X: y' })
    for (let i = 0; i < 3; i += 1) {
      const [socket, answer] = await refused(port, { Version: 'X: y' })
      expect(answer).toMatch(/^HTTP\/1\.1 400 /)
      await until_reset(socket)
    }
    const count = await new Promise(resolve => http.getConnections((_error, number) => resolve(number)))
    expect(count).toBe(MAX_CONNECTIONS_PER_IP)
    http.close()
  })
})

describe('max_handshakes_per_second', () => {
  it('answers one more 503 with Retry-After: 1', async () => {
    const server = await start({ max_handshakes_per_second: 3 })
    const clients = Array.from({ length: 10 }, () => RawClient.ask(server.addr))
    const headers = await Promise.all(clients.map(client => client.header()))
    const refused = headers.filter(header => header.startsWith('HTTP/1.1 503 '))
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]).toContain('\r\nRetry-After: 1\r\n')
    expect(server.stats().refused.over_rate).toBe(refused.length)
    expect(headers.filter(header => header.startsWith('HTTP/1.1 101 '))).toHaveLength(10 - refused.length)
    expect(10 - refused.length).toBeGreaterThanOrEqual(3)
    for (const client of clients) client.socket.destroy()
  })

  it('is not used up by clients refused for another reason', async () => {
    const server = await start({ max_handshakes_per_second: 1, max_connections_per_ip: 1 })
    expect(await status_of(server, { start: 'GET /other HTTP/1.1' })).toBe(404)
    expect(await status_of(server, { Key: '' })).toBe(400)
    expect(await status_of(server, { Origin: 'Origin: https://evil.example' })).toBe(403)
    const first = RawClient.ask(server.addr)
    expect(await first.header()).toMatch(/^HTTP\/1\.1 101 /)
    expect(await status_of(server)).toBe(429)
    first.socket.destroy()
    errors.splice(0)
  })
})

describe('trust_proxy', () => {
  /** The `addr` of a socket whose handshake had these lines. */
  async function addr_of(
    trust_proxy: WsListenOptions['trust_proxy'],
    lines: Record<string, string>,
  ): Promise<string | undefined> {
    const server = await start({ trust_proxy })
    const client = RawClient.ask(server.addr, lines)
    await client.header()
    const [socket] = server.sockets
    client.socket.destroy()
    return socket?.addr
  }

  it.each([
    [false, { A: 'X-Forwarded-For: 192.0.2.1' }, /^127\.0\.0\.1:[1-9]/],
    [true, {}, /^127\.0\.0\.1:[1-9]/],
    [true, { A: 'X-Forwarded-For: 192.0.2.1' }, /^192\.0\.2\.1:0$/],
    [true, { A: 'X-Forwarded-For: 6.6.6.6', B: 'X-Forwarded-For: 192.0.2.1:4711' }, /^192\.0\.2\.1:4711$/],
    [true, { A: 'X-Forwarded-For: ::ffff:192.0.2.1' }, /^192\.0\.2\.1:0$/],
    [true, { A: 'Forwarded: for=6.6.6.6', B: 'Forwarded: for="[2001:db8::1]:47"' }, /^\[2001:db8::1\]:47$/],
    [2, { A: 'X-Forwarded-For: 6.6.6.6, 192.0.2.1', B: 'X-Forwarded-For: 10.0.0.1' }, /^192\.0\.2\.1:0$/],
    [2, { A: 'X-Forwarded-For: 192.0.2.1' }, /^127\.0\.0\.1:[1-9]/],
    [true, { A: 'X-Forwarded-For: 192.0.2.1, unknown' }, /^127\.0\.0\.1:[1-9]/],
    [
      { header: 'forwarded' },
      { A: 'X-Forwarded-For: 6.6.6.6', B: 'Forwarded: for=192.0.2.1' },
      /^192\.0\.2\.1:0$/,
    ],
    [['loopback'], { A: 'X-Forwarded-For: 6.6.6.6, 192.0.2.1:4711' }, /^192\.0\.2\.1:4711$/],
    [
      ['127.0.0.0/8', '10.0.0.0/8'],
      { A: 'X-Forwarded-For: 6.6.6.6, 192.0.2.1', B: 'X-Forwarded-For: 10.0.0.1' },
      /^192\.0\.2\.1:0$/,
    ],
    [['10.0.0.0/8'], { A: 'X-Forwarded-For: 192.0.2.1' }, /^127\.0\.0\.1:[1-9]/],
    [
      { addresses: ['loopback'], header: 'forwarded' },
      { A: 'X-Forwarded-For: 6.6.6.6', B: 'Forwarded: for="[fe80::1%25eth0]", for="[2001:db8::1]:47"' },
      /^\[2001:db8::1\]:47$/,
    ],
  ] as const)('%j with %j shows the address %s', async (option, lines, addr) => {
    expect(await addr_of(option, lines as Record<string, string>)).toMatch(addr)
  })

  it('is the address in the event of a client that is refused, too', async () => {
    const server = await start({ trust_proxy: true })
    const events: unknown[] = []
    const note = (event: unknown): unknown => events.push(event)
    subscribe('bt.net.refused', note)
    await status_of(server, { start: 'GET /other?x HTTP/1.1', A: 'X-Forwarded-For: 192.0.2.1' })
    unsubscribe('bt.net.refused', note)
    expect(events).toEqual([
      { side: 'server', reason: 'wrong_path', status: 404, addr: '192.0.2.1:0', path: '/other' },
    ])
  })

  it.skipIf(process.platform === 'win32').each([
    [true, '192.0.2.1:0'],
    [['loopback'], '192.0.2.1:0'],
    [['127.0.0.0/8'], '192.0.2.1:0'],
    [['10.0.0.0/8'], undefined],
  ])('of %j on a Unix socket, where a proxy calls, shows the client', async (trust_proxy, addr) => {
    const server = await start({ bind: `unix:/tmp/bt-net-${process.pid}.sock`, trust_proxy })
    const client = RawClient.ask(server.addr, { A: 'X-Forwarded-For: 192.0.2.1' })
    await client.header()
    expect([...server.sockets][0]?.addr).toBe(addr ?? server.addr)
    client.socket.destroy()
  })

  it('of addresses counts the clients behind them, and those that come by themselves, by their own', async () => {
    const server = await start({ trust_proxy: ['10.0.0.1'], max_connections_per_ip: 1 })
    const clients = [1, 2].map(i => RawClient.ask(server.addr, { A: `X-Forwarded-For: 192.0.2.${i}` }))
    const heads = await Promise.all(clients.map(client => client.header()))
    expect(heads.map(head => head.slice(9, 12)).sort()).toEqual(['101', '429'])
    for (const { socket } of clients) socket.destroy()
  })
})
