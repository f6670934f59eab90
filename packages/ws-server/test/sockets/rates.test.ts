import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import type { CloseInfo, WsListenOptions, WsServer } from '../../src/index.js'
import { masked_frame, RawClient } from '../raw_client.js'
import { connect_client, start_open, stop_all } from '../started_server.js'

const TEXT = 0x81

afterEach(stop_all)

interface Started {
  readonly server: WsServer
  readonly received: string[]
  readonly infos: CloseInfo[]
}

/** Starts a server that collects messages. No test waits for as long as its time limits are. */
async function start(options: Partial<WsListenOptions>): Promise<Started> {
  const received: string[] = []
  const infos: CloseInfo[] = []
  const server = await start_open({
    close_timeout: 1_000_000,
    on_message: (_socket, data) => void received.push(data),
    on_close: (_socket, info) => void infos.push(info),
    ...options,
  })
  return { server, received, infos }
}

async function until(is_reached: () => boolean): Promise<void> {
  while (!is_reached()) await new Promise(setImmediate)
}

describe('messages_per_second and bytes_per_second', () => {
  it.each([
    ['messages', { messages_per_second: 20 }],
    ['bytes', { bytes_per_second: 200 }],
  ])('delay what is over them, and count the socket once: by %s', async (_name, options) => {
    const { server, received } = await start(options)
    const client = await RawClient.upgraded(server.addr)
    const texts = Array.from({ length: 30 }, (_, i) => String(1_000 + i))
    const began_ms = performance.now()
    client.send(Buffer.concat(texts.map(text => masked_frame(TEXT, Buffer.from(text)))))
    await until(() => received.length === 30)
    // A timer may fire a little early.
    expect(performance.now() - began_ms).toBeGreaterThan(480)
    expect(received).toEqual(texts)
    expect(server.stats()).toMatchObject({ slowed: 1, sockets: 1, shed: 0, inbox_shed: 0 })
    client.socket.destroy()
  })

  it('are of each socket: another one is not slowed', async () => {
    const { server, received } = await start({ messages_per_second: 1 })
    const [flood, other] = await Promise.all([connect_client(server), connect_client(server)])
    for (let i = 0; i < 100; i += 1) flood.send('flood')
    await until(() => server.stats().slowed === 1)
    other.send('other')
    await until(() => received.includes('other'))
    expect(received.filter(text => text === 'flood')).toHaveLength(1)
    flood.terminate()
    other.terminate()
  })

  it.each([
    ['its server', (server: WsServer) => void server.close()],
    ['its server, with a time to come back,', (server: WsServer) => void server.close({ spread_ms: 1 })],
    [
      'its server, though late messages count,',
      (server: WsServer) => void server.close({ late: 'delivered' }),
    ],
    ['the socket', (server: WsServer) => void [...server.sockets][0]?.close(4000, 'enough')],
  ])('delay no Close: of %s', async (_name, close) => {
    const { server, infos } = await start({ messages_per_second: 1 })
    const client = await connect_client(server)
    const closed = once(client, 'close')
    for (let i = 0; i < 10_000; i += 1) client.send('x'.repeat(100))
    await until(() => server.stats().slowed === 1)
    close(server)
    await closed
    await until(() => infos.length === 1)
    expect(infos).toMatchObject([{ clean: true }])
  })

  it('count what is not read yet in inbox_bytes, within bounds', async () => {
    const { server } = await start({ messages_per_second: 1 })
    const client = await RawClient.upgraded(server.addr)
    const frame = masked_frame(TEXT, Buffer.alloc(1_000))
    client.send(Buffer.concat(Array.from({ length: 5_000 }, () => frame)))
    await until(() => server.stats().slowed === 1)
    const { inbox_bytes } = server.stats()
    expect(inbox_bytes).toBeGreaterThan(1_000)
    expect(inbox_bytes).toBeLessThan(300_000)
    client.socket.destroy()
  })

  it('hold for what a client has sent while it waited for authorize', async () => {
    const { server, received } = await start({
      messages_per_second: 1,
      authorize: () => new Promise(resolve => setImmediate(() => setImmediate(resolve))),
    })
    const client = RawClient.ask(server.addr)
    for (let i = 0; i < 100; i += 1) client.send(masked_frame(TEXT, Buffer.from(String(i))))
    await client.header()
    await until(() => server.stats().slowed === 1)
    expect(received).toEqual(['0'])
    client.socket.destroy()
  })

  it('do not slow down a client whose messages are within them', async () => {
    const { server, received } = await start({ messages_per_second: 1_000, bytes_per_second: 1_000_000 })
    const client = await connect_client(server)
    for (let i = 0; i < 500; i += 1) client.send('hello')
    await until(() => received.length === 500)
    expect(server.stats().slowed).toBe(0)
    client.terminate()
  })
})
