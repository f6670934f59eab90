import { environment_of } from '@bt/ws-protocol/internal/node'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
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
    await vi.waitFor(() => expect(received).toHaveLength(1))
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

describe('a server', () => {
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
