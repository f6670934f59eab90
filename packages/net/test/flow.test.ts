import { once } from 'node:events'
import { connect as connect_tcp } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import * as net from '../src/index.js'

const to_close: { [Symbol.asyncDispose](): Promise<void> }[] = []

async function listen(options: Partial<net.WsListenOptions>): Promise<net.WsServer> {
  const server = net.listen({ type: 'ws', bind: '127.0.0.1:0', ...options })
  to_close.push(server)
  await server.opened
  return server
}

function connect(server: net.WsServer, options: Partial<net.WsConnectOptions> = {}): net.WsClient {
  const ws = net.connect({ type: 'ws', url: `ws://${server.addr}/ws`, ...options })
  to_close.unshift(ws)
  return ws
}

/** A message of 64 bytes that says which one it is. */
const numbered = (index: number): string => String(index).padEnd(64, '.')

/** Checks that numbered messages come whole and in order; settles when `count` have come. */
function counter(count: number): { readonly take: (data: string) => void; readonly all: Promise<void> } {
  let next = 0
  let done!: () => void
  let failed!: (error: Error) => void
  const all = new Promise<void>((resolve, reject) => {
    done = resolve
    failed = reject
  })
  const take = (data: string): void => {
    if (data !== numbered(next)) failed(new Error(`message ${next} is ${data}`))
    next += 1
    if (next === count) done()
  }
  return { take, all }
}

/** Sends 50,000 messages in one turn; returns the errors of those that were not taken. */
function send_burst(sender: Pick<net.WsClient, 'send'>): readonly unknown[] {
  const results = Array.from({ length: 50_000 }, (_, index) => sender.send(numbered(index)))
  return results.filter(result => result !== true)
}

async function send_all(sender: Pick<net.WsClient, 'send' | 'drained'>, count: number): Promise<number> {
  let waits = 0
  for (let index = 0; index < count; index += 1) {
    for (let sent = sender.send(numbered(index)); sent !== true; sent = sender.send(numbered(index))) {
      expect(sent.code).toBe('queue_full')
      waits += 1
      await sender.drained()
    }
  }
  return waits
}

afterEach(async () => {
  for (const closing of to_close.splice(0)) await closing[Symbol.asyncDispose]()
})

describe('a burst of 50,000 messages of 64 bytes in one turn', () => {
  it('from a client is queued completely, and arrives completely and in order', async () => {
    const { take, all } = counter(50_000)
    const server = await listen({ on_message: (_socket, data) => take(data) })
    const ws = connect(server)
    await ws.opened
    expect(send_burst(ws)).toEqual([])
    await all
  })

  it('from a server is queued completely, and arrives completely and in order', async () => {
    const { take, all } = counter(50_000)
    let refused: readonly unknown[] | undefined
    const server = await listen({
      on_connect: socket => {
        refused = send_burst(socket)
      },
    })
    connect(server, { on_message: take })
    await all
    expect(refused).toEqual([])
  })

  it('from a client that is not open yet is queued completely, and arrives completely and in order', async () => {
    const { take, all } = counter(50_000)
    const server = await listen({ on_message: (_socket, data) => take(data) })
    const ws = connect(server)
    expect(send_burst(ws)).toEqual([])
    await all
  })
})

describe('a sender that waits for drained() after queue_full', () => {
  it('gets 300,000 messages through a queue of 64 KiB, in order', async () => {
    const { take, all } = counter(300_000)
    const server = await listen({ on_message: (_socket, data) => take(data) })
    const told: string[] = []
    const ws = connect(server, { max_queue: 65_536, on_error: err => told.push(err.code) })
    const waits = await send_all(ws, 300_000)
    await all
    expect(waits).toBeGreaterThan(0)
    expect(told).toEqual(Array.from({ length: waits }, () => 'queue_full'))
    expect(ws.queued).toBe(0)
  })
})

describe('a peer that has stopped reading', () => {
  it('returns queue_full to the sender before more than max_queue is queued', async () => {
    const server = await listen({ on_error: () => {} })
    const peer = connect_tcp(Number(server.addr.split(':')[1]), '127.0.0.1')
    peer.write(
      'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    await once(peer, 'data')
    peer.pause()
    const [socket] = server.sockets
    if (socket === undefined) throw new Error('no socket')
    let taken = 0
    while (socket.send('x'.repeat(1_000)) === true) {
      taken += 1
      expect(socket.queued).toBeLessThanOrEqual(4_194_304)
    }
    expect(taken * 1_004).toBeGreaterThan(4_194_304 - 1_004)
    expect(server.stats().queued_bytes).toBe(socket.queued)
    peer.destroy()
    const { unsent, cause } = await socket.closed
    expect(cause).toBe('network')
    expect(unsent).toBeGreaterThan(4_000)
  })
})

describe('an async on_message that takes its time', () => {
  it('gets 10,000 messages in order, and holds back the sender instead of filling memory', async () => {
    const { take, all } = counter(10_000)
    let most_waiting = 0
    const server = await listen({
      on_message: async (_socket, data) => {
        await new Promise(resolve => setImmediate(resolve))
        most_waiting = Math.max(most_waiting, server.stats().inbox_bytes)
        take(data)
      },
    })
    const ws = connect(server)
    await send_all(ws, 10_000)
    await all
    // 256 KiB with the last message that waits, what is left of a chunk, one that was read ahead, and the
    // message that is being handled.
    expect(most_waiting).toBeLessThanOrEqual(262_144 + 2 * 65_536 + 2 * 1_128)
  })
})
