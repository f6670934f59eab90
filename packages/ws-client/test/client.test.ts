import { once } from 'node:events'
import { check_options } from '@bt/ws-protocol'
import { FakePlatform, FakeSocket } from '@bt/ws-protocol/testing'
import { afterEach, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { Client } from '../src/client.js'
import { type CloseInfo, connect, type NetError } from '../src/index.js'
import { node_rules } from '../src/node/options.js'
import { start_http_server, start_ws_server, stop_all } from './echo_server.js'

afterEach(stop_all)

const echo = (ws: WebSocket): void => {
  ws.on('message', data => ws.send(`echo:${data}`))
}

describe('connect', () => {
  it('returns at once, and sends what was sent before it was open, in order', async () => {
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

  it('takes the callbacks of the options, and one that is registered replaces the one before', async () => {
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

  it('takes bytes where binary is true', async () => {
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

  it('loses nothing that arrives before anyone has registered', async () => {
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

  it('reports an on_close that fails, though it was registered late', async () => {
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

  it('says so when messages pile up for nobody, and goes on when somebody comes', async () => {
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

  it('says aloud an error that no on_error takes', async () => {
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
  it('while it connects with nothing to send gives up at once', async () => {
    const { url } = await start_ws_server(echo)
    const errors: NetError[] = []
    const ws = connect({ type: 'ws', url, on_error: err => errors.push(err) })
    expect(ws.close()).toBe(true)
    expect(ws.state).toBe('closing')
    await expect(ws.opened).rejects.toMatchObject({ code: 'closed' })
    await expect(ws.closed).resolves.toMatchObject({ code: 1006, cause: 'local', clean: false, unsent: 0 })
    expect(errors).toEqual([])
  })

  it('while it connects sends first what waits', async () => {
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
    const ws = new Client(check_options('connect', given, node_rules), platform, sink => {
      socket.connect_to(sink)
      return { port: socket, protocol: () => '' }
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

  it('tells its code and reason to the server, and the answer to on_close', async () => {
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

  it('within await using comes by itself', async () => {
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

describe('for await', () => {
  it('hands out the messages in order, and ends when the connection was closed', async () => {
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

  it('gets what had arrived before the end, though on_close does not wait for a slow loop', async () => {
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

  it('closes nothing when it is left, and a later loop goes on where it stopped', async () => {
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

  it('does not hold back the end when it was asked once and no more', async () => {
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
