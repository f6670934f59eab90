import { Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { WsServer, WsSocket } from '../../src/index.js'
import { RawClient } from '../raw_client.js'
import { connect_client, start_open, stop_all } from '../started_server.js'
import { collect_garbage } from './heap.js'

const clients: RawClient[] = []

async function join(server: WsServer, count: number): Promise<RawClient[]> {
  const joined = await Promise.all(Array.from({ length: count }, () => RawClient.upgraded(server.addr)))
  clients.push(...joined)
  return joined
}

/**
 * What was written to sockets of this process, by them; only what the server sends, since nobody else sends
 * meanwhile.
 */
function watch_writes(): Buffer[] {
  const written: Buffer[] = []
  const { write } = Socket.prototype
  vi.spyOn(Socket.prototype, 'write').mockImplementation(function (this: Socket, ...args: unknown[]) {
    written.push(args[0] as Buffer)
    return Reflect.apply(write, this, args)
  })
  return written
}

afterEach(async () => {
  vi.restoreAllMocks()
  for (const { socket } of clients.splice(0)) socket.destroy()
  await stop_all()
})

const frame = (text: string): Buffer => Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)])

describe('messages that are broadcast in one turn', () => {
  it('are written once to each socket, from the same bytes', async () => {
    const server = await start_open()
    const all = await join(server, 5)
    const written = watch_writes()
    for (const text of ['a', 'bc', 'def']) server.broadcast(text)
    const expected = Buffer.concat([frame('a'), frame('bc'), frame('def')])
    for (const client of all) expect(await client.bytes(expected.length)).toEqual(expected)
    expect(written).toHaveLength(5)
    expect(new Set(written.map(bytes => bytes.buffer)).size).toBe(1)
  })

  it('are written together with messages to a single socket, in order', async () => {
    const server = await start_open()
    const [client] = await join(server, 1)
    const [socket] = server.sockets
    const written = watch_writes()
    server.broadcast('first')
    socket?.send('second')
    server.broadcast('third')
    const expected = Buffer.concat([frame('first'), frame('second'), frame('third')])
    expect(await client?.bytes(expected.length)).toEqual(expected)
    expect(written).toHaveLength(1)
  })

  it('do not reach a socket after its Close', async () => {
    const server = await start_open()
    const [client] = await join(server, 1)
    const [socket] = server.sockets
    expect(server.broadcast('before')).toBe(1)
    socket?.close()
    expect(server.broadcast('behind')).toBe(0)
    const received = await client?.bytes(frame('before').length + 4)
    expect(received).toEqual(Buffer.concat([frame('before'), Buffer.from([0x88, 2, 0x03, 0xe8])]))
  })

  it('reach sockets with and without compression', async () => {
    const server = await start_open({ compression: { threshold: 1 } })
    const packed = await connect_client(server, '/ws', { perMessageDeflate: true })
    const plain = await connect_client(server, '/ws', { perMessageDeflate: false })
    const received: string[] = []
    const all = new Promise<void>(done => {
      for (const ws of [packed, plain])
        ws.on('message', data => {
          if (received.push(String(data)) === 6) done()
        })
    })
    const texts = ['a'.repeat(1_000), 'b', 'c'.repeat(70_000)]
    for (const text of texts) expect(server.broadcast(text)).toBe(2)
    await all
    expect(received.sort()).toEqual([...texts, ...texts].sort())
  })
})

it('closes no socket that reads, however much is broadcast in one turn', async () => {
  const server = await start_open({ max_total_queue: 2_000_000 })
  const all = await join(server, 30)
  const text = 'x'.repeat(60_000)
  for (let turn = 0; turn < 10; turn += 1) {
    expect(server.broadcast(text)).toBe(30)
    await Promise.all(all.map(client => client.bytes(60_004)))
  }
  expect(server.stats()).toMatchObject({ shed: 0, sockets: 30 })
})

describe('the options of a message to many', () => {
  it.each([
    ['a name that is mistyped', socket => ({ exept: socket }), /no option "exept"; did you mean except\?/],
    ['a list of sockets', socket => ({ except: [socket] }), /except is an array of 1; expected a socket/],
    ['a socket for options', socket => socket, /there is no option /],
    ['null', () => null, /got null for its options: give an object/],
  ] as const satisfies (readonly [string, (socket: WsSocket) => unknown, RegExp])[])(
    'are looked at: %s is told, and nothing is sent',
    async (_name, wrong, message) => {
      const server = await start_open({ on_connect: socket => void socket.join('news') })
      const [client] = await join(server, 1)
      const [socket] = server.sockets as ReadonlySet<WsSocket> & Iterable<WsSocket>
      const options = wrong(socket as WsSocket) as never
      for (const call of ['broadcast', 'publish'] as const) {
        const send = () =>
          call === 'publish' ? server.publish('news', 'x', options) : server.broadcast('x', options)
        expect(send).toThrow(
          expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
        )
        expect(send).toThrow(new RegExp(`^${call}[: ]`))
      }
      server.broadcast('next')
      expect(await client?.bytes(6)).toEqual(frame('next'))
    },
  )

  it('may exclude a socket of another server, which gets nothing anyway', async () => {
    const [here, there] = [await start_open(), await start_open()]
    await join(here, 1)
    await join(there, 1)
    const [other] = there.sockets
    expect(here.broadcast('x', { except: other })).toBe(1)
    expect(here.broadcast('x', { except: undefined, cluster: true })).toBe(1)
    expect(here.publish('news', 'x', {})).toBe(0)
  })
})

it('names the call that got invalid data', async () => {
  const server = await start_open()
  expect(() => server.broadcast(7 as never)).toThrow(/^broadcast got 7: send a string/)
  expect(() => server.publish('news', {} as never)).toThrow(/^publish got an object: send a string/)
})

it('reports a broadcast that exceeds max_queue to on_error, if there is any recipient', async () => {
  const text = 'x'.repeat(120)
  const errors: string[] = []
  const server = await start_open({
    max_queue: 100,
    on_connect: socket => void socket.join('news'),
    on_error: ({ code, message }) => {
      errors.push(`${code}: ${message}`)
      server.broadcast(text)
    },
  })
  expect([server.broadcast(text), server.publish('news', text)]).toEqual([0, 0])
  const [client] = await join(server, 1)
  const [socket] = server.sockets
  const except = { except: socket as WsSocket }
  expect([server.broadcast(text, except), server.publish('news', text, except)]).toEqual([0, 0])
  expect(errors).toEqual([])
  expect([server.broadcast(text), server.broadcast('fits'), server.publish('news', text)]).toEqual([0, 1, 0])
  expect(errors).toEqual([
    'too_large: broadcast got a message of 122 bytes with its header, which no socket here can get: max_queue is 100 bytes; raise it, or send smaller pieces',
    'too_large: publish got a message of 122 bytes with its header, which no socket here can get: max_queue is 100 bytes; raise it, or send smaller pieces',
  ])
  expect(await client?.bytes(6)).toEqual(frame('fits'))
})

describe('a slow socket', () => {
  it('that is full when a broadcast is reported to on_error does not corrupt that broadcast', async () => {
    // This fills the frame memory of one turn to the last byte.
    const large = 'a'.repeat(65_532)
    const server = await start_open({
      max_queue: 70_000,
      on_error: ({ code }) => {
        if (code === 'queue_full') server.broadcast('slow')
      },
    })
    const [slow] = (await join(server, 1)) as [RawClient]
    slow.socket.pause()
    const [first] = server.sockets
    // After two turns in a row, some bytes stay queued because the network takes no more.
    for (
      let waiting = 0;
      waiting < 2;
      waiting = first !== undefined && first.queued > 4_000 ? waiting + 1 : 0
    ) {
      first?.send('x'.repeat(4_000))
      await new Promise(setImmediate)
    }
    const [quick] = (await join(server, 1)) as [RawClient]
    expect(server.broadcast(large)).toBe(1)
    const received = await quick.bytes(6 + 65_536)
    expect(received.subarray(0, 6)).toEqual(frame('slow'))
    expect(received.subarray(6, 10)).toEqual(Buffer.from([0x81, 126, 0xff, 0xfc]))
    expect(received.subarray(10).toString() === large).toBe(true)
  })

  it('delays no other socket, and gets all messages in order once it reads', async () => {
    const server = await start_open({ max_queue: 50_000_000 })
    const [slow, quick] = (await join(server, 2)) as [RawClient, RawClient]
    slow.socket.pause()
    const text = (turn: number): string => `${turn} `.padEnd(100_000, 'x')
    const size = 100_000 + 10
    for (let turn = 0; turn < 100; turn += 1) {
      expect(server.broadcast(text(turn))).toBe(2)
      const head = await quick.bytes(size)
      expect(head.subarray(10, 14).toString()).toBe(text(turn).slice(0, 4))
    }
    slow.socket.resume()
    for (let turn = 0; turn < 100; turn += 1) {
      const frame_bytes = await slow.bytes(size)
      expect(frame_bytes.subarray(10, 14).toString()).toBe(text(turn).slice(0, 4))
    }
  })

  it('keeps no copy of its own: fifty of them hold hardly more than one', async () => {
    const server = await start_open({ max_queue: 50_000_000, max_total_queue: 2_000_000_000 })
    const all = await join(server, 50)
    for (const { socket } of all) socket.pause()
    // The network takes some of it, and holds it outside of this process.
    for (let turn = 0; turn < 10; turn += 1) {
      server.broadcast('x'.repeat(1_000_000))
      await new Promise(setImmediate)
    }
    collect_garbage()
    const before = process.memoryUsage().arrayBuffers
    for (let turn = 0; turn < 10; turn += 1) {
      expect(server.broadcast('x'.repeat(1_000_000))).toBe(50)
      await new Promise(setImmediate)
    }
    collect_garbage()
    expect(server.stats().queued_bytes).toBeGreaterThan(500_000_000)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000)
  })
})
