import { connect, type WsClient, type WsSocket } from '@bt/net'
import { OPCODE } from '@bt/test-support/frames'
import { Journal } from '@bt/test-support/journal'
import { describe, expect, it } from 'vitest'
import { RawPeer, RawServer } from '../src/raw_peer.ts'
import { dispose_after_test, start_server } from './endpoints.ts'

/** How many messages flood a server at once: more than it can process in one turn of the event loop. */
const MANY = 60_000

type OnMessage = (socket: WsSocket, data: string) => unknown

/** Callbacks for messages, from the cheapest to the one that the guides recommend. */
const CALLBACKS: readonly (readonly [string, OnMessage])[] = [
  ['returns', () => undefined],
  [
    'throws',
    () => {
      throw new Error('thrown by a test on purpose')
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

describe('during a flood of small messages', () => {
  it.each(CALLBACKS)(
    'another client is served before the flood is over, if on_message %s',
    async (_, on_message) => {
      let floods = 0
      let honest!: RawPeer
      const before_honest = new Journal<number>()
      const { server } = await start_server({
        on_error: () => {},
        on_message: (socket, data) => {
          if (data === 'honest') {
            before_honest.add(floods)
            return undefined
          }
          floods += 1
          // From now on, the kernel has messages of both clients.
          if (floods === 1) honest.text('honest')
          return on_message(socket, data)
        },
      })
      honest = await RawPeer.open(server.addr)
      const flooder = await RawPeer.open(server.addr)
      flooder.write(Buffer.concat(Array.from({ length: MANY }, () => flooder.frame(OPCODE.TEXT, 'x'))))
      expect(await before_honest.first()).toBeLessThan(MANY / 2)
    },
  )
})

/** How long a callback blocks the thread, so that a few calls make a long turn. */
const CALL_MS = 0.05
/**
 * More calls than fit into the 10 ms that all sockets together get per turn, but far fewer than there would
 * be without that limit.
 */
const TOO_MANY_CALLS = 1_000

function block_thread(): void {
  for (const end_ms = performance.now() + CALL_MS; performance.now() < end_ms; );
}

/** Counts calls in total, and the most in one turn of the event loop. */
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
    ['returns', block_thread],
    [
      'throws',
      () => {
        block_thread()
        throw new Error('thrown by a test on purpose')
      },
    ],
    ['is async, and settles in a promise job', async () => block_thread()],
  ])(
    'an honest client waits for few callbacks of 64 clients that flood, if on_message %s',
    async (_, call) => {
      let floods = 0
      let sent_at = 0
      let honest!: RawPeer
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
          // By now, messages of all flooders have arrived.
          if (floods === FLOODERS * 50) {
            sent_at = floods
            honest.text('honest')
          }
          return call()
        },
      })
      honest = await RawPeer.open(server.addr)
      const flooders = await Promise.all(Array.from({ length: FLOODERS }, () => RawPeer.open(server.addr)))
      for (const peer of flooders)
        peer.write(Buffer.concat(Array.from({ length: EACH }, () => peer.frame(OPCODE.TEXT, 'x'))))
      await waits.until(() => floods === FLOODERS * EACH && waits.entries.length > 0)
      expect(Math.max(...waits.entries)).toBeLessThan(TOO_MANY_CALLS)
    },
  )

  it.each([
    ['returns', block_thread],
    ['is async, and settles in a promise job', async () => block_thread()],
  ])(
    'few callbacks are for messages of clients that have disconnected, if on_message %s',
    async (_, call) => {
      const MESSAGES = 3_000
      const turns = new TurnCounter()
      let flooder!: RawPeer
      const { server, closes } = await start_server({
        on_message: () => {
          turns.count()
          // All of its messages have been read; its reset is next.
          if (turns.total === 1) flooder.reset()
          return call()
        },
      })
      flooder = await RawPeer.open(server.addr)
      flooder.write(Buffer.concat(Array.from({ length: MESSAGES }, () => flooder.frame(OPCODE.TEXT, 'x'))))
      await closes.first()
      expect(turns.total).toBe(MESSAGES)
      expect(turns.most).toBeLessThan(TOO_MANY_CALLS)
    },
  )

  it.each<[string, (client: WsClient, call: () => void) => void]>([
    ['on_message returns', (client, call) => client.on_message(call)],
    [
      'on_message is async, and settles in a promise job',
      (client, call) => client.on_message(async () => call()),
    ],
    [
      'a loop reads the messages',
      async (client, call) => {
        for await (const _ of client) call()
      },
    ],
  ])('a client handles few messages, if %s', async (_, handle) => {
    const MESSAGES = 3_000
    const turns = new TurnCounter()
    const server = dispose_after_test(await RawServer.start())
    const client = dispose_after_test(connect({ type: 'ws', url: server.url }))
    const peer = await server.accept_open()
    await client.opened
    peer.write(Buffer.concat(Array.from({ length: MESSAGES }, () => peer.frame(OPCODE.TEXT, 'x'))))
    const calls = new Journal<number>()
    handle(client, () => {
      turns.count()
      block_thread()
      if (turns.total === MESSAGES) calls.add(MESSAGES)
    })
    await calls.first()
    expect(turns.most).toBeLessThan(TOO_MANY_CALLS)
  })
})

describe('a connection that has used its share of a turn', () => {
  it('continues in the next one, however long a callback takes', async () => {
    const { server, messages } = await start_server({
      on_message: async (socket, data) => {
        await new Promise(resolve => setImmediate(resolve))
        socket.send(data.slice(0, 3))
      },
    })
    const client = dispose_after_test(
      connect({ type: 'ws', url: `ws://${server.addr}/ws`, on_message: () => {} }),
    )
    const large = 'x'.repeat(65_536)
    for (let sent = 0; sent < 200; ) {
      if (client.send(large) === true) sent += 1
      else await client.drained()
    }
    await messages.count(200)
  })
})
