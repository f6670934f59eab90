import type * as net from '@bt/net'
import { close_payload, OPCODE } from '@bt/test-support/frames'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { RawPeer } from '../src/raw_peer.ts'
import {
  expect_serving,
  start_client,
  start_raw_server,
  start_server,
  unix_bind,
  url_of,
} from './endpoints.ts'
import { gate } from './test_connection.ts'
import { measure, run_server } from './test_process.ts'

const MIB = 1_048_576

async function stalled_peers(addr: string, count: number): Promise<readonly RawPeer[]> {
  const peers: RawPeer[] = []
  while (peers.length < count) {
    const more = await Promise.all(
      Array.from({ length: Math.min(50, count - peers.length) }, () => RawPeer.open(addr)),
    )
    peers.push(...more)
  }
  for (const peer of peers) peer.stop_reading()
  return peers
}

describe('a server', () => {
  it('sheds sockets with 1013 when 1,000 peers stop reading, so that its memory is bounded by max_total_queue', async () => {
    const bind = unix_bind()
    const { program } = await run_server({ bind, max_total_queue: 16 * MIB, close_timeout: 500 })
    const peers = await stalled_peers(bind, 1_000)
    await program.times('open', 1_000)
    const before = await measure(program)
    // 300 MiB in total, of which the kernel buffers about two thirds.
    program.send({ command: 'send', count: 75, size: 4_096 })
    const { queued } = await program.event('sent')
    const after = await measure(program)
    expect(after.stats.shed).toBeGreaterThan(100)
    // A shed socket keeps the batch that is being written, 64 KiB and a message, until it is terminated.
    expect(queued).toBeLessThanOrEqual(16 * MIB + after.stats.shed * 69_632)
    // Queues, batches that the kernel has not accepted yet, and leeway for the runtime.
    expect(after.rss_bytes - before.rss_bytes).toBeLessThan(256 * MIB)
    const shed = await program.event('error', ({ code }) => code === 'queue_shed')
    expect(shed.message).toContain('1013')
    await program.times('close', after.stats.shed)
    expect((await measure(program)).stats.queued_bytes).toBeLessThanOrEqual(16 * MIB)
    for (const { info } of program.events('close'))
      expect(info).toMatchObject({ cause: 'overflow', code: 1013 })
    const { ws, messages } = start_client(`ws+${bind}:/ws`)
    ws.send('are you there?')
    await messages.first()
    for (const { socket } of peers) socket.destroy()
  })

  it('sheds the socket with the largest queue, and keeps those with small ones', async () => {
    const { server, connects, closes, errors } = await start_server({
      bind: unix_bind(),
      max_queue: 16 * MIB,
      max_total_queue: 2 * MIB,
    })
    const peers = await stalled_peers(server.addr, 5)
    await connects.count(5)
    const [greedy, ...others] = connects.entries as net.WsSocket[]
    for (const socket of others) for (let index = 0; index < 500; index += 1) socket.send('x'.repeat(1_024))
    for (let index = 0; index < 4_096 && closes.entries.length === 0; index += 1)
      greedy?.send('x'.repeat(1_024))
    const { socket, info } = await closes.first()
    expect(socket).toBe(greedy)
    expect(info).toMatchObject({ cause: 'overflow', code: 1013 })
    expect(errors.entries.map(({ code }) => code)).toEqual(['queue_shed'])
    expect(server.sockets.size).toBe(4)
    for (const peer of peers.slice(1)) peer.resume_reading()
    await Promise.all(others.map(other => other.drained()))
    await expect_serving(server)
  })

  it('keeps running when all callbacks throw', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => void warn.mockRestore())
    const fail = (): never => {
      throw new Error('thrown by a test on purpose')
    }
    const { server, messages, closes, errors } = await start_server({
      on_connect: fail,
      on_message: fail,
      on_close: fail,
      on_error: fail,
    })
    const clients = Array.from({ length: 20 }, () =>
      start_client(url_of(server), { on_open: fail, on_message: fail, on_close: fail, on_error: fail }),
    )
    for (const { ws } of clients) for (let index = 0; index < 10; index += 1) ws.send(String(index))
    await messages.count(200)
    for (const socket of server.sockets) socket.send('from the server')
    await Promise.all(clients.map(client => client.messages.first()))
    for (const { ws } of clients) ws.close()
    await closes.count(20)
    await Promise.all(clients.map(({ ws }) => ws.closed))
    // 20 calls of on_connect, 200 of on_message, and 20 of on_close.
    await errors.count(240)
    expect(errors.entries.every(({ code }) => code === 'handler_failed')).toBe(true)
    expect(server.sockets.size).toBe(0)
    // An error in `on_error` becomes a warning, up to the limit of warnings.
    expect(warn.mock.calls.length).toBeGreaterThanOrEqual(10)
  })

  it('finishes the callbacks that have started when it is closed, and sends their messages before the Close', async () => {
    const started: string[] = []
    const { passed, open } = gate()
    const { server, messages, closes } = await start_server({
      on_message: async (socket, data) => {
        started.push(data)
        await passed
        expect(socket.send(data)).toBe(true)
      },
    })
    const clients = Array.from({ length: 20 }, (_, id) => ({ id, ...start_client(url_of(server)) }))
    await Promise.all(clients.map(({ opens }) => opens.first()))
    for (const { ws, id } of clients) for (let index = 0; index < 50; index += 1) ws.send(`${index} of ${id}`)
    await messages.count(clients.length)
    server.close({ drain_ms: 10_000 })
    open()
    const infos = await Promise.all(clients.map(client => client.closes.first()))
    await server.closed
    expect(infos.every(({ code, clean }) => code === 1001 && clean)).toBe(true)
    expect(closes.entries.every(({ info }) => info.cause === 'shutdown' && info.unsent === 0)).toBe(true)
    const received = clients.flatMap(client => client.messages.entries)
    expect(received.sort()).toEqual(started.sort())
    expect(started.length).toBeGreaterThanOrEqual(clients.length)
  })

  it('spreads the reconnects of 300 clients over spread_ms', async () => {
    const spread_ms = 60_000
    const { server } = await start_server()
    const clients = Array.from({ length: 300 }, () =>
      start_client(url_of(server), { reconnect: { min_delay: 1, max_delay: 100 } }),
    )
    await Promise.all(clients.map(({ opens }) => opens.first()))
    server.close({ spread_ms })
    const waits = await Promise.all(clients.map(client => client.waits.first()))
    const delays = waits.map(({ delay_ms }) => delay_ms).sort((a, b) => a - b)
    expect(waits.every(({ info }) => info.code === 1012 && info.cause === 'peer')).toBe(true)
    expect(delays.at(-1)).toBeLessThan(spread_ms)
    // 300 random delays leave a tenth of the span empty less than once in 10^12 runs.
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const from_ms = (tenth * spread_ms) / 10
      expect(delays.some(delay => delay >= from_ms && delay < from_ms + spread_ms / 10)).toBe(true)
    }
  })
})

describe('a client', () => {
  it('doubles the bound of its delays while a server drops every connection after the handshake', async () => {
    const hostile = await start_raw_server()
    const { ws, waits, opens, errors } = start_client(hostile.url, {
      reconnect: { min_delay: 4, max_delay: 60_000 },
    })
    for (let attempt = 1; attempt <= 7; attempt += 1) {
      const peer = await hostile.accept_open()
      await opens.count(attempt)
      attempt % 2 === 0 ? peer.reset() : peer.half_close()
      const wait = (await waits.count(attempt))[attempt - 1] as net.ReconnectInfo
      expect(wait.attempt).toBe(attempt)
      expect(wait.delay_ms).toBeLessThan(4 * 2 ** (attempt - 1))
    }
    expect(errors.entries.map(({ code }) => code)).toEqual(Array.from({ length: 7 }, () => 'connection_lost'))
    ws.close()
    expect(await ws.closed).toMatchObject({ unsent: 0 })
  })

  it('waits for as long as the Retry-After of a 503 asks, and does not reconnect after a 403', async () => {
    const hostile = await start_raw_server()
    const { waits } = start_client(hostile.url, { reconnect: { min_delay: 1 } })
    const busy = await hostile.accept()
    await busy.head()
    busy.write('HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n')
    expect((await waits.first()).delay_ms).toBe(30_000)
    const other = start_client(hostile.url, { reconnect: { min_delay: 1 } })
    const strict = await hostile.accept()
    await strict.head()
    strict.write('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n')
    expect(await other.closes.first()).toMatchObject({ cause: 'refused' })
    expect(other.waits.entries).toEqual([])
  })

  it('sends messages that were not handed to the network after the next open, in order and once', async () => {
    const hostile = await start_raw_server()
    const { ws, waits, closes } = start_client(hostile.url, {
      reconnect: { min_delay: 1 },
      max_queue: 64 * MIB,
    })
    const count = 10_000
    for (let index = 0; index < count; index += 1) expect(ws.send(`${index} `.padEnd(1_024, 'x'))).toBe(true)
    const first = await hostile.accept_open()
    await first.frames.count(100)
    first.reset()
    const { info } = await waits.first()
    const second = await hostile.accept_open()
    await second.frames.first(({ payload }) => Number.parseInt(payload.toString(), 10) === count - 1)
    const number_of = ({ payload }: { payload: Buffer }): number => Number.parseInt(payload.toString(), 10)
    const [before, after] = [first.frames.entries.map(number_of), second.frames.entries.map(number_of)]
    expect(before).toEqual(Array.from(before.keys()))
    const resumed_at = after[0] as number
    expect(after).toEqual(Array.from({ length: count - resumed_at }, (_, index) => resumed_at + index))
    expect(resumed_at).toBeGreaterThanOrEqual(before.length)
    expect(info.unsent).toBeLessThanOrEqual(resumed_at - before.length)
    expect(closes.entries).toEqual([])
  })

  it('obeys a Close that arrives within a fragmented message', async () => {
    const hostile = await start_raw_server()
    const { ws, messages, closes, opens } = start_client(hostile.url)
    const peer = await hostile.accept_open()
    await opens.first()
    peer.is_responsive = false
    peer.send(OPCODE.TEXT, 'half of', { fin: false })
    peer.send(OPCODE.CLOSE, close_payload(4_000, 'enough'))
    expect(await closes.first()).toMatchObject({ code: 4_000, reason: 'enough', cause: 'peer', clean: true })
    expect(messages.entries).toEqual([])
    expect(ws.state).toBe('closed')
  })
})
