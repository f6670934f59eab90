import { once } from 'node:events'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, describe, expect, it } from 'vitest'
import { handshake_lines, masked_frame, RawClient } from '../raw_client.js'
import { start_open, stop_all } from '../started_server.js'

const HANDSHAKE = `${Object.values(handshake_lines()).join('\r\n')}\r\n\r\n`

afterEach(stop_all)

describe('a server of its own', () => {
  it.each([0, 1, 20, HANDSHAKE.length - 1])(
    'reads a frame that comes with a handshake whose first part has %i bytes',
    async first => {
      const received = deferred<string>()
      const server = await start_open({ on_message: (_socket, data) => received.resolve(data) })
      const client = new RawClient(server.addr)
      client.socket.setNoDelay()
      if (first > 0) {
        client.send(HANDSHAKE.slice(0, first))
        await new Promise(setImmediate)
      }
      const frame = masked_frame(0x81, Buffer.from('early'))
      client.send(Buffer.concat([Buffer.from(HANDSHAKE.slice(first)), frame]))
      expect(await received.promise).toBe('early')
      client.socket.destroy()
    },
  )

  it('ends the connection of a client that ends without a request, and answers nothing', async () => {
    const server = await start_open()
    const client = new RawClient(server.addr)
    client.socket.end()
    expect(await client.until_ended()).toBe('')
  })

  it('accepts the next client after one that reset its connection without a request', async () => {
    const server = await start_open()
    const client = new RawClient(server.addr)
    await once(client.socket, 'connect')
    client.socket.resetAndDestroy()
    await client.until_ended()
    const next = await RawClient.upgraded(server.addr)
    next.socket.destroy()
  })

  it('closes while clients are connected that have sent no whole request', async () => {
    const server = await start_open()
    const clients = [new RawClient(server.addr), new RawClient(server.addr)]
    clients[1]?.send('GET')
    // By then, those before it were accepted.
    const last = await RawClient.upgraded(server.addr)
    last.socket.destroy()
    server.close()
    await server.closed
    for (const client of clients) expect(await client.until_ended()).toBe('')
  })
})
