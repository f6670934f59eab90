import { connect, type WsClient, type WsSocket } from '@bt/net'
import { OPCODE } from '@bt/test-support/frames'
import { Journal } from '@bt/test-support/journal'
import { describe, expect, it } from 'vitest'
import { Wire, WireServer } from '../src/wire.ts'
import { also_end, start_server } from './subjects.ts'

/** More than a server can do in one turn of the event loop, and less than it is handed at once. */
const MANY = 60_000

type OnMessage = (socket: WsSocket, data: string) => unknown

/** What servers do with a message, from the cheapest to what the guides recommend. */
const CALLBACKS: readonly (readonly [string, OnMessage])[] = [
  ['returns', () => undefined],
  [
    'throws',
    () => {
      throw new Error('no failure: a test throws this')
    },
  ],
  ['is async, and settles in a promise job', async () => {}],
  [
    'joins a topic with await, and sends',
    async (socket, data) => {
      await socket.join('room')
      socket.send(data)
    },
  ],
]

describe('beside a flood of small messages', () => {
  it.each(CALLBACKS)(
    'others get their turn before it is over, where on_message %s',
    async (_, on_message) => {
      let floods = 0
      let honest!: Wire
      const before_honest = new Journal<number>()
      const { server } = await start_server({
        on_error: () => {},
        on_message: (socket, data) => {
          if (data === 'honest') {
            before_honest.add(floods)
            return undefined
          }
          floods += 1
          // From here on, both wait in the kernel.
          if (floods === 1) honest.text('honest')
          return on_message(socket, data)
        },
      })
      honest = await Wire.open(server.addr)
      const flooder = await Wire.open(server.addr)
      flooder.write(Buffer.concat(Array.from({ length: MANY }, () => flooder.frame(OPCODE.TEXT, 'x'))))
      expect(await before_honest.first()).toBeLessThan(MANY / 2)
    },
  )
})

/** How long a callback keeps the thread busy, so that few calls make a long turn. */
const CALL_MS = 0.05
/** More calls than fit into the time that all sockets together have in a turn, which is 10 ms, and far fewer than they would make without one. */
const TOO_MANY_CALLS = 1_000

function work(): void {
  for (const end_ms = performance.now() + CALL_MS; performance.now() < end_ms; );
}

/** Counts calls, and how many there were at most between two turns of the event loop. */
class TurnCounter {
  most = 0
  total = 0
  #in_this_turn = 0

  count(): void {
    this.total += 1
    this.#in_this_turn += 1
    if (this.#in_this_turn > this.most) this.most = this.#in_this_turn
    if (this.#in_this_turn > 1) return
    setImmediate(() => {
      this.#in_this_turn = 0
    })
  }
}

describe('in one turn of the event loop', () => {
  const FLOODERS = 64
  const EACH = 150

  it.each([
    ['returns', work],
    [
      'throws',
      () => {
        work()
        throw new Error('no failure: a test throws this')
      },
    ],
    ['is async, and settles in a promise job', async () => work()],
  ])('an honest client waits for few calls beside 64 that flood, where on_message %s', async (_, call) => {
    let floods = 0
    let sent_at = 0
    let honest!: Wire
    const waits = new Journal<number>()
    const { server } = await start_server({
      on_error: () => {},
      on_message: (_socket, data) => {
        if (data === 'honest') {
          waits.add(floods - sent_at)
          sent_at = floods
          if (floods < FLOODERS * EACH) honest.text('honest')
          return undefined
        }
        floods += 1
        // By then all have begun.
        if (floods === FLOODERS * 50) {
          sent_at = floods
          honest.text('honest')
        }
        return call()
      },
    })
    honest = await Wire.open(server.addr)
    const flooders = await Promise.all(Array.from({ length: FLOODERS }, () => Wire.open(server.addr)))
    for (const wire of flooders)
      wire.write(Buffer.concat(Array.from({ length: EACH }, () => wire.frame(OPCODE.TEXT, 'x'))))
    await waits.until(() => floods === FLOODERS * EACH && waits.entries.length > 0)
    expect(Math.max(...waits.entries)).toBeLessThan(TOO_MANY_CALLS)
  })

  it.each([
    ['returns', work],
    ['is async, and settles in a promise job', async () => work()],
  ])('few calls are for what clients have left behind, where on_message %s', async (_, call) => {
    const MESSAGES = 3_000
    const turns = new TurnCounter()
    let flooder!: Wire
    const { server, closes } = await start_server({
      on_message: () => {
        turns.count()
        // All that it sent was read, and next comes its end.
        if (turns.total === 1) flooder.reset()
        return call()
      },
    })
    flooder = await Wire.open(server.addr)
    flooder.write(Buffer.concat(Array.from({ length: MESSAGES }, () => flooder.frame(OPCODE.TEXT, 'x'))))
    await closes.first()
    expect(turns.total).toBe(MESSAGES)
    expect(turns.most).toBeLessThan(TOO_MANY_CALLS)
  })

  it.each<[string, (client: WsClient, call: () => void) => void]>([
    ['on_message returns', (client, call) => client.on_message(call)],
    [
      'on_message is async, and settles in a promise job',
      (client, call) => client.on_message(async () => call()),
    ],
    [
      'a loop takes the messages',
      async (client, call) => {
        for await (const _ of client) call()
      },
    ],
  ])('a client handles few messages, where %s', async (_, take) => {
    const MESSAGES = 3_000
    const turns = new TurnCounter()
    const server = also_end(await WireServer.start())
    const client = also_end(connect({ type: 'ws', url: server.url }))
    const wire = await server.accept_open()
    await client.opened
    wire.write(Buffer.concat(Array.from({ length: MESSAGES }, () => wire.frame(OPCODE.TEXT, 'x'))))
    const calls = new Journal<number>()
    take(client, () => {
      turns.count()
      work()
      if (turns.total === MESSAGES) calls.add(MESSAGES)
    })
    await calls.first()
    expect(turns.most).toBeLessThan(TOO_MANY_CALLS)
  })
})

describe('who has had its share of a turn', () => {
  it('goes on in the next one, however long a callback takes meanwhile', async () => {
    const { server, messages } = await start_server({
      on_message: async (socket, data) => {
        await new Promise(resolve => setImmediate(resolve))
        socket.send(data.slice(0, 3))
      },
    })
    const client = also_end(connect({ type: 'ws', url: `ws://${server.addr}/ws`, on_message: () => {} }))
    const large = 'x'.repeat(65_536)
    for (let sent = 0; sent < 200; ) {
      if (client.send(large) === true) sent += 1
      else await client.drained()
    }
    await messages.count(200)
  })
})
