import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'
import type { NetError } from '@bt/ws-protocol'
import { FakeBroker } from '@bt/ws-protocol/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { WsListenOptions, WsServer, WsSocket } from '../../src/index.js'
import { RawClient } from '../raw_client.js'
import { start, start_open, stop_all } from '../started_server.js'
import { settled } from './cluster_member.js'

let broker: FakeBroker
const clients: RawClient[] = []

beforeEach(() => {
  broker = new FakeBroker()
})

afterEach(async () => {
  vi.restoreAllMocks()
  for (const { socket } of clients.splice(0)) socket.destroy()
  await stop_all()
})

interface Node {
  readonly server: WsServer
  readonly sockets: WsSocket[]
  readonly clients: RawClient[]
  readonly errors: NetError[]
}

/** Starts a server of the cluster with `count` sockets, which have all joined `news`. */
async function node(count = 0, options: Partial<WsListenOptions> = {}): Promise<Node> {
  const errors: NetError[] = []
  const on_error = (error: NetError): void => void errors.push(error)
  const server = await start_open({ cluster: broker.port(), on_error, ...options })
  const own: RawClient[] = []
  for (let i = 0; i < count; i += 1) own.push(await RawClient.upgraded(server.addr))
  clients.push(...own)
  const sockets = [...server.sockets]
  for (const socket of sockets) expect(await socket.join('news')).toBe(true)
  return { server, sockets, clients: own, errors }
}

const frame = (text: string): Buffer => Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)])
const frames = (...texts: string[]): Buffer => Buffer.concat(texts.map(frame))

describe('text from the broker that is not UTF-8', () => {
  it('ends no client of its topic, and the other messages arrive', async () => {
    const a = await node(2)
    const link = await broker.port().connect({ received() {}, lost() {}, refused() {} })
    const bad = Buffer.from([0x81, 2, 0xff, 0xfe])
    link.publish(
      'bt.topic.news',
      Buffer.concat([Buffer.from([1, 1]), Buffer.alloc(16, 7), frame('a'), bad, frame('b')]),
    )
    for (const client of a.clients) expect(await client.bytes(6)).toEqual(frames('a', 'b'))
    expect(a.errors.map(({ code }) => code)).toEqual(['invalid_utf8'])
    expect(a.server.stats().cluster).toMatchObject({ received: 2, unreadable: 1 })
    expect(a.server.sockets.size).toBe(2)
  })
})

describe('a message that one server publishes', () => {
  it('reaches the sockets in the topic on all servers, but the one that is left out', async () => {
    const [a, b] = [await node(2), await node(2)]
    const [left_out] = a.sockets
    expect(a.server.publish('news', 'hello', { except: left_out as WsSocket })).toBe(1)
    expect(a.server.publish('news', 'end')).toBe(2)
    const [first, second] = a.clients as [RawClient, RawClient]
    expect(await first.bytes(5)).toEqual(frames('end'))
    for (const client of [second, ...b.clients])
      expect(await client.bytes(12)).toEqual(frames('hello', 'end'))
  })

  it('leaves each socket of the other server in one write, all from the bytes that came', async () => {
    const [a, b] = [await node(), await node(3)]
    const written: Buffer[] = []
    const { write } = Socket.prototype
    vi.spyOn(Socket.prototype, 'write').mockImplementation(function (this: Socket, ...args: unknown[]) {
      written.push(args[0] as Buffer)
      return Reflect.apply(write, this, args)
    })
    for (const text of ['a', 'bc', 'def']) expect(a.server.publish('news', text)).toBe(0)
    for (const client of b.clients) expect(await client.bytes(12)).toEqual(frames('a', 'bc', 'def'))
    expect(written.length).toBe(3)
    expect(new Set(written.map(({ buffer }) => buffer))).toEqual(
      new Set([broker.carried.at(-1)?.bytes.buffer]),
    )
  })

  it('to all reaches the sockets of all servers with cluster: true, and of this one without', async () => {
    const [a, b] = [await node(1), await node(1)]
    expect(a.server.broadcast('here')).toBe(1)
    expect(a.server.broadcast('everywhere', { cluster: true })).toBe(1)
    expect(await a.clients[0]?.bytes(18)).toEqual(frames('here', 'everywhere'))
    expect(await b.clients[0]?.bytes(12)).toEqual(frames('everywhere'))
  })

  it('goes nowhere if it exceeds the limit of the broker, and the error says so', async () => {
    broker.max_bytes = 100
    const a = await node(1)
    expect(a.server.publish('news', 'x'.repeat(100))).toMatchObject({ code: 'too_large', reached: 0 })
    expect(a.server.broadcast('x'.repeat(100))).toBe(1)
  })

  it('reaches the local sockets if it reaches no other server, and the error says how many', async () => {
    const a = await node(2, { max_cluster_queue: 300 })
    broker.connect_error = new Error('connection refused')
    broker.lose_all()
    expect(a.server.publish('news', 'a')).toBe(2)
    expect(a.server.publish('other', 'b')).toMatchObject({ code: 'cluster_unavailable', reached: 0 })
    expect(a.server.publish('news', 'c'.repeat(50))).toMatchObject({
      code: 'cluster_unavailable',
      reached: 2,
    })
    for (const client of a.clients) expect(await client.bytes(55)).toEqual(frames('a', 'c'.repeat(50)))
    expect(a.server.stats().cluster).toMatchObject({ refused: 2 })
  })
})

describe('a message of another server', () => {
  it('is queued as far as a queue has room, and the rest is reported to on_error', async () => {
    const [a, b] = [await node(), await node(1, { max_queue: 200_000 })]
    const [[socket], [client]] = [b.sockets, b.clients] as unknown as [[WsSocket], [RawClient]]
    client.socket.pause()
    // Until the network takes no more, and the queue has no room for another one.
    let sent_bytes = 0
    while (socket.send('x'.repeat(65_526)) === true) sent_bytes += 65_530
    const events = b.errors.length
    for (const text of ['small', 'y'.repeat(65_530), 'small too']) a.server.publish('news', text)
    await settled()
    expect([events, b.errors.map(({ code }) => code)]).toEqual([1, ['queue_full']])
    client.socket.resume()
    expect((await client.bytes(sent_bytes + 18)).subarray(sent_bytes)).toEqual(frames('small', 'small too'))
  })

  it('is published on the diagnostics channel, one event for each socket and message', async () => {
    const [a, b] = [await node(), await node(1)]
    const reported: unknown[] = []
    const listener = (event: unknown): void => void reported.push(event)
    subscribe('bt.net.message', listener)
    try {
      a.server.publish('news', 'text')
      a.server.publish('news', Uint8Array.of(1, 2))
      expect(await b.clients[0]?.bytes(10)).toEqual(
        Buffer.concat([frame('text'), Buffer.from([0x82, 2, 1, 2])]),
      )
    } finally {
      unsubscribe('bt.net.message', listener)
    }
    expect(reported).toEqual([
      { side: 'server', handle: b.sockets[0], direction: 'sent', data: 'text', payload_bytes: 4 },
      { side: 'server', handle: b.sockets[0], direction: 'sent', data: Buffer.of(1, 2), payload_bytes: 2 },
    ])
  })

  it('is reported to on_error if it exceeds max_queue, and the others are delivered', async () => {
    const [a, b] = [await node(), await node(2, { max_queue: 100 })]
    for (const text of ['small', 'x'.repeat(120), 'after']) a.server.publish('news', text)
    for (const client of b.clients) expect(await client.bytes(14)).toEqual(frames('small', 'after'))
    expect(b.errors).toEqual([
      expect.objectContaining({
        code: 'too_large',
        message:
          'a message of 122 bytes with its header came from another server, which no socket here can get: max_queue is 100 bytes; raise it, or send smaller pieces',
      }),
    ])
  })
})

describe('a batch of another program', () => {
  it('is split, however many messages it has, if it exceeds max_queue as a whole', async () => {
    const b = await node(1, { max_queue: 100 })
    const other = await broker.port().connect({ received() {}, lost() {}, refused() {} })
    const empty = Buffer.from('8200'.repeat(200_000), 'hex')
    other.publish('bt.topic.news', Buffer.concat([Buffer.of(1, 1), Buffer.alloc(16, 7), empty]))
    expect(await b.clients[0]?.bytes(empty.length)).toEqual(empty)
    expect(b.errors).toEqual([])
  })
})

describe('a server of a cluster', () => {
  it('subscribes when it listens, and has disconnected when it is closed', async () => {
    const a = await node(1, { close_timeout: 1 })
    expect([broker.subscriptions, a.server.nodes().length]).toEqual([['+bt.all', '+bt.topic.news'], 1])
    expect(a.server.nodes()).toEqual([{ id: expect.any(String), is_self: true, sockets: 1 }])
    a.server.close()
    await a.server.closed
    expect(broker.links.size).toBe(0)
    expect(a.server.publish('news', 'late')).toMatchObject({ code: 'closed', reached: 0 })
  })

  it('sends messages that callbacks publish while it closes', async () => {
    const [a, b] = [await node(1), await node(1)]
    a.clients[0]?.socket.end()
    a.server.close()
    a.server.publish('news', 'goodbye')
    await a.server.closed
    expect(await b.clients[0]?.bytes(9)).toEqual(frames('goodbye'))
  })

  it('that cannot listen does not connect to the broker', async () => {
    const { server } = await node()
    const second = start({ bind: server.addr, cluster: broker.port(), on_error: () => {} })
    await expect(second.opened).rejects.toMatchObject({ code: 'address_in_use' })
    await second.closed
    expect(broker.attempts).toBe(1)
  })

  it('without a cluster is alone', async () => {
    const server = await start_open()
    expect(server.nodes()).toEqual([{ id: expect.any(String), is_self: true, sockets: 0 }])
    expect(server.nodes()[0]?.id).toBe(server.nodes()[0]?.id)
    expect(server.stats().cluster).toBeUndefined()
    expect(server.broadcast('nobody', { cluster: true })).toBe(0)
  })

  it('is rejected if the option is not a broker', () => {
    for (const cluster of ['nats://127.0.0.1', {}, null, { broker: 'x', prefix: 'y' }])
      expect(() => start({ cluster: cluster as never })).toThrow(
        /the option cluster is .*; expected a broker, such as nats\(\{ servers \}\) of @bt\/ws-cluster-nats/,
      )
  })
})
