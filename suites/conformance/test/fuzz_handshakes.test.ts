import { connect } from 'node:net'
import * as net from '@bt/net'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { ClientSide } from './client_side.ts'
import { close, encode, text } from './frame.ts'
import { fuzz } from './fuzz.ts'
import { request_head, response_head } from './handshake.ts'
import { arbitrary_mutations, cuts, mutate } from './mutation.ts'
import { RawPeer } from './raw_peer.ts'

const WORDS = [
  '\r\n',
  '\n',
  '\r\n\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Expect: 100-continue\r\n',
  'Connection: close\r\n',
  'Upgrade: h2c\r\n',
  'Sec-WebSocket-Protocol: chat, chat\r\n',
  'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n',
  'Host: [::1\r\n',
  'HTTP/1.0',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'POST',
  '%',
  '\xff\xfe',
  'x'.repeat(20_000),
]

/** How often `on_connect` and `on_close` were called; in the end, both must be equal. */
let opened = 0
let ended = 0
/** Errors that no client may cause. */
const failures: net.NetError[] = []
const server = net.listen({
  type: 'ws',
  bind: '127.0.0.1:0',
  compression: true,
  protocols: ['chat'],
  on_connect: () => {
    opened += 1
  },
  on_message: (socket, data) => void socket.send(data),
  on_close: () => {
    ended += 1
  },
  on_error: error => {
    if (error.code === 'server_failed' || error.code === 'handler_failed') failures.push(error)
  },
})
const side = new ClientSide()

afterAll(() => Promise.all([server[Symbol.asyncDispose](), side.close()]))

async function raw_client(): Promise<RawPeer> {
  await server.opened
  return new RawPeer(connect(Number(server.addr.split(':').at(-1)), '127.0.0.1'))
}

test('a server ends every socket with a damaged handshake, and then accepts a valid one', async () => {
  const valid = Buffer.from(request_head(), 'latin1')
  await fuzz(
    'requests',
    fc.asyncProperty(arbitrary_mutations(WORDS), cuts, async (mutations, segmentation) => {
      const peer = await raw_client()
      await peer.send(mutate(valid, mutations), segmentation)
      peer.end()
      await peer.ended

      const next = await raw_client()
      await next.send(Buffer.concat([valid, encode([text('hello'), close(1000)], 'client')]), 'whole')
      expect(await next.head()).toMatch(/^HTTP\/1\.1 101 /)
      expect(await next.ended).toBe(true)
      expect(next.received().frames.map(({ payload }) => payload.toString('latin1'))).toContain('\x03\xe8')
    }),
  )
  await server[Symbol.asyncDispose]()
  expect(ended).toBe(opened)
  expect(failures).toEqual([])
})

test('a client opens or reports why not, whatever the response, and calls on_close once', async () => {
  await fuzz(
    'responses',
    fc.asyncProperty(
      arbitrary_mutations(WORDS),
      cuts,
      fc.boolean(),
      async (mutations, segmentation, is_compressed) => {
        const { ws, events, peer, accept } = await side.connect({ compression: is_compressed })
        const failure = ws.opened.then(
          () => undefined,
          (error: unknown) => error,
        )
        await peer.send(mutate(Buffer.from(response_head(accept), 'latin1'), mutations), segmentation)
        peer.end()
        const error = await failure
        const info = await ws.closed
        expect(events.infos).toEqual([info])
        expect(events.messages.every(message => typeof message === 'string')).toBe(true)
        if (error === undefined) return
        expect(error).toBeInstanceOf(net.NetError)
        expect(['handshake_failed', 'handshake_refused']).toContain((error as net.NetError).code)
        expect(events.errors).toEqual([error])
        expect(info.cause).toBe('refused')
      },
    ),
  )
})
