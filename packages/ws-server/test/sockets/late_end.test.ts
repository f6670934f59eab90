import { once } from 'node:events'
import { connect } from 'node:tls'
import { make_self_signed } from '@bt/test-support/certificates'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, expect, it, vi } from 'vitest'
import { handshake_lines, masked_frame } from '../raw_client.js'
import { start_open, stop_all } from '../started_server.js'

const identity = await make_self_signed({ hosts: ['127.0.0.1'] })

afterEach(async () => {
  vi.useRealTimers()
  await stop_all()
})

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
}

it('delivers over TLS all messages that a client sent before it ended its side, however long callbacks take', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { promise: released, resolve: release } = deferred()
  const received: string[] = []
  const { promise: code, resolve: closed } = deferred<number>()
  const server = await start_open({
    tls: identity,
    // The client does not read it, so that the server's side does not end.
    on_connect: socket => void socket.send('x'.repeat(4_000_000)),
    on_message: (_socket, data) => {
      received.push(data)
      return released
    },
    on_close: (_socket, info) => closed(info.code),
  })
  const client = connect({
    port: Number(server.addr.split(':').at(-1)),
    host: '127.0.0.1',
    ca: identity.cert,
  })
  client.on('error', () => {})
  await once(client, 'secureConnect')
  client.write(`${Object.values(handshake_lines()).join('\r\n')}\r\n\r\n`)
  // 256 KiB and more of memory wait with these.
  const many = Buffer.concat(Array<Buffer>(2_010).fill(masked_frame(0x81, Buffer.from('x'))))
  client.write(many)
  while (server.stats().inbox_bytes < 250_000) await turns(1)
  const close = masked_frame(0x88, Buffer.of(0x0f, 0xa0))
  const last = Array.from({ length: 400 }, () => masked_frame(0x81, Buffer.from('y')))
  client.end(Buffer.concat([...last, close]))
  await turns(200)
  // Far longer than close_timeout.
  for (let second = 0; second < 20; second += 1) {
    vi.advanceTimersByTime(1_000)
    await turns(3)
  }
  release()
  client.resume()
  expect(await code).toBe(4_000)
  expect(received.length).toBe(2_410)
})
