import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Journal } from '@bt/test-support/journal'
import { afterEach, describe, expect, it } from 'vitest'
import type { CloseInfo, WsServer, WsServerError } from '../../src/index.js'
import { RawClient } from '../raw_client.js'
import { connect_client, start_open, stop_all } from '../started_server.js'

const MIB = 1_048_576

afterEach(stop_all)

describe('max_total_queue', () => {
  it('closes only the sockets with the largest queues when all queues together exceed the limit', async () => {
    const errors: WsServerError[] = []
    const infos: CloseInfo[] = []
    const server = await start_open({
      max_queue: 16 * MIB,
      max_total_queue: 32 * MIB,
      close_timeout: 50,
      on_error: error => errors.push(error),
      on_close: (_socket, info) => infos.push(info),
    })
    const stalled = await Promise.all(Array.from({ length: 6 }, () => RawClient.upgraded(server.addr)))
    for (const client of stalled) client.socket.pause()
    const ws = await connect_client(server)
    const [reader] = [...server.sockets].slice(-1)
    const message = 'x'.repeat(MIB)
    for (let round = 0; round < 13; round += 1) {
      server.broadcast(message, { except: reader })
      expect(server.stats().queued_bytes).toBeLessThanOrEqual(33 * MIB)
    }
    expect(server.stats().shed).toBeGreaterThanOrEqual(3)
    reader?.send('still here')
    expect(String((await once(ws, 'message'))[0])).toBe('still here')
    expect(errors.length).toBe(server.stats().shed)
    for (const error of errors) {
      expect(error.code).toBe('queue_shed')
      expect(error.message).toContain(`max_total_queue is ${32 * MIB}`)
      expect(error.socket).not.toBe(reader)
    }
    const shed = errors.map(({ socket }) => socket?.closed)
    for (const info of (await Promise.all(shed)) as CloseInfo[]) {
      expect(info).toMatchObject({ code: 1013, cause: 'overflow' })
      expect(info.unsent).toBeGreaterThan(0)
    }
    for (const client of stalled) client.socket.destroy()
  })

  it('calls on_error at the end of the turn, so that an on_error that broadcasts is not reentered', async () => {
    let depth = 0
    const depths: number[] = []
    const server: WsServer = await start_open({
      max_queue: MIB,
      max_total_queue: 4 * MIB,
      on_error: () => {
        depth += 1
        depths.push(depth)
        server.broadcast('y'.repeat(100_000))
        depth -= 1
      },
    })
    const stalled = await Promise.all(Array.from({ length: 40 }, () => RawClient.upgraded(server.addr)))
    for (const client of stalled) client.socket.pause()
    while (server.stats().shed === 0) {
      server.broadcast('x'.repeat(100_000))
      expect(server.stats().queued_bytes).toBeLessThanOrEqual(5 * MIB)
      expect(depths).toEqual([])
      await new Promise(setImmediate)
    }
    expect(new Set(depths)).toEqual(new Set([1]))
    expect(depths.length).toBe(server.stats().shed)
    for (const client of stalled) client.socket.destroy()
  })

  it('never closes sockets whose peers read', async () => {
    const server = await start_open({ max_total_queue: MIB })
    const ws = await connect_client(server)
    const [socket] = server.sockets
    let received = 0
    ws.on('message', () => (received += 1))
    for (let i = 0; i < 400; i += 1) {
      socket?.send('x'.repeat(65_536))
      await socket?.drained()
    }
    while (received < 400) await once(ws, 'message')
    expect(server.stats().shed).toBe(0)
  })
})

describe('diagnostics channels', () => {
  it('report the events of a server to subscribers', async () => {
    const journal = new Journal<readonly [string, Record<string, unknown>]>()
    const names = ['open', 'close', 'message', 'queue_full', 'refused', 'error'].map(name => `bt.net.${name}`)
    const listen = (message: unknown, name: string | symbol): void =>
      journal.add([String(name), message as Record<string, unknown>])
    for (const name of names) channel(name).subscribe(listen)
    try {
      const server = await start_open({
        max_queue: 100_000,
        on_message: (socket, data) => {
          while (socket.send(data.repeat(60_000)) === true);
        },
        on_error: () => {},
      })
      const ws = await connect_client(server)
      const [socket] = server.sockets
      ws.pause()
      ws.send('a')
      await journal.first(([name]) => name === 'bt.net.error')
      const refused = new RawClient(server.addr)
      refused.send_lines(['GET /elsewhere HTTP/1.1', 'Host: localhost'])
      await once(refused.socket, 'connect')
      const refused_addr = `127.0.0.1:${refused.socket.localPort}`
      await refused.until_ended()
      ws.terminate()
      await socket?.closed
      const reported = journal.entries
      const is_sent_again = (_: unknown, i: number): boolean =>
        reported[i]?.[1].data === reported[i - 1]?.[1].data
      const events = reported.filter((each, i) => each[1].direction !== 'sent' || !is_sent_again(each, i))
      expect(events.map(([name]) => name)).toEqual([
        'bt.net.open',
        'bt.net.message',
        'bt.net.message',
        'bt.net.queue_full',
        'bt.net.error',
        'bt.net.refused',
        'bt.net.close',
      ])
      const event = (index: number): unknown => events[index]?.[1]
      expect(event(0)).toEqual({ side: 'server', handle: socket })
      expect(event(1)).toEqual({
        side: 'server',
        handle: socket,
        direction: 'received',
        data: 'a',
        payload_bytes: 1,
      })
      expect(event(2)).toMatchObject({ direction: 'sent', data: 'a'.repeat(60_000), payload_bytes: 60_000 })
      expect(event(3)).toMatchObject({ handle: socket, error: { code: 'queue_full' } })
      expect(event(4)).toMatchObject({ side: 'server', handle: socket, error: { code: 'queue_full' } })
      expect(event(5)).toEqual({
        side: 'server',
        reason: 'wrong_path',
        status: 404,
        addr: refused_addr,
        path: '/elsewhere',
      })
      expect(event(6)).toMatchObject({
        handle: socket,
        info: { code: 1006, cause: 'network' },
        will_reconnect: false,
      })
    } finally {
      for (const name of names) channel(name).unsubscribe(listen)
    }
  })

  it('report a socket after its server knows it, so that close() within the event closes it', async () => {
    const server = await start_open()
    const closes = (): unknown => server.close()
    channel('bt.net.open').subscribe(closes)
    try {
      const ws = await connect_client(server)
      const [code] = await once(ws, 'close')
      expect(code).toBe(1001)
      await server.closed
    } finally {
      channel('bt.net.open').unsubscribe(closes)
    }
  })

  it('report the address, the path if known, and the status of a refused client', async () => {
    const reported: unknown[] = []
    const listen = (event: unknown): unknown => reported.push(event)
    channel('bt.net.refused').subscribe(listen)
    try {
      const server = await start_open()
      const addrs: string[] = []
      for (const lines of [['what is this'], ['GET /ws?a=b HTTP/1.1', 'Host: localhost']]) {
        const client = new RawClient(server.addr)
        await once(client.socket, 'connect')
        addrs.push(`127.0.0.1:${client.socket.localPort}`)
        client.send_lines(lines)
        await client.until_ended()
      }
      expect(reported).toEqual([
        { side: 'server', reason: 'bad_handshake', status: 400, addr: addrs[0], path: undefined },
        { side: 'server', reason: 'not_websocket', status: 426, addr: addrs[1], path: '/ws' },
      ])
    } finally {
      channel('bt.net.refused').unsubscribe(listen)
    }
  })
})
