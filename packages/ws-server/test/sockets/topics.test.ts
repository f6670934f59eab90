import { once } from 'node:events'
import { Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { WebSocket } from 'ws'
import type { WsListenOptions, WsServer, WsSocket } from '../../src/index.js'
import { Topics } from '../../src/sockets/topics.js'
import { connect_client, start_open, stop_all } from '../started_server.js'
import { heap_bytes } from './heap.js'

afterEach(async () => {
  vi.restoreAllMocks()
  await stop_all()
})

interface Members {
  readonly server: WsServer
  readonly clients: WebSocket[]
  readonly sockets: WsSocket[]
  /** Resolves with the messages of each client once it has `count` of them, or the number given for it. */
  received(count: number): Promise<string[][]>
}

/** Connects one client for each list of topics, which its socket joins. */
async function connect_members(topics: string[][], options: Partial<WsListenOptions> = {}): Promise<Members> {
  const server = await start_open(options)
  const clients: WebSocket[] = []
  const texts: string[][] = []
  for (const _ of topics) {
    const client = await connect_client(server)
    const received: string[] = []
    client.on('message', data => received.push(String(data)))
    clients.push(client)
    texts.push(received)
  }
  const sockets = [...server.sockets]
  for (const [index, names] of topics.entries())
    for (const name of names) expect(await sockets[index]?.join(name)).toBe(true)
  const received = async (count: number): Promise<string[][]> => {
    await Promise.all(
      clients.map(async (client, index) => {
        while ((texts[index] as string[]).length < count) await once(client, 'message')
      }),
    )
    return texts
  }
  return { server, clients, sockets, received }
}

describe('publish', () => {
  it('reaches the sockets in the topic, and returns their number', async () => {
    const { server, received } = await connect_members([['news'], ['news', 'sport'], ['sport'], []])
    expect(server.publish('news', 'n')).toBe(2)
    expect(server.publish('sport', 's')).toBe(2)
    expect(server.publish('weather', 'w')).toBe(0)
    server.broadcast('end')
    await received(1)
    server.broadcast('end')
    expect((await received(2)).map(texts => texts.filter(text => text !== 'end'))).toEqual([
      ['n'],
      ['n', 's'],
      ['s'],
      [],
    ])
  })

  it('skips the socket that the message came from', async () => {
    const { server, clients, received } = await connect_members([['room'], ['room']], {
      on_message: (socket, text) => {
        expect(server.publish('room', text, { except: socket })).toBe(1)
      },
    })
    clients[0]?.send('from the first')
    await once(clients[1] as WebSocket, 'message')
    clients[1]?.send('from the second')
    expect(await received(1)).toEqual([['from the second'], ['from the first']])
  })

  it('writes all messages of one turn to a socket together, in order, and the same bytes to all sockets', async () => {
    const { server, sockets, received } = await connect_members([['a', 'b'], ['a'], ['a']])
    const written: Buffer[] = []
    const { write } = Socket.prototype
    vi.spyOn(Socket.prototype, 'write').mockImplementation(function (this: Socket, ...args: unknown[]) {
      written.push(args[0] as Buffer)
      return Reflect.apply(write, this, args)
    })
    server.publish('a', '1')
    server.publish('b', '2')
    sockets[0]?.send('3')
    server.publish('a', '4')
    server.broadcast('5')
    expect(await received(3)).toEqual([
      ['1', '2', '3', '4', '5'],
      ['1', '4', '5'],
      ['1', '4', '5'],
    ])
    expect(written).toHaveLength(3)
    expect(written[1]?.buffer).toBe(written[2]?.buffer)
  })

  it('accepts bytes', async () => {
    const { server, clients } = await connect_members([['bytes']])
    const got = once(clients[0] as WebSocket, 'message')
    expect(server.publish('bytes', Uint8Array.of(1, 2, 3))).toBe(1)
    expect(await got).toEqual([Buffer.from([1, 2, 3]), true])
  })

  it('is not queued by closing sockets, nor by any socket if it exceeds max_queue, which is reported to on_error', async () => {
    const codes: string[] = []
    const { server, sockets } = await connect_members([['t'], ['t'], ['t']], {
      max_queue: 1_000,
      on_error: ({ code }) => codes.push(code),
    })
    sockets[0]?.close()
    expect(sockets[1]?.send('x'.repeat(990))).toBe(true)
    expect(server.publish('t', 'y'.repeat(900))).toBe(2)
    expect(codes).toEqual([])
    expect(server.publish('t', 'y'.repeat(1_000))).toBe(0)
    expect(codes).toEqual(['too_large'])
  })

  it('throws for invalid data and an invalid topic, even without members', async () => {
    const server = await start_open()
    expect(() => server.publish('t', 7 as never)).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
    expect(() => server.publish('', 'text')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})

describe('a socket', () => {
  it('is in a topic from join to leave', async () => {
    const { server, sockets } = await connect_members([['a', 'b']])
    const [socket] = sockets as [WsSocket]
    const before = socket.topics
    expect([...before]).toEqual(['a', 'b'])
    expect(await socket.join('a')).toBe(true)
    expect(server.topics()).toEqual(
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
    )
    expect([socket.leave('a'), socket.leave('a'), socket.leave('never')]).toEqual([true, false, false])
    expect(server.publish('a', 'not for it')).toBe(0)
    expect([...socket.topics]).toEqual(['b'])
    expect([...before]).toEqual(['a', 'b'])
    expect(socket.leave('b')).toBe(true)
    expect([socket.topics.size, server.topics().size, server.stats().topics]).toEqual([0, 0, 0])
  })

  it('is in a topic at once, whether the promise is awaited or not', async () => {
    const counts: unknown[] = []
    const server = await start_open({
      on_connect: socket => {
        void socket.join('lobby')
        counts.push(server.publish('lobby', `welcome ${counts.length}`))
      },
    })
    const client = await connect_client(server)
    expect(counts).toEqual([1])
    client.close()
  })

  it('leaves all topics when it ends, and still shows them in on_close', async () => {
    const reported: unknown[] = []
    const { server, clients, sockets } = await connect_members([['a', 'b'], ['a']], {
      on_close: async socket => {
        reported.push([...socket.topics], server.publish('a', 'it has left'))
        await Promise.resolve()
        reported.push([...socket.topics], await socket.join('c'))
      },
    })
    const got = once(clients[1] as WebSocket, 'message')
    clients[0]?.close()
    await sockets[0]?.closed
    expect(reported).toEqual([['a', 'b'], 1, ['a', 'b'], expect.objectContaining({ code: 'closed' })])
    expect(String((await got)[0])).toBe('it has left')
    expect([sockets[0]?.topics.size, server.topics()]).toEqual([0, new Map([['a', 1]])])
    clients[1]?.close()
    await sockets[1]?.closed
    expect([server.topics().size, server.stats().topics]).toEqual([0, 0])
  })

  it('does not join while it closes', async () => {
    const { sockets } = await connect_members([[]])
    const [socket] = sockets as [WsSocket]
    socket.close()
    expect(await socket.join('late')).toMatchObject({
      code: 'closed',
      message: expect.stringContaining('join found the connection closed'),
    })
    expect(socket.topics.size).toBe(0)
  })

  it('is in at most max_topics topics', async () => {
    const { server, sockets } = await connect_members([['a', 'b']], { max_topics: 2 })
    const [socket] = sockets as [WsSocket]
    expect(await socket.join('c')).toMatchObject({
      code: 'too_many_topics',
      message:
        'join "c" found the socket in 2 topics, as many as max_topics allows; have it leave some, or raise the option',
    })
    expect([await socket.join('b'), server.publish('c', 'x')]).toEqual([true, 0])
    socket.leave('a')
    expect(await socket.join('c')).toBe(true)
  })
})

describe('the name of a topic', () => {
  it.each([
    ['plain', 'news'],
    ['with what brokers make something of', 'a.*.> /#+?[b]'],
    ['with spaces', ' '],
    ['in Chinese', '新闻'],
    ['with a pair', '😀'],
    ['of 255 bytes', '中'.repeat(85)],
  ])('may be %s', async (_, topic) => {
    const { server, sockets, received } = await connect_members([[topic]])
    expect(server.publish(topic, 'x')).toBe(1)
    expect(await received(1)).toEqual([['x']])
    expect([...(sockets[0] as WsSocket).topics]).toEqual([topic])
  })

  it.each([
    ['empty', ''],
    ['longer than 255 bytes', '中'.repeat(86)],
    ['with a line break', 'a\nb'],
    ['with a zero', 'a\0'],
    ['with a delete', 'a\u007f'],
    ['with half a pair', 'a\ud83d'],
    ['a number', 7],
    ['nothing', undefined],
    ['an object', { toString: () => 'news' }],
  ])('is not %s', async (_, topic) => {
    const { server, sockets } = await connect_members([[]])
    const [socket] = sockets as [WsSocket]
    for (const call of ['join', 'leave', 'publish'] as const) {
      const run = (): unknown =>
        call === 'publish' ? server.publish(topic as string, 'x') : socket[call](topic as string)
      expect(run).toThrow(
        expect.objectContaining({
          code: 'invalid_argument',
          message: expect.stringMatching(
            new RegExp(`^${call} got .* as the topic: expected text of 1 to 255 bytes`, 's'),
          ),
        }),
      )
    }
  })
})

describe('Topics', () => {
  it('are empty again when all members have left or ended, in any order', () => {
    const topics = new Topics<number>(1_000)
    for (let member = 0; member < 100; member += 1)
      for (let topic = 0; topic < 100; topic += 1) topics.join(member, `topic ${(member * topic) % 97}`)
    expect(topics.size).toBe(97)
    for (let member = 0; member < 100; member += 1) {
      if (member % 2 === 0)
        for (const topic of topics.of(member)) expect(topics.leave(member, topic)).toBe(true)
      else {
        topics.ended(member)
        topics.forget(member)
      }
    }
    expect([topics.size, topics.counts().size, topics.of(1).size, topics.members('topic 1')]).toEqual([
      0,
      0,
      0,
      undefined,
    ])
  })
})

it('a million joins and leaves over 10,000 topics leave no memory in use', async () => {
  const { server, sockets } = await connect_members([[], [], [], []], { max_topics: 10_000 })
  const topics = Array.from({ length: 10_000 }, (_, index) => `topic ${index}`)
  const come_and_go = (): void => {
    for (const socket of sockets) for (const topic of topics) void socket.join(topic)
    for (const socket of sockets) for (const topic of topics) socket.leave(topic)
  }
  const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  come_and_go()
  await turn()
  const before_bytes = heap_bytes()
  for (let part = 0; part < 25; part += 1) {
    come_and_go()
    await turn()
  }
  expect(heap_bytes() - before_bytes).toBeLessThan(500_000)
  expect([server.topics().size, sockets.map(({ topics }) => topics.size)]).toEqual([0, [0, 0, 0, 0]])
})
