import { connect, type WsSocket } from '@bt/net'
import { describe, expect, it } from 'vitest'
import { OPCODE } from '../src/frame.ts'
import { Journal } from '../src/journal.ts'
import { Wire } from '../src/wire.ts'
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
