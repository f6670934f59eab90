import { once } from 'node:events'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connect, probe } from '../../src/index.react_native.js'
import { start_http_server, start_ws_server, stop_all } from '../echo_server.js'
import { outcome_of } from '../outcome.js'
import { ReactNativeWebSocket } from './react_native_web_socket.js'

const url = 'ws://127.0.0.1:9/ws'

/** The URL of React Native before 0.80: it takes any text, and can't read it. */
class ReactNativeUrl {
  get protocol(): never {
    throw new Error('URL.protocol is not implemented')
  }
}

/** The AbortController of React Native, which gives its signal no reason. */
class ReactNativeAbortController {
  readonly signal = new EventTarget()

  abort(): void {
    this.signal.dispatchEvent(new Event('abort'))
  }
}

beforeEach(() => {
  vi.stubGlobal('WebSocket', ReactNativeWebSocket)
  vi.stubGlobal('URL', ReactNativeUrl)
  vi.stubGlobal('AbortController', ReactNativeAbortController)
  vi.stubGlobal('navigator', { product: 'ReactNative' })
})

afterEach(() => {
  stop_all()
  vi.unstubAllGlobals()
})

describe('a connection', () => {
  it('delivers messages, counts what was sent as taken, and closes with the code and reason given', async () => {
    const { url } = await start_ws_server(ws =>
      ws.on('message', (data, is_binary) => ws.send(data, { binary: is_binary })),
    )
    const received: unknown[] = []
    const ws = connect({ type: 'ws', url, binary: true })
    ws.on_message(data => {
      received.push(data)
      if (received.length === 2) ws.close(3_001, 'enough')
    })
    await ws.opened
    expect([ws.send('ä'), ws.send(new Uint8Array([1, 2]))]).toEqual([true, true])
    await ws.drained()
    expect(ws.queued).toBe(0)
    expect(await ws.closed).toEqual({ code: 3_001, reason: 'enough', cause: 'local', clean: true, unsent: 0 })
    expect(received).toEqual(['ä', new Uint8Array([1, 2])])
  })

  it('notices with a probe that a server is frozen', async () => {
    let questions = 0
    const { url } = await start_ws_server(ws =>
      ws.on('message', data => {
        questions += 1
        ws.send(String(data) === 'ping' ? 'pong' : 'what?')
        if (questions === 3) ws.pause()
      }),
    )
    const received: unknown[] = []
    const ws = connect({
      type: 'ws',
      url,
      heartbeat: 50,
      probe: probe({ send: 'ping', expect: 'pong' }),
      on_message: data => void received.push(data),
      on_error: () => {},
    })
    expect(await ws.closed).toMatchObject({ code: 1006, cause: 'heartbeat' })
    expect([questions, received]).toEqual([3, []])
  })

  it('sends headers and subprotocols, and has the selected subprotocol', async () => {
    const { url } = await start_ws_server((ws, { headers }) => ws.send(headers.authorization ?? ''))
    const ws = connect({
      type: 'ws',
      url,
      headers: { Authorization: 'Bearer x' },
      protocols: ['chat', 'other'],
    })
    for await (const data of ws) {
      expect(data).toBe('Bearer x')
      break
    }
    expect(ws.protocol).toBe('chat')
    ws.close()
    await ws.closed
  })

  it('offers no subprotocols unless there are some', async () => {
    const { url } = await start_ws_server((ws, { rawHeaders }) => ws.send(rawHeaders.join()))
    const ws = connect({ type: 'ws', url })
    for await (const data of ws) {
      expect(data).not.toMatch(/protocol/i)
      break
    }
    ws.close()
    await ws.closed
  })

  it('outlives a silent peer, of which this platform can say nothing', async () => {
    const { url } = await start_ws_server(() => {})
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      const ws = connect({ type: 'ws', url, heartbeat: 100 })
      await ws.opened
      ws.send('hello')
      vi.advanceTimersByTime(10_000)
      expect(ws.state).toBe('open')
      ws.close()
    } finally {
      vi.useRealTimers()
    }
  })

  it('closes with 1009 for a message that is too large, and the peer sees that code', async () => {
    let seen: Promise<unknown[]> | undefined
    const { url } = await start_ws_server(ws => {
      seen = once(ws, 'close')
      ws.send('x'.repeat(11))
    })
    const { errors, info } = await outcome_of(connect)(url, { max_payload: 10, on_message: () => {} })
    expect(errors.map(({ code }) => code)).toEqual(['message_too_large'])
    expect(info).toMatchObject({ code: 1_009, cause: 'protocol' })
    expect((await seen)?.[0]).toBe(1_009)
  })

  it('is clean when the peer closes', async () => {
    const { url } = await start_ws_server(ws => ws.close(4_001, 'bye'))
    const { errors, info } = await outcome_of(connect)(url)
    expect(errors).toEqual([])
    expect(info).toEqual({ code: 4_001, reason: 'bye', cause: 'peer', clean: true, unsent: 0 })
  })

  it('that is lost says why in the error, and has no reason of a Close', async () => {
    const { url } = await start_ws_server(ws => ws.terminate())
    const { errors, info } = await outcome_of(connect)(url)
    expect(info).toEqual({ code: 1_006, reason: '', cause: 'network', clean: false, unsent: 0 })
    expect(errors).toMatchObject([
      { code: 'connection_lost', message: expect.stringContaining('was lost: Socket closed;') },
    ])
  })

  it('has a signal with a reason', async () => {
    const { url } = await start_ws_server(ws => ws.close())
    const ws = connect({ type: 'ws', url })
    const { signal } = ws
    expect(signal.reason).toBeUndefined()
    await ws.closed
    expect(signal.reason).toMatchObject({ code: 'closed' })
  })
})

describe('a connection that does not open', () => {
  it('says why, as React Native does', async () => {
    const { url } = await start_http_server((_request, response) => response.writeHead(403).end())
    const { errors, opened } = await outcome_of(connect)(url)
    expect(errors).toMatchObject([
      {
        code: 'handshake_failed',
        message: expect.stringContaining('did not open a WebSocket: Unexpected server response: 403'),
      },
    ])
    expect(opened).toBe(errors[0])
  })

  it('says so in older versions, which report it with the error', async () => {
    vi.stubGlobal(
      'WebSocket',
      class {
        readonly readyState = 0
        onerror: ((event: object) => void) | undefined
        onclose: ((event: object) => void) | undefined

        constructor() {
          queueMicrotask(() => {
            this.onerror?.({ message: 'no route' })
            this.onclose?.({})
          })
        }
      },
    )
    const { errors, info } = await outcome_of(connect)(url)
    expect(errors).toMatchObject([{ code: 'handshake_failed', message: expect.stringContaining('no route') }])
    expect(info).toMatchObject({ code: 1_006, reason: '', cause: 'refused' })
  })

  it.each([
    ['none of those offered', ['chat'], () => false as const, 'accepted none of the subprotocols'],
    ['one that was not offered', ['chat'], () => 'other', 'a subprotocol that was not offered'],
  ])('fails if the server selects %s, and leaves', async (_, protocols, handleProtocols, message) => {
    let left: Promise<unknown> | undefined
    const { url } = await start_ws_server(
      ws => {
        left = once(ws, 'close')
      },
      { handleProtocols },
    )
    const { errors, info } = await outcome_of(connect)(url, { protocols })
    expect(errors).toMatchObject([{ code: 'handshake_failed', message: expect.stringContaining(message) }])
    expect(info.cause).toBe('refused')
    await left
  })

  it('is closed once it opens after all, since Android ignores a close before', async () => {
    let left: Promise<unknown> | undefined
    const { promise: asked, resolve: ask } = deferred<void>()
    const { promise: allowed, resolve: allow } = deferred<void>()
    const { url } = await start_ws_server(
      ws => {
        left = once(ws, 'close')
        accept()
      },
      {
        verifyClient(_info: unknown, done: (is_accepted: boolean) => void) {
          ask()
          allowed.then(() => done(true))
        },
      },
    )
    const { promise: accepted, resolve: accept } = deferred<void>()
    const ws = connect({ type: 'ws', url })
    await asked
    ws.close()
    expect(await ws.closed).toMatchObject({ cause: 'local' })
    allow()
    await accepted
    await left
  })

  it('throws unsupported without a WebSocket', () => {
    vi.stubGlobal('WebSocket', undefined)
    expect(() => connect({ type: 'ws', url })).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })
})

it('can be iterated over on Hermes, which has no Symbol.asyncIterator', async () => {
  const standard_symbol = Symbol
  const hermes_symbol = Object.defineProperty(
    Object.setPrototypeOf((text?: string) => standard_symbol(text), standard_symbol),
    'asyncIterator',
    { value: undefined, configurable: true },
  )
  vi.unstubAllGlobals()
  vi.resetModules()
  vi.stubGlobal('Symbol', hermes_symbol)
  const { connect } = await import('../../src/index.react_native.js')
  vi.unstubAllGlobals()
  vi.stubGlobal('WebSocket', ReactNativeWebSocket)
  const { url } = await start_ws_server(ws => ws.send('hello'))
  const ws = connect({ type: 'ws', url })
  const iterator = Reflect.get(ws, hermes_symbol.asyncIterator).call(ws)
  expect(await iterator.next()).toEqual({ value: 'hello', done: false })
  ws.close()
  await ws.closed
})

describe('url', () => {
  it.each([
    'ws://127.0.0.1:9/ws',
    'wss://example.com',
    'WSS://user:secret@example.com:8443/a/b?x=1&y=%20',
    'ws://[::1]:8081/ws',
    'ws://localhost?token=x@y',
  ])('%s is accepted', async url => {
    const opened = vi.fn()
    vi.stubGlobal(
      'WebSocket',
      class {
        readonly readyState = 0

        constructor(url: string) {
          opened(url)
        }

        close(): void {}
      },
    )
    connect({ type: 'ws', url }).close()
    expect(opened).toHaveBeenCalledExactlyOnceWith(url)
  })

  it.each([
    'nonsense',
    'http://example.com',
    'ws://',
    'ws:///path',
    'ws://host/#part',
    'ws://a b/',
    'ws://host:port/',
    'ws://::1/',
    ' ws://host/',
    'ws:\\\\host/',
    42,
  ])('%s is an invalid option', url => {
    expect(() => connect({ type: 'ws', url: url as string })).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    )
  })

  it('is checked in time that grows with its length only', () => {
    const long = `ws://${'a:'.repeat(50_000)}`
    const started_ms = performance.now()
    expect(() => connect({ type: 'ws', url: long })).toThrow()
    expect(performance.now() - started_ms).toBeLessThan(1_000)
  })
})
