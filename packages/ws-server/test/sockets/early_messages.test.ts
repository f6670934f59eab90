import { deferred } from '@bt/test-support/deferred'
import { afterEach, expect, it } from 'vitest'
import { RawClient } from '../raw_client.js'
import { start_open, stop_all } from '../started_server.js'

afterEach(stop_all)

/** A frame of a client with a text of 10,000 letters, and the key 0. */
const FRAME = Buffer.concat([Buffer.of(0x81, 0xfe, 0x27, 0x10, 0, 0, 0, 0), Buffer.alloc(10_000, 'x')])

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
}

it('are read from their beginning, or not at all, if the client resets the connection while authorize runs', async () => {
  const { promise: answer, resolve: let_in } = deferred()
  const received: string[] = []
  const errors: string[] = []
  const { promise: is_closed, resolve: closed } = deferred()
  const server = await start_open({
    authorize: () => answer,
    on_message: (_socket, data) => void received.push(data),
    on_error: error => errors.push(error.message),
    on_close: () => closed(),
  })
  const client = RawClient.ask(server.addr)
  // More than is read of a client before it is let in.
  client.send(Buffer.concat(Array<Buffer>(20).fill(FRAME)))
  await turns(200)
  client.socket.resetAndDestroy()
  await turns(200)
  let_in()
  await is_closed
  expect(errors.filter(message => message.includes('RFC 6455'))).toEqual([])
  expect(new Set(received)).toEqual(new Set(received.length > 0 ? ['x'.repeat(10_000)] : []))
})
