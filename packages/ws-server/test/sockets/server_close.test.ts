import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Journal } from '@bt/test-support/journal'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import type { WebSocket } from 'ws'
import { type CloseInfo, refuse, type WsListenOptions, type WsServer } from '../../src/index.js'
import { RawClient } from '../raw_client.js'
import { connect_client, start_open, stop_all } from '../started_server.js'

afterEach(stop_all)

interface Held {
  readonly server: WsServer
  /** The messages that the callback has handled, in order. */
  readonly done: string[]
  readonly infos: CloseInfo[]
  /** Settles when the handler has been called. */
  readonly called: Promise<void>
  release(): void
}

/** A server whose handler answers each message only when it is released. */
async function start_pending(options: Partial<WsListenOptions> = {}): Promise<Held> {
  let release = (): void => {}
  let call = (): void => {}
  const released = new Promise<void>(resolve => (release = resolve))
  const called = new Promise<void>(resolve => (call = resolve))
  const done: string[] = []
  const infos: CloseInfo[] = []
  const server = await start_open({
    on_message: async (socket, data) => {
      call()
      await released
      done.push(data)
      socket.send(`done ${data}`)
    },
    on_close: (_socket, info) => infos.push(info),
    ...options,
  })
  return { server, done, infos, called, release: () => release() }
}

/** Records the messages of a client, and how it ends. */
function record_client(ws: WebSocket): { received: string[]; closed: Promise<[number, string]> } {
  const received: string[] = []
  ws.on('message', data => received.push(String(data)))
  const closed = once(ws, 'close').then(([code, reason]): [number, string] => [code, String(reason)])
  return { received, closed }
}

describe('close', () => {
  it('lets the callbacks of received messages finish, and sends their messages before the Close', async () => {
    const { server, done, infos, release } = await start_pending()
    const ws = await connect_client(server)
    const { received, closed } = record_client(ws)
    const arrived = new Journal<unknown>()
    const add = (event: unknown): void => arrived.add(event)
    subscribe('bt.net.message', add)
    onTestFinished(() => void unsubscribe('bt.net.message', add))
    for (const data of ['a', 'b', 'c']) ws.send(data)
    await arrived.count(3)
    expect(server.close()).toBe(true)
    expect([...server.sockets][0]?.send('still open')).toBe(true)
    release()
    expect(await closed).toEqual([1001, ''])
    await server.closed
    expect(done).toEqual(['a', 'b', 'c'])
    expect(received).toEqual(['still open', 'done a', 'done b', 'done c'])
    expect(infos).toMatchObject([{ code: 1001, cause: 'shutdown', clean: true, unsent: 0 }])
  })

  it('reads no more: later messages of a client reach no callback', async () => {
    const { server, done, called, release } = await start_pending()
    const ws = await connect_client(server)
    const { closed } = record_client(ws)
    ws.send('before')
    await called
    server.close()
    const [socket] = server.sockets
    await new Promise<void>(resolve => ws.send('after', () => resolve()))
    release()
    await closed
    await socket?.closed
    expect(done).toEqual(['before'])
  })

  it.each([
    ['plain', false],
    ['compressed', true],
  ])(
    'with late messages delivered hands on what a client sent before it heard of it, %s',
    async (_, compression) => {
      const { server, done, called, release } = await start_pending({ compression })
      const ws = await connect_client(server, '/ws', { perMessageDeflate: compression })
      const { received, closed } = record_client(ws)
      ws.send('before')
      await called
      server.close({ late: 'delivered' })
      const late = Array.from({ length: 2_000 }, (_, index) => `${index}`.padEnd(200, 'x'))
      for (const data of late) ws.send(data)
      release()
      expect(await closed).toEqual([1001, ''])
      await server.closed
      expect(done).toEqual(['before', ...late])
      expect(received).toEqual(['done before'])
    },
  )

  it('waits at most drain_ms, and drops messages that still wait', async () => {
    const { server, done, called, release } = await start_pending()
    const ws = await connect_client(server)
    const { closed } = record_client(ws)
    ws.send('a')
    ws.send('b')
    await called
    server.close({ drain_ms: 20 })
    expect(await closed).toEqual([1001, ''])
    release()
    await server.closed
    expect(done).toEqual(['a'])
  })

  it('a second time with drain_ms 0 waits no longer', async () => {
    const { server, called, release } = await start_pending()
    const ws = await connect_client(server)
    const { closed } = record_client(ws)
    ws.send('a')
    await called
    server.close({ drain_ms: 2_000_000_000 })
    server.close({ drain_ms: 0, code: 4_000 })
    expect(await closed).toEqual([4_000, ''])
    release()
    await server.closed
  })

  it('sends each client a delay of its own with 1012 if spread_ms is given', async () => {
    const server = await start_open()
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect_client(server)))
    const closes_of_clients = clients.map(ws => record_client(ws).closed)
    server.close({ spread_ms: 60_000, reason: 'new version' })
    const closes = await Promise.all(closes_of_clients)
    const waits_ms = closes.map(([code, reason]) => {
      expect(code).toBe(1012)
      expect(reason).toMatch(/^new version; retry_after_ms=\d+$/)
      return Number(reason.split('=')[1])
    })
    for (const wait_ms of waits_ms) expect(wait_ms).toBeLessThan(60_000)
    expect(new Set(waits_ms).size).toBeGreaterThan(10)
  })

  it('closes with the code and the reason that are given', async () => {
    const server = await start_open()
    const { closed } = record_client(await connect_client(server))
    server.close({ code: 4_321, reason: 'für heute genug' })
    expect(await closed).toEqual([4_321, 'für heute genug'])
  })

  it('throws for invalid options, and keeps running', async () => {
    const server = await start_open()
    expect(() => server.close({ drain_ms: -1 })).toThrow('close: the option drain_ms is -1; expected')
    expect(() => server.close({ code: 1006 })).toThrow('close: the option code is 1006; expected 1000, 1001')
    await connect_client(server)
    expect(server.sockets.size).toBe(1)
  })

  it('destroys after close_timeout the socket of a client that does not read why it was refused', async () => {
    const server = await start_open({
      close_timeout: 50,
      handshake_timeout: 600_000,
      authorize: () => refuse(403, 'no', { 'X-Long': 'x'.repeat(50_000_000) }),
    })
    const client = RawClient.ask(server.addr)
    await once(client.socket, 'readable')
    server.close()
    await server.closed
    client.socket.destroy()
  })

  it('is called by await using', async () => {
    const { server, done, called, release } = await start_pending()
    const ws = await connect_client(server)
    const { closed } = record_client(ws)
    ws.send('a')
    await called
    const disposed = (async () => {
      await using _server = server
    })()
    release()
    await disposed
    expect(await closed).toEqual([1001, ''])
    expect(done).toEqual(['a'])
  })
})
