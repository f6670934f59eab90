import { deferred } from '@bt/test-support/deferred'
import { FakeBroker } from '@bt/ws-protocol/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CloseInfo, NetError, WsListenOptions, WsServer, WsSocket } from '../../src/index.js'
import { start_open, stop_all } from '../started_server.js'
import { SessionPeer } from './session_peer.js'

afterEach(stop_all)

const NO_TOKEN = new Uint8Array()

interface Node {
  readonly server: WsServer
  readonly calls: string[]
  readonly errors: NetError[]
}

async function start_node(broker: FakeBroker, options: Partial<WsListenOptions> = {}): Promise<Node> {
  const calls: string[] = []
  const errors: NetError[] = []
  const server = await start_open({
    sessions: true,
    binary: true,
    cluster: broker.port(),
    on_connect: () => calls.push('connect'),
    on_message: (_socket: WsSocket, data: string | Uint8Array) =>
      calls.push(typeof data === 'string' ? data.slice(0, 20) : `bytes ${[...data]}`),
    on_close: (_socket: WsSocket, { code, cause, clean }: CloseInfo) =>
      calls.push(`close ${code} ${cause}${clean ? ' clean' : ''}`),
    on_away: () => calls.push('away'),
    on_back: () => calls.push('back'),
    on_error: (error: NetError) => errors.push(error),
    ...options,
  } as Partial<WsListenOptions>)
  return { server, calls, errors }
}

/** Two servers that know of each other. */
async function start_two(
  broker: FakeBroker,
  options: Partial<WsListenOptions> = {},
): Promise<{ readonly holder: Node; readonly entry: Node }> {
  const [holder, entry] = [await start_node(broker, options), await start_node(broker, options)]
  await vi.waitFor(() => {
    expect([holder.server.nodes().length, entry.server.nodes().length]).toEqual([2, 2])
  })
  return { holder, entry }
}

/** Begins a session, loses its connection, and returns its token. */
async function begin(holder: Node): Promise<Uint8Array> {
  const peer = await SessionPeer.greeted(holder.server)
  const { token } = await peer.next_control('welcome')
  peer.cut()
  await vi.waitFor(() => {
    expect(holder.calls).toContain('away')
  })
  return token
}

const only_socket = ({ server }: Node): WsSocket => [...server.sockets][0] as WsSocket

describe('a session whose client comes to another server', () => {
  it('goes on where it is held, in both directions, with messages larger than the broker takes', async () => {
    const broker = new FakeBroker()
    broker.max_bytes = 4_096
    const { holder, entry } = await start_two(broker)
    const token = await begin(holder)
    expect(token).toHaveLength(32)
    const socket = only_socket(holder)
    socket.send('while away')
    const peer = await SessionPeer.greeted(entry.server, token)
    expect(await peer.next_control('welcome')).toMatchObject({ recovered: true })
    expect(await peer.next()).toBe('while away')
    expect([entry.server.stats().sessions?.relayed, entry.server.sockets.size]).toEqual([1, 0])
    const large = '聊'.repeat(20_000)
    socket.send(large)
    socket.send(Uint8Array.of(1, 2))
    expect([await peer.next(), await peer.next()]).toEqual([large, Uint8Array.of(1, 2)])
    peer.send(large)
    peer.send(Uint8Array.of(3))
    peer.control({ type: 'ping' })
    await peer.next_control('pong')
    expect(holder.calls).toEqual(['connect', 'away', 'back', large.slice(0, 20), 'bytes 3'])
    expect(socket.addr).toMatch(/^127\.0\.0\.1:/)
    peer.control({ type: 'ack', handled: 3 })
    await socket.drained()
    expect([holder.errors, entry.errors]).toEqual([[], []])
  })

  it('comes back to its holder, and to another again, and goes on each time', async () => {
    const { holder, entry } = await start_two(new FakeBroker())
    let token = await begin(holder)
    for (const [index, node] of [entry, holder, entry, entry].entries()) {
      const peer = await SessionPeer.greeted(node.server, token, { received: index, handled: index })
      const welcome = await peer.next_control('welcome')
      expect(welcome.recovered).toBe(true)
      token = welcome.token
      only_socket(holder).send(`${index}`)
      expect(await peer.next()).toBe(`${index}`)
    }
    await vi.waitFor(() => {
      expect(entry.server.stats().sessions?.relayed).toBe(1)
    })
    expect(holder.server.stats().sessions).toMatchObject({ started: 1, recovered: 4 })
    holder.server.close({ now: true })
  })

  it('is carried by more than a window, piece by piece, both ways', async () => {
    const { holder, entry } = await start_two(new FakeBroker())
    const token = await begin(holder)
    const peer = await SessionPeer.greeted(entry.server, token, { window: 10_000_000 })
    await peer.next_control('welcome')
    const socket = only_socket(holder)
    for (let i = 0; i < 20; i += 1) {
      expect(socket.send(`${i}`.padEnd(50_000))).toBe(true)
      peer.send(`${i}`.padEnd(50_000))
    }
    for (let i = 0; i < 20; i += 1) {
      let item = await peer.next()
      while (typeof item !== 'string') item = await peer.next()
      expect(item.trim()).toBe(`${i}`)
    }
    peer.control({ type: 'ack', handled: 20 })
    await vi.waitFor(() => {
      expect(holder.calls.slice(3).map(call => call.trim())).toEqual(
        Array.from({ length: 20 }, (_, i) => `${i}`),
      )
    })
  })

  it('is closed in order by either side', async () => {
    const { holder, entry } = await start_two(new FakeBroker())
    const peer = await SessionPeer.greeted(entry.server, await begin(holder))
    await peer.next_control('welcome')
    peer.control({ type: 'end', handled: 0, code: 1000 })
    peer.ws.close(1000)
    await vi.waitFor(() => {
      expect(holder.calls.at(-1)).toBe('close 1000 peer clean')
    })
    holder.calls.length = 0
    const second = await SessionPeer.greeted(entry.server, await begin(holder))
    await second.next_control('welcome')
    only_socket(holder).close(4000, 'bye')
    expect(await second.next_control('end')).toEqual({ type: 'end', handled: 0, code: 4000 })
    expect(await second.closed()).toBe(4000)
    await vi.waitFor(() => {
      expect(holder.calls.at(-1)).toBe('close 4000 local clean')
    })
    await vi.waitFor(() => {
      expect(entry.server.stats().sessions?.relayed).toBe(0)
    })
  })

  it('ends at its holder if the client breaks a rule', async () => {
    const { holder, entry } = await start_two(new FakeBroker(), { max_payload: 100 })
    const peer = await SessionPeer.greeted(entry.server, await begin(holder))
    await peer.next_control('welcome')
    peer.send('x'.repeat(101))
    expect(await peer.closed()).toBe(1009)
    await vi.waitFor(() => {
      expect(holder.calls.at(-1)).toMatch('close 1009 protocol')
    })
    expect(holder.errors.map(({ code }) => code)).toEqual(['message_too_large'])
  })

  it('is a new one if its holder has left, or does not answer, or refuses its counts or its identity', async () => {
    const broker = new FakeBroker()
    const identity = {
      authorize: (request: { readonly headers: Readonly<Record<string, unknown>> }) =>
        request.headers['x-user'] ?? 'anna',
      sessions: { identity: (data: unknown) => String(data) },
    } as Partial<WsListenOptions>
    const { holder, entry } = await start_two(broker, identity)
    const token = await begin(holder)
    const thief = await SessionPeer.greeted(entry.server, token, {}, { 'X-User': 'eve' })
    expect((await thief.next_control('welcome')).recovered).toBe(false)
    const liar = await SessionPeer.greeted(entry.server, token, { received: 9, handled: 9 })
    expect((await liar.next_control('welcome')).recovered).toBe(false)
    holder.server.close({ now: true })
    await holder.server.closed
    await vi.waitFor(() => {
      expect(entry.server.nodes()).toHaveLength(1)
    })
    const late = await SessionPeer.greeted(entry.server, token)
    expect((await late.next_control('welcome')).recovered).toBe(false)
    expect(entry.server.stats().sessions).toMatchObject({ not_recovered: 3, started: 3 })
  })

  it('loses its connection with the broker, and goes on once that is back', async () => {
    const broker = new FakeBroker()
    const { holder, entry } = await start_two(broker)
    const peer = await SessionPeer.greeted(entry.server, await begin(holder))
    const { token } = await peer.next_control('welcome')
    for (const link of [...broker.links]) link.lose(new Error('the broker restarts'))
    expect(await peer.closed()).toBe(1006)
    await vi.waitFor(() => {
      expect(holder.calls.at(-1)).toBe('away')
      expect(entry.server.stats().cluster?.is_connected).toBe(true)
      expect(entry.server.nodes()).toHaveLength(2)
    })
    const again = await SessionPeer.greeted(entry.server, token)
    expect((await again.next_control('welcome')).recovered).toBe(true)
  })

  it('waits for its client when the server that this one is connected to shuts down', async () => {
    const { holder, entry } = await start_two(new FakeBroker())
    const token = await begin(holder)
    const peer = await SessionPeer.greeted(entry.server, token)
    await peer.next_control('welcome')
    entry.server.close({ code: 1012 })
    expect(await peer.closed()).toBe(1012)
    await entry.server.closed
    await vi.waitFor(() => {
      expect(holder.calls.at(-1)).toBe('away')
    })
    expect(only_socket(holder).is_away).toBe(true)
  })

  it('answers pings of its holder, and is dropped when it does not', async () => {
    const { holder, entry } = await start_two(new FakeBroker(), { heartbeat: 60 })
    const peer = await SessionPeer.greeted(entry.server, await begin(holder))
    await peer.next_control('welcome')
    for (let i = 0; i < 3; i += 1) {
      await peer.next_control('ping')
      peer.control({ type: 'pong' })
    }
    expect(holder.calls.at(-1)).toBe('back')
    await vi.waitFor(() => {
      expect(holder.calls.at(-1)).toBe('away')
    })
  })
})

it('a client that ignores the window is slowed down by the server that holds its session', async () => {
  const handling = deferred<void>()
  let received = 0
  const { holder, entry } = await start_two(new FakeBroker(), {
    on_message: () => {
      received += 1
      return handling.promise
    },
  })
  const peer = await SessionPeer.greeted(entry.server, await begin(holder))
  await peer.next_control('welcome')
  for (let i = 0; i < 30; i += 1) peer.send('x'.repeat(1_000_000))
  await vi.waitFor(() => {
    expect(holder.server.stats().inbox_bytes).toBeGreaterThan(8_000_000)
  })
  expect(holder.server.stats().inbox_bytes).toBeLessThan(12_000_000)
  handling.resolve()
  await vi.waitFor(() => {
    expect(received).toBe(30)
    expect(holder.server.stats().inbox_bytes).toBe(0)
  })
  peer.cut()
})

it('a token of a server that nobody knows is that of a new session', async () => {
  const { entry } = await start_two(new FakeBroker())
  const peer = await SessionPeer.greeted(entry.server, new Uint8Array(32).fill(7))
  expect((await peer.next_control('welcome')).recovered).toBe(false)
  const without = await SessionPeer.greeted(entry.server, NO_TOKEN)
  expect((await without.next_control('welcome')).recovered).toBe(false)
  expect(entry.server.stats().sessions).toMatchObject({ not_recovered: 1, started: 2 })
})
