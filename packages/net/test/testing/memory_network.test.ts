import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { environment_of } from '@bt/ws-protocol/internal/node'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  connect,
  listen,
  NetError,
  type WsClient,
  type WsConnectOptions,
  type WsServer,
} from '../../src/index.js'
import { type MemoryNetwork, memory_network } from '../../src/testing/index.js'

const BIND = '127.0.0.1:8081'

let network: MemoryNetwork
const to_close: WsServer[] = []

async function start(options: Partial<Parameters<typeof listen>[0]> = {}): Promise<WsServer> {
  const server = listen({
    type: 'mem',
    network,
    bind: BIND,
    on_error: () => {},
    on_message: (socket, data) => void socket.send(data),
    ...options,
  })
  to_close.push(server)
  await server.opened
  return server
}

function open(options: Partial<WsConnectOptions> = {}): { ws: WsClient; received: string[] } {
  const received: string[] = []
  const ws = connect({ type: 'mem', network, url: `ws://${BIND}/ws`, on_error: () => {}, ...options })
  ws.on_message(data => void received.push(data))
  return { ws, received }
}

beforeEach(() => {
  network = memory_network({ manual_clock: true })
})

afterEach(() => {
  for (const server of to_close.splice(0)) server.close({ now: true })
})

describe('addresses', () => {
  it('are taken once, and free again when the server has closed', async () => {
    const server = await start()
    await expect(start()).rejects.toMatchObject({ code: 'address_in_use' })
    server.close()
    await server.closed
    await start()
  })

  it('with port 0 get a free port, which addr shows', async () => {
    const [one, other] = [await start({ bind: '127.0.0.1:0' }), await start({ bind: '127.0.0.1:0' })]
    expect([one.addr, other.addr]).toEqual(['127.0.0.1:49152', '127.0.0.1:49153'])
    const { ws } = open({ url: `ws://localhost:49153/ws` })
    await ws.opened
    expect(other.sockets.size).toBe(1)
  })

  it('with port 0 get no port that another server has', async () => {
    await start({ bind: '127.0.0.1:49152' })
    expect((await start({ bind: '127.0.0.1:0' })).addr).toBe('127.0.0.1:49153')
  })

  it.each(['ws://10.0.0.1:8081/ws', 'ws://chat.example:8081/ws'])(
    'of any host reach a server that is bound to all addresses, unless another has it: %s',
    async url => {
      const server = await start({ bind: '0.0.0.0:8081' })
      await open({ url }).ws.opened
      const named = await start({ bind: new URL(url).host })
      await open({ url }).ws.opened
      expect([server.sockets.size, named.sockets.size]).toEqual([1, 1])
    },
  )

  it('of IPv6 may be spelt in any way', async () => {
    const server = await start({ bind: '[0:0:0:0:0:0:0:1]:8081' })
    await open().ws.opened
    expect(server.sockets.size).toBe(1)
  })

  it.each(['ws://localhost:8081/ws', 'ws://[::1]:8081/ws', 'ws://127.0.0.1:8081/ws'])(
    'of the machine itself are all the same: %s',
    async url => {
      const server = await start({ bind: '0.0.0.0:8081' })
      await open({ url }).ws.opened
      expect(server.sockets.size).toBe(1)
    },
  )

  it('may be those of other hosts, with the ports of ws: and wss: by default', async () => {
    const [plain, secure] = [await start({ bind: 'a.example:80' }), await start({ bind: 'a.example:443' })]
    await open({ url: 'ws://a.example/ws' }).ws.opened
    await open({ url: 'wss://a.example/ws' }).ws.opened
    expect([plain.sockets.size, secure.sockets.size]).toEqual([1, 1])
  })

  it('may be Unix sockets', async () => {
    const server = await start({ bind: 'unix:/run/echo.sock' })
    expect(server.addr).toBe('unix:/run/echo.sock')
    await open({ url: 'ws+unix:/run/echo.sock:/ws' }).ws.opened
    expect(server.sockets.size).toBe(1)
  })

  it('without a server refuse the connection', async () => {
    await expect(open().ws.opened).rejects.toMatchObject({ code: 'connection_refused' })
  })

  it('of another network are out of reach', async () => {
    await start()
    await expect(open({ network: memory_network() }).ws.opened).rejects.toMatchObject({
      code: 'connection_refused',
    })
  })
})

describe('a connection', () => {
  it('passes messages of any size, in order', async () => {
    await start({ max_payload: 2_000_000 })
    const { ws, received } = open({ max_payload: 2_000_000 })
    const texts = [1, 100, 70_000, 1_500_000, 5].map(size => 'x'.repeat(size))
    for (const text of texts) expect(ws.send(text)).toBe(true)
    await network.settled()
    expect(received.map(text => text.length)).toEqual(texts.map(text => text.length))
  })

  it('compresses as on a real network', async () => {
    const server = await start({ compression: true })
    const { ws, received } = open({ compression: true })
    ws.send('x'.repeat(100_000))
    await network.settled()
    expect(received).toHaveLength(1)
    expect(server.stats().received_bytes).toBeLessThan(2_000)
  })

  it('shows the address of the client, and counts it for max_connections_per_ip', async () => {
    const server = await start({ max_connections_per_ip: 1 })
    await open().ws.opened
    expect([...server.sockets].map(({ addr }) => addr)).toEqual(['127.0.0.1:49152'])
    await expect(open().ws.opened).rejects.toMatchObject({ cause: { status: 429 } })
  })

  it('closes with both Close frames', async () => {
    const server = await start()
    const { ws } = open()
    await ws.opened
    const [socket] = server.sockets
    ws.close(4000, 'enough')
    expect(await ws.closed).toMatchObject({ code: 4000, cause: 'local', clean: true })
    expect(await socket?.closed).toMatchObject({ code: 4000, reason: 'enough', cause: 'peer', clean: true })
    expect(network.links).toEqual([])
  })
})

describe('settled', () => {
  it('waits until all messages that have arrived are handled, however many they are', async () => {
    let handled = 0
    await start({
      on_message: () => {
        handled += 1
      },
    })
    const { ws } = open()
    for (let sent = 0; sent < 5_000; sent += 1) ws.send(`message ${sent}`)
    await network.settled()
    expect(handled).toBe(5_000)
  })

  it('waits until messages of any size are compressed, and decompressed again', async () => {
    await start({ compression: true })
    const { ws, received } = open({ compression: true })
    const sizes = [2_000, 20_000, 300_000]
    for (const size of sizes) ws.send(randomBytes(size / 2).toString('hex'))
    await network.advance(1)
    expect(received.map(text => text.length)).toEqual(sizes)
  })
})

describe('fake timers', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each([false, true])(
    'do not hold up messages, nor later those of others; compression: %s',
    async compression => {
      const exchange = async (): Promise<number> => {
        await start({ compression })
        const { ws, received } = open({ compression })
        for (let sent = 0; sent < 100; sent += 1) {
          ws.send(`${sent} ${'x'.repeat(2_000)}`)
          await network.settled()
        }
        return received.length
      }
      vi.useFakeTimers()
      network = memory_network()
      expect(await exchange()).toBe(100)
      vi.useRealTimers()
      network = memory_network()
      expect(await exchange()).toBe(100)
    },
  )

  it('let latencies pass', async () => {
    vi.useFakeTimers()
    network = memory_network({ latency_ms: 1_000 })
    await start()
    const { ws } = open()
    await vi.advanceTimersByTimeAsync(1_990)
    expect(ws.state).toBe('connecting')
    await vi.advanceTimersByTimeAsync(20)
    expect(ws.state).toBe('open')
  })
})

describe('a connection that is idle', () => {
  it('stays open, however far the clock is advanced', async () => {
    const server = await start()
    const { ws } = open()
    await ws.opened
    await network.advance(8 * 3_600_000)
    expect([ws.state, server.sockets.size]).toEqual(['open', 1])
  })

  it('has the round trip of its latency', async () => {
    network = memory_network({ manual_clock: true, latency_ms: 200 })
    const server = await start({ heartbeat: 5_000 })
    open()
    await network.advance(10_000)
    expect(server.stats().round_trip_ms).toEqual({ p50: 400, p99: 400 })
  })
})

describe('a server', () => {
  it('may treat the sockets of a request like those of a real network', async () => {
    await start({
      authorize: ({ raw }) => {
        const { socket } = raw as IncomingMessage
        socket.setTimeout(1_000).setNoDelay(true).setKeepAlive(true).unref().ref()
        expect(socket.address()).toEqual({ address: '127.0.0.1', port: 8081, family: 'IPv4' })
        return true
      },
    })
    await open().ws.opened
  })

  it('cuts off more connections than twice max_connections and a hundred, like on a real network', async () => {
    const server = await start({ max_connections: 1 })
    const { connect } = environment_of(network)
    const streams = Array.from({ length: 103 }, () =>
      connect?.({ host: 'localhost', port: 8081 }, () => ({})),
    )
    for (const stream of streams) stream?.resume()
    await network.settled()
    expect(streams.filter(stream => stream?.destroyed)).toHaveLength(1)
    expect(server.stats().refused.over_limit).toBe(1)
    for (const stream of streams) stream?.destroy()
  })
})

describe('link', () => {
  it('finds the connection of a client and of a socket', async () => {
    const server = await start()
    const { ws } = open()
    await ws.opened
    const [socket] = server.sockets
    expect(network.link(ws)).toBe(network.links[0])
    expect(socket && network.link(socket)).toBe(network.links[0])
  })

  it('finds the socket of a client behind a proxy that is trusted', async () => {
    const server = await start({ trust_proxy: true })
    const headers = { 'X-Forwarded-For': '203.0.113.7' }
    const clients = [open({ headers }).ws, open({ headers }).ws]
    await Promise.all(clients.map(ws => ws.opened))
    const sockets = [...server.sockets]
    expect(sockets.map(({ addr }) => addr)).toEqual(['203.0.113.7:0', '203.0.113.7:0'])
    expect(sockets.map(socket => network.link(socket))).toEqual(clients.map(ws => network.link(ws)))
    expect(network.links).toHaveLength(2)
  })

  it('rejects wrong values, and does nothing', async () => {
    await start()
    const { ws } = open()
    await ws.opened
    const link = network.link(ws)
    const calls = [
      () => link.freeze('both' as never),
      () => link.thaw('Server' as never),
      () => link.cut('Client' as never),
      () => {
        link.latency_ms = Number.NaN
      },
      () => {
        link.bytes_per_second = 0
      },
      () => network.link(undefined as never),
      () => network.link(open().ws),
    ]
    for (const call of calls) expect(call).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    ws.send('still open')
    await network.settled()
    expect(ws.state).toBe('open')
  })

  it('of a handle without a connection throws an error', async () => {
    expect(() => network.link(open().ws)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })

  it('that is cut resets both sides', async () => {
    const server = await start()
    const { ws } = open()
    await ws.opened
    const [socket] = server.sockets
    network.link(ws).cut()
    expect([await ws.closed, await socket?.closed]).toMatchObject([
      { cause: 'network' },
      { cause: 'network' },
    ])
  })

  it.each(['client', 'server'] as const)('that only the %s sees cut leaves the other alone', async side => {
    const server = await start({ heartbeat: false })
    const { ws } = open({ heartbeat: false })
    await ws.opened
    const [socket] = server.sockets
    network.link(ws).latency_ms = 1_000
    ws.send('under way')
    socket?.send('under way')
    await network.settled()
    network.link(ws).cut(side)
    await network.settled()
    expect([ws.state, socket?.state]).toEqual(side === 'client' ? ['closed', 'open'] : ['open', 'closed'])
  })

  it('that is frozen delivers nothing, and everything when it thaws', async () => {
    await start()
    const { ws, received } = open()
    await ws.opened
    const link = network.link(ws)
    link.freeze('client')
    ws.send('one')
    await network.settled()
    expect(received).toEqual([])
    link.thaw()
    await network.settled()
    expect(received).toEqual(['one'])
  })

  it('that is frozen fills the queue of the sender, which gets queue_full, and then the heartbeat ends it', async () => {
    const server = await start({ max_queue: 100_000 })
    const { ws } = open()
    await ws.opened
    const [socket] = server.sockets
    network.link(ws).freeze()
    const sizes = Array.from({ length: 100 }, () => socket?.send('x'.repeat(10_000)))
    expect(sizes.at(-1)).toMatchObject({ code: 'queue_full' })
    await network.advance(60_000)
    expect(await socket?.closed).toMatchObject({ cause: 'heartbeat' })
  })

  it('delays each byte by its latency', async () => {
    network = memory_network({ manual_clock: true, latency_ms: 100 })
    await start()
    const { ws, received } = open()
    await network.advance(200)
    expect(ws.state).toBe('open')
    ws.send('one')
    await network.advance(199)
    expect(received).toEqual([])
    await network.advance(1)
    expect(received).toEqual(['one'])
  })

  it('passes no more than bytes_per_second', async () => {
    await start()
    const { ws, received } = open()
    await ws.opened
    network.link(ws).bytes_per_second = 1_000
    ws.send('x'.repeat(992))
    await network.advance(1_990)
    expect(received).toEqual([])
    await network.advance(20)
    expect(received).toHaveLength(1)
  })
})

describe('a network', () => {
  it('that stops cuts all connections, and lets clients come back when it restarts', async () => {
    await start()
    const { ws } = open({ reconnect: true })
    await ws.opened
    network.stop()
    await network.advance(5_000)
    expect(ws.state).toBe('reconnecting')
    network.restart()
    await network.advance(20_000)
    expect(ws.state).toBe('open')
  })

  it.each(['stop', 'restart'] as const)('cuts half-open connections, too, by %s', async call => {
    const server = await start({ heartbeat: false })
    const { ws } = open()
    await ws.opened
    network.link(ws).cut('client')
    network[call]()
    await network.settled()
    expect(server.stats().closed.network).toBe(1)
  })

  it('advances by the sum of calls that overlap', async () => {
    await start()
    const { ws } = open({ heartbeat: 1_000 })
    await ws.opened
    network.link(ws).freeze()
    await Promise.all([network.advance(1_500), network.advance(1_500)])
    expect(ws.state).toBe('closed')
  })

  it('advances also past delays of 0', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    onTestFinished(() => void vi.restoreAllMocks())
    const { ws } = open({ reconnect: { max_attempts: 5 } })
    await network.advance(1_000)
    expect(ws.state).toBe('closed')
  })

  it.each([undefined, Number.NaN, -1, Number.POSITIVE_INFINITY, '5'])('cannot advance by %j', async by_ms => {
    await expect(network.advance(by_ms as never)).rejects.toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
  })

  it('has the time of the platform without manual_clock, which fake timers move', async () => {
    vi.useFakeTimers()
    try {
      network = memory_network()
      const server = await start({ heartbeat: 10_000 })
      const { ws } = open()
      await ws.opened
      network.link(ws).freeze()
      await vi.advanceTimersByTimeAsync(25_000)
      expect(server.stats().closed.heartbeat).toBe(1)
      await expect(network.advance(1)).rejects.toMatchObject({ code: 'unsupported' })
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([
    [{ latency_ms: -1 }, 'the option latency_ms is -1'],
    [{ manual_clock: 1 }, 'the option manual_clock is 1'],
    [{ speed: 1 }, 'there is no option "speed"'],
  ])('rejects wrong options: %j', (options, message) => {
    expect(() => memory_network(options as never)).toThrow(message)
  })
})

describe("the type 'mem'", () => {
  it.each([
    ['listen', () => listen({ type: 'mem', bind: BIND })],
    ['connect', () => connect({ type: 'mem', url: `ws://${BIND}/ws` })],
  ])('of %s needs a network', (name, call) => {
    expect(call).toThrow(
      new NetError(
        'invalid_option',
        `${name}: the type 'mem' is for tests, and needs the option network: give a memory_network() of @bt/net/testing`,
      ),
    )
  })

  it.each([
    ['listen', () => listen({ type: 'ws', bind: BIND, network })],
    ['connect', () => connect({ type: 'ws', url: `ws://${BIND}/ws`, network })],
  ])('is what the option network of %s needs', (_name, call) => {
    expect(call).toThrow("the option network is for the type 'mem'")
  })

  it('takes only a network that memory_network has made', () => {
    const other = { settled: async () => {} }
    expect(() => listen({ type: 'mem', bind: BIND, network: other })).toThrow('expected a memory_network()')
  })
})
