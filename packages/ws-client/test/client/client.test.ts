import { once } from 'node:events'
import { check_options } from '@bt/ws-protocol/internal'
import { FakePlatform, FakeSocket } from '@bt/ws-protocol/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type WebSocket, WebSocket as WsWebSocket } from 'ws'
import { connect as connect_in_page } from '../../src/browser/connect.js'
import { Client } from '../../src/client/client.js'
import { type CloseInfo, connect, NetError } from '../../src/index.js'
import { node_rules } from '../../src/node/options.js'
import { start_http_server, start_ws_server, stop_all } from '../echo_server.js'

afterEach(() => {
  stop_all()
  vi.unstubAllGlobals()
})

const echo = (ws: WebSocket): void => {
  ws.on('message', data => ws.send(`echo:${data}`))
}

describe('connect', () => {
  it('returns at once, and sends messages from before it was open, in order', async () => {
    const { url } = await start_ws_server(echo)
    const received: string[] = []
    const ws = connect({ type: 'ws', url })
    expect(ws.state).toBe('connecting')
    expect([ws.addr, ws.type]).toEqual([url, 'ws'])
    expect(ws.send('a')).toBe(true)
    expect(ws.write('b')).toBe(true)
    expect(ws.queued).toBe(2 * 7)
    ws.on_message(data => {
      received.push(data)
      if (received.length === 2) ws.close()
    })
    await ws.closed
    expect(received).toEqual(['echo:a', 'echo:b'])
    expect(ws.state).toBe('closed')
  })

  it('sends what on_open sends ahead of what waited, which it can await', async () => {
    const received: string[] = []
    const { url } = await start_ws_server(ws => {
      ws.on('message', data => {
        if (received.push(String(data)) === 4) ws.close()
      })
    })
    const ws = connect({ type: 'ws', url })
    ws.send('a')
    ws.send('b')
    ws.on_open(async () => {
      ws.send('who I am')
      await ws.drained()
      ws.send('what I want')
    })
    await ws.closed
    expect(received).toEqual(['who I am', 'what I want', 'a', 'b'])
  })

  it('calls on_open before any message, and on_close last', async () => {
    const { url } = await start_ws_server(ws => {
      ws.send('welcome')
      ws.close(4000, 'bye')
    })
    const heard: string[] = []
    const ws = connect({
      type: 'ws',
      url,
      on_open: () => heard.push(`open ${ws.state}`),
      on_message: data => heard.push(data),
      on_close: info => heard.push(`close ${info.code} ${info.reason} ${info.cause}`),
    })
    await ws.closed
    expect(heard).toEqual(['open open', 'welcome', 'close 4000 bye peer'])
  })

  it('uses the callbacks of the options, and registering one replaces it', async () => {
    const { url } = await start_ws_server(echo)
    const heard: string[] = []
    const ws = connect({
      type: 'ws',
      url,
      on_open: () => heard.push('old'),
      on_message: () => heard.push('old'),
      on_close: () => heard.push('old'),
    })
    ws.on_open(() => heard.push('open'))
    ws.on_message(data => {
      heard.push(data)
      ws.close()
    })
    ws.on_close(() => heard.push('close'))
    ws.send('a')
    await ws.closed
    expect(heard).toEqual(['open', 'echo:a', 'close'])
  })

  it.each(['on_open', 'on_message', 'on_close', 'on_error'] as const)(
    'throws when %s is given no function',
    async name => {
      const { url } = await start_ws_server(echo)
      const ws = connect({ type: 'ws', url })
      expect(() => ws[name]('nothing' as never)).toThrow(
        expect.objectContaining({
          code: 'invalid_argument',
          message: `${name} got "nothing": give a function`,
        }),
      )
      await ws[Symbol.asyncDispose]()
    },
  )

  it('accepts bytes if binary is true', async () => {
    const { url } = await start_ws_server(ws => ws.on('message', data => ws.send(data)))
    const ws = connect({ type: 'ws', url, binary: true })
    ws.send(new Uint8Array([1, 2, 3]))
    ws.on_message(data => {
      expect(data).toEqual(new Uint8Array([1, 2, 3]))
      ws.close()
    })
    await ws.closed
    expect.assertions(1)
  })

  it('loses no message that arrives before on_message is registered', async () => {
    const { url } = await start_ws_server(ws => {
      ws.send('a')
      ws.send('b')
      ws.close(4000)
    })
    const ws = connect({ type: 'ws', url })
    const info = await ws.closed
    const heard: string[] = []
    ws.on_message(data => heard.push(data))
    ws.on_close(closed => heard.push(`close ${closed.code}`))
    await ws.closed
    expect(info.code).toBe(4000)
    expect(heard).toEqual(['a', 'b', 'close 4000'])
  })

  it('reports an error of an on_close that was registered late', async () => {
    const { url } = await start_ws_server(ws => ws.close())
    const errors: NetError[] = []
    const ws = connect({ type: 'ws', url, on_error: err => errors.push(err) })
    await ws.closed
    ws.on_close(() => {
      throw new Error('boom')
    })
    await new Promise(resolve => setImmediate(resolve))
    expect(errors).toMatchObject([
      { code: 'handler_failed', message: expect.stringContaining('on_close failed: boom') },
    ])
  })

  it('warns when messages wait without a listener, and delivers them when there is one', async () => {
    const { url } = await start_ws_server(ws => {
      for (let i = 0; i < 300; i += 1) ws.send('x'.repeat(1_024))
      ws.close()
    })
    const told = new Promise<NetError>(resolve => {
      const ws = connect({ type: 'ws', url, on_error: resolve })
      ws.closed.then(() => resolve(new Error('closed first') as NetError))
      late = ws
    })
    expect((await told).code).toBe('no_message_handler')
    let count = 0
    late.on_message(() => {
      count += 1
    })
    await late.closed
    expect(count).toBe(300)
  })

  it('emits a warning for an error without an on_error', async () => {
    const { url, stop } = await start_http_server(() => {})
    stop()
    const warned = once(process, 'warning')
    const ws = connect({ type: 'ws', url })
    const [warning] = await warned
    expect(warning).toMatchObject({ code: 'connection_refused' })
    await ws.closed
  })
})

let late!: ReturnType<typeof connect>

describe('close', () => {
  it('while connecting with an empty queue ends at once', async () => {
    const { url } = await start_ws_server(echo)
    const errors: NetError[] = []
    const ws = connect({ type: 'ws', url, on_error: err => errors.push(err) })
    expect(ws.close()).toBe(true)
    expect(ws.state).toBe('closing')
    await expect(ws.opened).rejects.toMatchObject({ code: 'closed' })
    await expect(ws.closed).resolves.toMatchObject({ code: 1006, cause: 'local', clean: false, unsent: 0 })
    expect(errors).toEqual([])
  })

  it('while connecting sends the queue first', async () => {
    const got = new Promise<string[]>(resolve => {
      const messages: string[] = []
      start_ws_server(ws => {
        ws.on('message', data => messages.push(String(data)))
        ws.on('close', () => resolve(messages))
      }).then(({ url }) => {
        const ws = connect({ type: 'ws', url })
        ws.send('a')
        ws.send('b')
        ws.close()
      })
    })
    expect(await got).toEqual(['a', 'b'])
  })

  it('before it is open, and slow to drain, is not cut off by connect_timeout', () => {
    const platform = new FakePlatform()
    const socket = new FakeSocket()
    const errors: NetError[] = []
    const given = {
      type: 'ws',
      url: 'ws://host/',
      close_timeout: 8_000,
      on_error: (err: NetError) => errors.push(err),
    }
    const ws = new Client(check_options('connect', given, node_rules), {
      platform,
      rules: node_rules,
      open: (_options, sink) => {
        socket.connect_to(sink)
        return { port: socket, protocol: () => '' }
      },
    })
    socket.takes_writes = false
    ws.send('x'.repeat(70_000))
    ws.send('y')
    ws.close()
    socket.open()
    platform.clock.advance(7_000)
    socket.drain()
    platform.clock.advance(7_000)
    expect(errors).toEqual([])
    expect(socket.call_names).toEqual(['write', 'close'])
  })

  it('sends its code and reason to the server, and on_close gets the answer', async () => {
    const seen = new Promise(resolve => {
      start_ws_server(ws => ws.on('close', (code, reason) => resolve([code, String(reason)]))).then(
        async ({ url }) => {
          const ws = connect({ type: 'ws', url })
          await ws.opened
          ws.close(4321, '够了')
          info = await ws.closed
        },
      )
    })
    expect(await seen).toEqual([4321, '够了'])
    let info: CloseInfo | undefined
    await new Promise(resolve => setImmediate(resolve))
    expect(info).toEqual({ code: 4321, reason: '够了', cause: 'local', clean: true, unsent: 0 })
  })

  it.each([[1001], [5000], [1000.5]])('throws for the code %d', async code => {
    const { url } = await start_ws_server(echo)
    const ws = connect({ type: 'ws', url })
    expect(() => ws.close(code)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    await ws[Symbol.asyncDispose]()
  })

  it('is called at the end of await using', async () => {
    const { url } = await start_ws_server(echo)
    const closes: CloseInfo[] = []
    const ws = connect({ type: 'ws', url, on_close: info => closes.push(info) })
    await ws.opened
    await ws[Symbol.asyncDispose]()
    expect(closes).toMatchObject([{ code: 1000, cause: 'local', clean: true }])
  })
})

describe('signal', () => {
  it('closes in order when it is aborted', async () => {
    const { url } = await start_ws_server(echo)
    const controller = new AbortController()
    const ws = connect({ type: 'ws', url, signal: controller.signal })
    await ws.opened
    controller.abort()
    await expect(ws.closed).resolves.toMatchObject({ code: 1000, cause: 'local', clean: true })
  })

  it('that was aborted before lets it never open', async () => {
    const { url } = await start_ws_server(echo)
    const ws = connect({ type: 'ws', url, signal: AbortSignal.abort() })
    await expect(ws.opened).rejects.toMatchObject({ code: 'closed' })
    await expect(ws.closed).resolves.toMatchObject({ cause: 'local' })
  })
})

describe('drained', () => {
  it.each([
    ['on Node', connect],
    ['over a standard WebSocket', connect_in_page],
  ])(
    'rejects with connection_lost %s when a message under way is lost, and what follows goes out',
    async (_name, connect) => {
      vi.stubGlobal('WebSocket', WsWebSocket)
      const sockets: WebSocket[] = []
      const received: string[] = []
      const { url } = await start_ws_server(ws => {
        sockets.push(ws)
        if (sockets.length === 1) ws.pause()
        ws.on('message', data => received.push(String(data)))
      })
      const ws = connect({
        type: 'ws',
        url,
        max_queue: 33_554_432,
        reconnect: { min_delay: 1, max_delay: 10 },
        on_error: () => {},
      })
      await ws.opened
      ws.send('x'.repeat(16_777_216))
      const drained = ws.drained()
      await new Promise(resolve => setImmediate(resolve))
      sockets[0]?.terminate()
      await expect(drained).rejects.toMatchObject({ code: 'connection_lost' })
      ws.send('next')
      await ws.drained()
      ws.close()
      expect(await ws.closed).toMatchObject({ clean: true, unsent: 1 })
      expect(received).toEqual(['next'])
    },
  )
})

describe('for await', () => {
  it('yields the messages in order, and ends when the connection has closed', async () => {
    const { url } = await start_ws_server(ws => {
      for (let i = 0; i < 1_000; i += 1) ws.send(String(i))
      ws.close()
    })
    const received: string[] = []
    const ws = connect({ type: 'ws', url })
    for await (const data of ws) {
      received.push(data)
      if (received.length % 100 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    expect(received).toEqual(Array.from({ length: 1_000 }, (_, index) => String(index)))
  })

  it('gets messages from before the end, while on_close does not wait for a slow loop', async () => {
    const { url } = await start_ws_server(ws => {
      ws.send('a')
      ws.send('b')
      ws.close()
    })
    const heard: string[] = []
    const ws = connect({ type: 'ws', url, on_close: () => heard.push('on_close') })
    for await (const data of ws) {
      await new Promise(resolve => setImmediate(resolve))
      heard.push(data)
    }
    expect(heard.filter(entry => entry !== 'on_close')).toEqual(['a', 'b'])
    expect(heard).toContain('on_close')
  })

  it('throws when the connection is lost', async () => {
    const { url } = await start_ws_server(ws => ws.send('a', () => ws.terminate()))
    const ws = connect({ type: 'ws', url, on_error: () => {} })
    const received: string[] = []
    const loop = async (): Promise<void> => {
      for await (const data of ws) received.push(data)
    }
    await expect(loop()).rejects.toMatchObject({ code: 'connection_lost' })
    expect(received).toEqual(['a'])
  })

  it('throws when the connection never opens', async () => {
    const { url, stop } = await start_http_server(() => {})
    stop()
    const ws = connect({ type: 'ws', url, on_error: () => {} })
    await expect(ws[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'connection_refused' })
  })

  describe.each([
    ['on Node', connect],
    ['over a standard WebSocket', connect_in_page],
  ])('%s', (_name, connect) => {
    it.each([
      ['unexpected_binary', (ws: WebSocket) => ws.send(Buffer.from('two'))],
      ['message_too_large', (ws: WebSocket) => ws.send('x'.repeat(3_000))],
    ])('throws %s after the earlier messages, even if the peer answers the Close', async (code, send) => {
      vi.stubGlobal('WebSocket', WsWebSocket)
      const { url } = await start_ws_server(ws => {
        ws.send('one')
        send(ws)
        ws.send('three')
      })
      const ws = connect({ type: 'ws', url, max_payload: 2_000, on_error: () => {} })
      const received: unknown[] = []
      const loop = async (): Promise<void> => {
        for await (const data of ws) received.push(data)
      }
      await expect(loop()).rejects.toMatchObject({ code })
      expect(received).toEqual(['one'])
    })
  })

  describe('over a socket that a test plays', () => {
    const start = (): { client: Client; socket: FakeSocket; platform: FakePlatform } => {
      const platform = new FakePlatform()
      const socket = new FakeSocket()
      const options = { type: 'ws', url: 'ws://127.0.0.1:9/ws', on_error: () => {} } as const
      const client = new Client(check_options('connect', options, node_rules), {
        platform,
        rules: node_rules,
        open: (_options, sink) => {
          socket.connect_to(sink)
          return { port: socket, protocol: () => '' }
        },
      })
      socket.open()
      return { client, socket, platform }
    }

    const invalid = new NetError('invalid_utf8', 'not UTF-8')

    it.each([
      ['the peer broke a rule', 'invalid_utf8', (socket: FakeSocket) => socket.fail(invalid, 1007)],
      [
        'too much waits for it',
        'inbox_overflow',
        (socket: FakeSocket) => {
          for (let i = 0; i < 18; i += 1) socket.receive('x'.repeat(1_048_576))
        },
      ],
      ['the connection is lost', 'connection_lost', (socket: FakeSocket) => socket.end(1006)],
      [
        'the peer is silent',
        'connection_lost',
        (_socket: FakeSocket, platform: FakePlatform) => platform.clock.advance(60_000),
      ],
    ])('throws when %s, whether or not a Close comes then', async (_name, code, happens) => {
      for (const last of [1006, 1000]) {
        const { client, socket, platform } = start()
        const iterator = client[Symbol.asyncIterator]()
        socket.receive('a')
        happens(socket, platform)
        if (client.state !== 'closed') socket.end(last)
        expect(await iterator.next()).toEqual({ value: 'a', done: false })
        for (let next = iterator.next(); ; next = iterator.next()) {
          const got = await next.catch((error: unknown) => error)
          if (got instanceof NetError) {
            expect(got.code).toBe(code)
            break
          }
          expect(got).toMatchObject({ done: false })
        }
        expect(await iterator.next()).toEqual({ value: undefined, done: true })
      }
    })

    it.each([
      ['the peer closes', (socket: FakeSocket) => socket.end(4000)],
      [
        'this side closes, and the peer does not answer within close_timeout',
        (socket: FakeSocket, platform: FakePlatform, client: Client) => {
          client.close()
          platform.clock.advance(5_000)
          socket.end(1006)
        },
      ],
    ])('ends without an error when %s', async (_name, happens) => {
      const { client, socket, platform } = start()
      const asked = client[Symbol.asyncIterator]().next()
      happens(socket, platform, client)
      expect(await asked).toEqual({ value: undefined, done: true })
    })
  })

  it('does not close when it is left, and a later loop continues there', async () => {
    const { url } = await start_ws_server(ws => {
      for (const text of ['a', 'b', 'c']) ws.send(text)
    })
    const ws = connect({ type: 'ws', url })
    const received: string[] = []
    for await (const data of ws) {
      received.push(data)
      break
    }
    expect(ws.state).toBe('open')
    for await (const data of ws) {
      received.push(data)
      if (data === 'c') ws.close()
    }
    expect(received).toEqual(['a', 'b', 'c'])
  })

  it('does not delay the end after a single request', async () => {
    const { url } = await start_ws_server(ws => {
      for (const text of ['a', 'b', 'c']) ws.send(text)
      ws.close(4000)
    })
    const ws = connect({ type: 'ws', url })
    await expect(ws[Symbol.asyncIterator]().next()).resolves.toMatchObject({ value: 'a' })
    await expect(ws.closed).resolves.toMatchObject({ code: 4000 })
  })

  it('ends when on_message or another loop takes over', async () => {
    const { url } = await start_ws_server(echo)
    const ws = connect({ type: 'ws', url })
    const first = ws[Symbol.asyncIterator]()
    const second = ws[Symbol.asyncIterator]()
    await expect(first.next()).resolves.toEqual({ value: undefined, done: true })
    const asked = second.next()
    const received: string[] = []
    ws.on_message(data => {
      received.push(data)
      ws.close()
    })
    await expect(asked).resolves.toEqual({ value: undefined, done: true })
    await first.return?.()
    ws.send('a')
    await ws.closed
    expect(received).toEqual(['echo:a'])
  })
})
