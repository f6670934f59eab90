import { once } from 'node:events'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { CloseInfo, WsListenOptions, WsServer, WsServerError, WsSocket } from '../src/index.js'
import { masked_frame, RawClient } from './raw_client.js'
import { connect_client, start_open, stop_all } from './started_server.js'

const errors: WsServerError[] = []

/** Starts a server whose errors are kept. */
async function start(options: Partial<WsListenOptions> = {}): Promise<WsServer> {
  return await start_open({ on_error: err => errors.push(err), ...options })
}

async function next_message(ws: WebSocket): Promise<string> {
  const [data] = await once(ws, 'message')
  return String(data)
}

afterEach(async () => {
  await stop_all()
  errors.splice(0)
})

describe('callbacks', () => {
  it('are called in order: on_connect, each on_message, on_close last and once, with the same socket', async () => {
    const received: string[] = []
    const sockets = new Set<WsSocket>()
    const { promise: all_done, resolve: closed } = deferred()
    const note = (socket: WsSocket, text: string): void => {
      sockets.add(socket)
      received.push(text)
    }
    const server = await start({
      on_connect: socket => note(socket, 'connect'),
      on_message: (socket, data) => note(socket, data),
      on_close: (socket, info) => {
        note(socket, `close ${info.code} ${info.cause}`)
        closed()
      },
    })
    const ws = await connect_client(server)
    ws.send('a')
    ws.send('b')
    ws.close(4000, 'bye')
    await all_done
    expect(received).toEqual(['connect', 'a', 'b', 'close 4000 peer'])
    expect(sockets.size).toBe(1)
  })

  it('of one socket never wait for those of another', async () => {
    let release = (): void => {}
    const server = await start({
      on_message: (socket, data) => {
        if (data === 'slow') return new Promise<void>(resolve => (release = resolve))
        socket.send(`echo:${data}`)
        return undefined
      },
    })
    const [slow, quick] = [await connect_client(server), await connect_client(server)]
    slow.send('slow')
    slow.send('after')
    quick.send('quick')
    expect(await next_message(quick)).toBe('echo:quick')
    expect(server.stats().inbox_bytes).toBeGreaterThan(0)
    release()
    expect(await next_message(slow)).toBe('echo:after')
  })

  it('are optional: without on_message, messages are read and dropped', async () => {
    const server = await start()
    const ws = await connect_client(server)
    for (let i = 0; i < 1_000; i += 1) ws.send('x'.repeat(1_000))
    ws.close()
    await once(ws, 'close')
    expect(errors).toEqual([])
  })

  it('that fail are reported with their socket, which is not printed, and the connection stays open', async () => {
    const server = await start({
      on_connect: () => {
        throw new Error('no welcome')
      },
      on_message: async (socket, data) => {
        socket.send(`got ${data}`)
        throw new Error(`no ${data}`)
      },
    })
    const ws = await connect_client(server)
    ws.send('a')
    expect(await next_message(ws)).toBe('got a')
    ws.send('b')
    expect(await next_message(ws)).toBe('got b')
    expect(errors.map(error => [error.code, (error.cause as Error).message])).toEqual([
      ['handler_failed', 'no welcome'],
      ['handler_failed', 'no a'],
      ['handler_failed', 'no b'],
    ])
    const [socket] = server.sockets
    expect(errors[0]?.socket).toBe(socket)
    expect(Object.keys(errors[0] ?? {})).toEqual(['name', 'code', 'addr'])
    expect(errors[0]?.addr).toBe(socket?.addr)
  })

  it('may close their socket from within', async () => {
    const server = await start({ on_message: socket => socket.close(4001, 'enough') })
    const ws = await connect_client(server)
    ws.send('a')
    const [code, reason] = await once(ws, 'close')
    expect([code, String(reason)]).toEqual([4001, 'enough'])
  })

  it('survive an on_error that throws, and its error becomes a warning', async () => {
    const warnings: Error[] = []
    const warned = (warning: Error): unknown => warnings.push(warning)
    process.on('warning', warned)
    const server = await start({
      on_message: (socket, data) => {
        socket.send(data)
        throw new Error('boom')
      },
      on_error: () => {
        throw new Error('worse')
      },
    })
    const ws = await connect_client(server)
    for (const text of ['a', 'b']) {
      ws.send(text)
      expect(await next_message(ws)).toBe(text)
    }
    process.off('warning', warned)
    expect(warnings).toMatchObject([
      { code: 'handler_failed', message: expect.stringContaining('on_error failed on') },
      {},
    ])
  })
})

describe('forbidden frames of a client', () => {
  it.each([
    ['a reserved bit', masked_frame(0xc1, new Uint8Array([65])), 1002, 'protocol_error'],
    ['an unknown opcode', masked_frame(0x83, new Uint8Array([65])), 1002, 'protocol_error'],
    ['a frame that is not masked', Buffer.from([0x81, 0x01, 65]), 1002, 'protocol_error'],
    ['text that is not UTF-8', masked_frame(0x81, new Uint8Array([0xc3, 0x28])), 1007, 'invalid_utf8'],
    ['a binary message', masked_frame(0x82, new Uint8Array([65])), 1003, 'unexpected_binary'],
    ['a message over max_payload', masked_frame(0x81, new Uint8Array(101)), 1009, 'message_too_large'],
    [
      'too many fragments',
      Buffer.concat([
        masked_frame(0x01, new Uint8Array(1)),
        ...Array.from({ length: 4 }, () => masked_frame(0x00, new Uint8Array(1))),
      ]),
      1008,
      'too_many_fragments',
    ],
    [
      'a Close with a code that is not allowed',
      masked_frame(0x88, new Uint8Array([0x03, 0xed])),
      1002,
      'protocol_error',
    ],
  ])('%s closes with its code, after the messages before it', async (_name, bytes, code, error_code) => {
    const received: string[] = []
    let info: CloseInfo | undefined
    const server = await start({
      max_payload: 100,
      max_fragments: 4,
      close_timeout: 50,
      on_message: (_socket, data) => received.push(data),
      on_close: (_socket, closed) => {
        info = closed
      },
    })
    const client = await RawClient.upgraded(server.addr)
    const [socket] = server.sockets
    client.send(Buffer.concat([masked_frame(0x81, new Uint8Array([104, 105])), bytes]))
    expect(await client.close_code()).toBe(code)
    await socket?.closed
    expect(received).toEqual(['hi'])
    expect(info).toMatchObject({ code, cause: 'protocol', clean: false })
    expect(errors.map(error => error.code)).toEqual([error_code])
    expect(errors[0]?.socket).toBe(socket)
  })

  it('a client that leaves in the middle of a frame ends with 1006 and the cause network', async () => {
    const server = await start()
    const client = await RawClient.upgraded(server.addr)
    const [socket] = server.sockets
    client.send(Buffer.from([0x81, 0xfe, 0x10]))
    client.socket.end()
    await expect(socket?.closed).resolves.toMatchObject({ code: 1006, cause: 'network', clean: false })
    expect(errors).toEqual([])
  })

  it('a client that resets ends with 1006 and the cause network', async () => {
    const server = await start({ on_message: (socket, data) => socket.send(data) })
    const client = await RawClient.upgraded(server.addr)
    const [socket] = server.sockets
    client.send(masked_frame(0x81, new Uint8Array([65])))
    await client.bytes(3)
    client.socket.resetAndDestroy()
    await expect(socket?.closed).resolves.toMatchObject({ code: 1006, cause: 'network' })
  })
})

describe('broadcast', () => {
  it('reaches every socket except one, and returns how many queued it', async () => {
    const server = await start()
    const clients = [await connect_client(server), await connect_client(server), await connect_client(server)]
    const messages = clients.map(next_message)
    const [left_out] = server.sockets
    expect(server.broadcast('first', { except: left_out })).toBe(2)
    expect(server.broadcast('second')).toBe(3)
    expect(await Promise.all(messages)).toEqual(['second', 'first', 'first'])
  })

  it('does not count sockets that are closing or have a full queue', async () => {
    const server = await start({ max_queue: 100 })
    await connect_client(server)
    await connect_client(server)
    const [closing] = server.sockets
    closing?.close()
    expect(server.broadcast('x')).toBe(1)
    expect(server.broadcast('x'.repeat(101))).toBe(0)
  })

  it('throws for data that is neither text nor bytes, even without sockets', async () => {
    const server = await start()
    expect(() => server.broadcast(7 as never)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    expect(server.broadcast('x')).toBe(0)
  })
})

describe('stats', () => {
  it('counts sockets, their queued bytes, and accepted handshakes', async () => {
    const server = await start()
    const ws = await connect_client(server)
    ws.pause()
    const [socket] = server.sockets
    while (socket?.send('x'.repeat(100_000)) === true);
    const stats = server.stats()
    expect(stats).toMatchObject({ sockets: 1, accepted: 1, inbox_bytes: 0 })
    expect(stats.queued_bytes).toBe(socket?.queued)
    expect(stats.queued_bytes).toBeGreaterThan(4_000_000)
    ws.terminate()
  })
})

describe('close', () => {
  it('sends the queue, then 1001, accepts no clients, and is closed when all sockets have ended', async () => {
    const received: string[] = []
    const server = await start({
      on_close: async (_socket, info) => {
        await Promise.resolve()
        received.push(`${info.code} ${info.cause} ${info.clean}`)
      },
    })
    const clients = [await connect_client(server), await connect_client(server)]
    const ends = clients.map(async ws => {
      const message = next_message(ws)
      const [code] = await once(ws, 'close')
      return [await message, code]
    })
    server.broadcast('last words')
    expect(server.close()).toBe(true)
    expect(server.close()).toBe(true)
    expect(await Promise.all(ends)).toEqual([
      ['last words', 1001],
      ['last words', 1001],
    ])
    await server.closed
    expect(received).toEqual(['1001 shutdown true', '1001 shutdown true'])
    const refused = new WebSocket(`ws://${server.addr}/ws`)
    await expect(once(refused, 'open')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('refuses a pending handshake', async () => {
    const server = await start()
    const client = new RawClient(server.addr)
    await once(client.socket, 'connect')
    client.send('GET /ws HTTP/1.1\r\n')
    server.close()
    expect(await client.until_ended()).toBe('')
    await server.closed
  })

  it('waits for a callback that is still running', async () => {
    const received: string[] = []
    let release = (): void => {}
    const { promise: running, resolve: is_running } = deferred()
    const server = await start({
      on_message: async (_socket, data) => {
        const released = new Promise<void>(resolve => (release = resolve))
        is_running()
        await released
        received.push(data)
      },
      on_close: () => received.push('on_close'),
    })
    const ws = await connect_client(server)
    ws.send('work')
    await running
    server.close({ drain_ms: 20 })
    await once(ws, 'close')
    server.closed.then(() => received.push('closed'))
    release()
    await server.closed
    expect(received).toEqual(['work', 'on_close', 'closed'])
  })

  it('terminates after close_timeout a client that does not answer', async () => {
    const server = await start({ close_timeout: 30 })
    const client = await RawClient.upgraded(server.addr)
    const [socket] = server.sockets
    client.socket.pause()
    server.close()
    await expect(socket?.closed).resolves.toMatchObject({ code: 1006, cause: 'shutdown', clean: false })
    await server.closed
    client.socket.destroy()
  })
})
