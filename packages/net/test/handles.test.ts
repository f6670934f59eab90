import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import {
  connect,
  listen,
  refuse,
  type WsClient,
  type WsConnectOptions,
  type WsListenOptions,
  type WsServer,
  type WsServerError,
  type WsSocket,
} from '../src/index.js'
import { type MemoryNetwork, memory_network } from '../src/testing/index.js'

const BIND = '127.0.0.1:8081'

let network: MemoryNetwork
let server: WsServer
let errors: WsServerError[]

async function start(options: Partial<WsListenOptions> = {}): Promise<void> {
  const on_error = (err: WsServerError): void => void errors.push(err)
  server = listen({ type: 'mem', network, bind: BIND, on_error, ...options })
  await server.opened
}

async function open(options: Partial<WsConnectOptions> = {}): Promise<WsClient> {
  const ws = connect({ type: 'mem', network, url: `ws://${BIND}/ws`, on_error: () => {}, ...options })
  await ws.opened
  return ws
}

function only_socket(): WsSocket {
  const [socket] = server.sockets
  if (socket === undefined) throw new Error('there is no socket')
  return socket
}

/** A promise that never settles. */
const never = (): Promise<never> => new Promise(() => {})

beforeEach(() => {
  network = memory_network({ manual_clock: true })
  errors = []
})

afterEach(() => {
  server.close({ now: true })
})

describe('signal', () => {
  it('of a socket aborts when its client has left, while a callback is still running', async () => {
    let is_running = true
    await start({
      on_message: async socket => {
        await new Promise(resolve => socket.signal.addEventListener('abort', resolve))
        is_running = false
      },
    })
    const ws = await open()
    ws.send('work')
    await network.settled()
    expect([is_running, only_socket().signal.aborted]).toEqual([true, false])
    ws.close()
    await network.settled()
    expect(is_running).toBe(false)
  })

  it('aborts with the error closed, also if it is read only later', async () => {
    await start()
    const ws = await open()
    const socket = only_socket()
    ws.close()
    await Promise.all([ws.closed, socket.closed])
    expect(socket.signal).toMatchObject({ aborted: true, reason: { code: 'closed' } })
    expect(ws.signal).toMatchObject({ aborted: true, reason: { code: 'closed' } })
    expect(ws.signal).toBe(ws.signal)
  })

  it('has a reason with which a callback may fail without a report', async () => {
    await start({
      on_message: async socket => {
        await new Promise((_resolve, reject) =>
          socket.signal.addEventListener('abort', () => reject(socket.signal.reason)),
        )
      },
    })
    const ws = await open()
    ws.send('work')
    await network.settled()
    network.link(ws).cut()
    await network.settled()
    expect(errors).toEqual([])
  })

  it('may be passed to Node’s functions, whose error wraps the reason', async () => {
    await start({ on_message: ({ signal }) => wait(60_000, undefined, { signal }) })
    const ws = await open()
    ws.send('start')
    await network.settled()
    ws.close()
    await network.settled()
    expect(errors).toEqual([])
    expect(server.stats().closed.peer).toBe(1)
  })

  it('of a client that reconnects aborts when it is closed, not when its connection is lost', async () => {
    await start()
    const ws = await open({ reconnect: true })
    const { signal } = ws
    network.link(ws).cut()
    await network.settled()
    expect([ws.state, signal.aborted]).toEqual(['reconnecting', false])
    ws.close()
    await ws.closed
    expect(signal.aborted).toBe(true)
  })
})

describe('terminate', () => {
  it('ends a socket at once, without its queue and without a Close', async () => {
    const closed: unknown[] = []
    await start({ on_close: (_socket, info) => void closed.push(info) })
    const ws = await open()
    network.link(ws).freeze('client')
    const socket = only_socket()
    for (let count = 0; count < 10; count += 1) socket.send('x'.repeat(20_000))
    expect(socket.terminate()).toBe(true)
    expect(socket.state).toBe('closing')
    await socket.closed
    expect(closed).toMatchObject([{ code: 1006, cause: 'local', clean: false, unsent: expect.any(Number) }])
    network.link(ws).thaw()
    expect(await ws.closed).toMatchObject({ code: 1006, cause: 'network' })
  })

  it('delivers nothing any more', async () => {
    const received: string[] = []
    await start({
      on_message: async (_socket, data) => {
        received.push(data)
        await network.settled()
      },
    })
    const ws = await open()
    ws.send('one')
    ws.send('two')
    while (received.length === 0) await new Promise(resolve => setImmediate(resolve))
    only_socket().terminate()
    await network.settled()
    expect(received).toEqual(['one'])
  })

  it('of a client does not reconnect, whatever it is doing', async () => {
    await start()
    const open_client = await open({ reconnect: true })
    open_client.terminate()
    expect(await open_client.closed).toMatchObject({ cause: 'local', code: 1006 })
    const waiting = await open({ reconnect: true })
    network.link(waiting).cut()
    await network.settled()
    waiting.terminate()
    waiting.terminate()
    expect(await waiting.closed).toMatchObject({ cause: 'local' })
    const connecting = connect({ type: 'mem', network, url: `ws://${BIND}/ws`, on_error: () => {} })
    connecting.terminate()
    expect(await connecting.closed).toMatchObject({ cause: 'local' })
    await expect(connecting.opened).rejects.toMatchObject({ code: 'closed' })
  })

  it('keeps the cause of a connection that was closing already', async () => {
    await start()
    const ws = await open()
    network.link(ws).freeze()
    const socket = only_socket()
    server.close()
    await network.settled()
    socket.terminate()
    expect(await socket.closed).toMatchObject({ cause: 'shutdown' })
    ws.terminate()
  })
})

describe('server.close({ now: true })', () => {
  it('ends all sockets and waiting clients at once, and closed resolves', async () => {
    await start({ authorize: ({ query }) => (query.has('wait') ? never() : undefined) })
    const ws = await open()
    const waiting = connect({ type: 'mem', network, url: `ws://${BIND}/ws?wait`, on_error: () => {} })
    await network.settled()
    network.link(ws).freeze()
    const { closed } = only_socket()
    server.close({ now: true })
    await network.advance(0)
    await server.closed
    expect(await closed).toMatchObject({ code: 1006, cause: 'shutdown' })
    await expect(waiting.opened).rejects.toMatchObject({ code: /handshake_/ })
  })

  it('ends the wait of an earlier close', async () => {
    await start({ on_message: never })
    const ws = await open()
    ws.send('work')
    await network.settled()
    server.close({ drain_ms: 1_000_000 })
    await network.settled()
    expect(server.sockets.size).toBe(1)
    server.close({ now: true })
    await network.advance(0)
    await server.closed
    expect(errors.map(({ code }) => code)).toEqual(['callback_pending'])
  })

  it.each([
    ['close()', () => void server.close()],
    ['the end of an await using', () => void server[Symbol.asyncDispose]()],
  ])('holds after %s, too', async (_name, close_again) => {
    await start({ on_message: never })
    const ws = await open()
    ws.send('start')
    await network.settled()
    server.close({ now: true })
    close_again()
    await server.closed
  })

  it('waits for its own calls of on_close, which are not reported', async () => {
    const heard: string[] = []
    await start({
      on_close: async () => {
        await wait(5)
        heard.push('on_close')
      },
    })
    await open()
    server.close({ now: true })
    await server.closed
    expect([heard, errors]).toEqual([['on_close'], []])
  })

  it('gives up an on_close that never settles after close_timeout', async () => {
    await start({ on_close: never, close_timeout: 1_000 })
    await open()
    server.close({ now: true })
    await network.advance(1_000)
    await server.closed
    expect(errors.map(({ code }) => code)).toEqual(['callback_pending'])
  })

  it('rejects anything but true and false', async () => {
    await start()
    expect(() => server.close({ now: 'yes' as never })).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    )
  })
})

describe('a callback that never settles', () => {
  it.each(['on_connect', 'on_message'] as const)(
    'is reported once, with its name and socket, when messages have waited 30 seconds for it: %s',
    async name => {
      await start({ [name]: never })
      const ws = await open()
      ws.send('one')
      ws.send('two')
      await network.advance(29_000)
      expect(errors).toEqual([])
      await network.advance(100_000)
      expect(errors).toMatchObject([
        { code: 'callback_pending', message: expect.stringContaining(`${name} has not settled for 30 s`) },
      ])
      expect(errors[0]?.socket).toBe(only_socket())
    },
  )

  it('is not reported while nothing waits for it, and as soon as something does', async () => {
    await start({ on_message: never })
    const ws = await open()
    ws.send('one')
    await network.advance(100_000)
    expect(errors).toEqual([])
    ws.send('two')
    await network.advance(10_000)
    expect(errors.map(({ code }) => code)).toEqual(['callback_pending'])
  })

  it('is reported when its connection has ended, also if it is on_close', async () => {
    await start({ on_message: (_socket, data) => (data === 'wait' ? never() : undefined), on_close: never })
    const [one, other] = [await open(), await open()]
    one.send('wait')
    await network.settled()
    one.close()
    other.close()
    await network.advance(40_000)
    expect(errors.map(({ message }) => message.split(' ')[0])).toEqual(['on_message', 'on_close'])
  })

  it('is reported once, also if its server closes later', async () => {
    await start({ on_message: never })
    const ws = await open()
    ws.send('one')
    ws.send('two')
    await network.advance(60_000)
    server.close({ now: true })
    await server.closed
    expect(errors.map(({ code }) => code)).toEqual(['callback_pending'])
  })

  it('of a client is reported if its next on_open waits for it', async () => {
    await start({ on_connect: socket => void socket.send('one') })
    const codes: string[] = []
    const ws = await open({ reconnect: true, on_message: never, on_error: ({ code }) => codes.push(code) })
    await network.settled()
    network.link(ws).cut()
    await network.advance(120_000)
    expect(codes).toEqual(['connection_lost', 'callback_pending'])
    ws.terminate()
  })

  it('that takes long, but settles, is not reported', async () => {
    await start({
      on_message: () => new Promise<void>(resolve => void waiting.push(resolve)),
    })
    const waiting: (() => void)[] = []
    const ws = await open()
    for (let count = 0; count < 20; count += 1) ws.send(`${count}`)
    for (let count = 0; count < 20; count += 1) {
      await network.advance(20_000)
      waiting.shift()?.()
    }
    expect(errors).toEqual([])
  })

  it('of a client is reported to its on_error', async () => {
    await start({
      on_connect: socket => {
        socket.send('one')
        socket.send('two')
      },
    })
    const codes: string[] = []
    await open({ on_message: never, on_error: err => void codes.push(err.code) })
    await network.advance(40_000)
    expect(codes).toEqual(['callback_pending'])
  })

  it('does not keep the server from closing: it is named, and given up after close_timeout', async () => {
    await start({ on_message: never, close_timeout: 1_000 })
    const ws = await open()
    ws.send('work')
    await network.settled()
    let is_closed = false
    void server.closed.then(() => {
      is_closed = true
    })
    server.close({ drain_ms: 2_000 })
    await network.advance(2_900)
    expect(is_closed).toBe(false)
    await network.advance(200)
    expect(is_closed).toBe(true)
    expect(errors).toMatchObject([
      {
        code: 'callback_pending',
        message: expect.stringContaining('on_message has not settled when its server'),
      },
    ])
  })
})

describe('a page', () => {
  const origin = { headers: { Origin: `http://${BIND}` } }

  it('that is refused with a close code is closed with it and the text, and is no socket', async () => {
    let connected = 0
    await start({
      authorize: () => refuse(401, 'log in', { close: 4401 }),
      on_connect: () => {
        connected += 1
      },
    })
    const ws = connect({ type: 'mem', network, url: `ws://${BIND}/ws`, reconnect: true, ...origin })
    expect(await ws.closed).toMatchObject({ code: 4401, reason: 'log in', cause: 'peer', clean: true })
    expect([connected, server.stats().accepted, server.stats().refused.unauthorized]).toEqual([0, 0, 1])
  })

  it('is refused with the status without a close code, as a program is with one', async () => {
    await start({
      authorize: ({ query }) => refuse(401, 'log in', query.has('code') ? { close: 4401 } : {}),
    })
    const url = `ws://${BIND}/ws`
    for (const options of [{ url, ...origin }, { url: `${url}?code` }]) {
      const ws = connect({ type: 'mem', network, on_error: () => {}, ...options })
      await expect(ws.opened).rejects.toMatchObject({ cause: { status: 401 } })
    }
  })

  it('gets no more of the text than fits into a Close, up to a whole character', async () => {
    await start({ authorize: () => refuse(403, '中'.repeat(50), { close: 4403 }) })
    const ws = connect({ type: 'mem', network, url: `ws://${BIND}/ws`, ...origin })
    expect((await ws.closed).reason).toBe('中'.repeat(41))
  })

  it('gets the code whether or not one of its subprotocols is the server’s', async () => {
    await start({ protocols: ['chat'], authorize: () => refuse(401, 'log in', { close: 4401 }) })
    for (const protocols of [['chat'], ['other']]) {
      const ws = connect({ type: 'mem', network, url: `ws://${BIND}/ws`, protocols, ...origin })
      expect((await ws.closed).code).toBe(4401)
    }
  })
})

describe('refuse', () => {
  it.each([
    [{ close: 1000 }, 'the close code 1000'],
    [{ close: '4401' }, 'the close code "4401"'],
    [{ close: 5000 }, 'the close code 5000'],
    [{ headers: 'x' }, 'text for its headers'],
    [{ headers: { Connection: 'x' } }, 'the header Connection'],
    [{ Upgrade: 'x' }, 'the header Upgrade'],
  ])('rejects %j', (options, message) => {
    expect(() => refuse(401, 'no', options as never)).toThrow(message)
  })

  it.each([
    { headers: { 'WWW-Authenticate': 'Bearer' } },
    { 'WWW-Authenticate': 'Bearer' },
    { close: 4401, 'WWW-Authenticate': 'Bearer' },
  ])('takes headers in its third argument, with or without a code: %j', async options => {
    await start({ authorize: () => refuse(401, 'no', options) })
    const ws = connect({ type: 'mem', network, url: `ws://${BIND}/ws`, on_error: () => {} })
    await expect(ws.opened).rejects.toMatchObject({ cause: { headers: { 'www-authenticate': 'Bearer' } } })
  })
})

describe('a handle', () => {
  it('is frozen, but for the data of a socket', async () => {
    await start()
    const ws = await open()
    for (const handle of [server, ws, only_socket()]) {
      expect(Object.isFrozen(handle)).toBe(true)
      expect(() => Object.assign(handle, { own: 1 })).toThrow(TypeError)
    }
    const socket = only_socket() as WsSocket<string>
    expect(socket.data).toBe(undefined)
    socket.data = 'ada'
    expect(socket.data).toBe('ada')
  })

  it.each(['on_open', 'on_message', 'on_close', 'on_error', 'on_reconnecting', 'onmessage', 'onopen'])(
    'of a client says what to write instead of an assignment to %s',
    async name => {
      await start()
      const ws = await open()
      expect(() => Object.assign(ws, { [name]: () => {} })).toThrow(
        expect.objectContaining({
          code: 'unsupported',
          message: expect.stringContaining('call on_open(fn)'),
        }),
      )
    },
  )

  it.each(['on_message', 'on_close', 'on_error', 'onmessage'])(
    'of a server, or one of its sockets, says where to give %s instead of an assignment',
    async name => {
      await start()
      await open()
      // As in code that is not strict, where an assignment that fails is silent.
      for (const handle of [server, only_socket()])
        expect(() => Reflect.set(handle, name, () => {})).toThrow('to listen')
    },
  )

  it.each(['on', 'once', 'addEventListener'])('says what to write instead of %s', async name => {
    await start()
    const ws = await open()
    for (const [handle, instead] of [
      [ws, 'call on_open(fn)'],
      [only_socket(), 'give on_message, on_close or on_error to listen'],
      [server, 'give on_connect, on_message'],
    ] as const)
      expect(() =>
        (handle as never as Record<string, (...args: unknown[]) => void>)[name]?.('message', () => {}),
      ).toThrow(instead)
  })

  it('shows its state', async () => {
    await start()
    const ws = await open()
    const socket = only_socket()
    expect(socket.state).toBe('open')
    socket.close()
    expect(socket.state).toBe('closing')
    await Promise.all([socket.closed, ws.closed])
    expect([socket.state, ws.state]).toEqual(['closed', 'closed'])
  })
})

describe('types', () => {
  it('do not let callbacks and methods be assigned', () => {
    expectTypeOf<WsClient>().toHaveProperty('on_message')
    const assign = (ws: WsClient, socket: WsSocket): void => {
      // @ts-expect-error callbacks are registered by a call
      ws.on_message = () => {}
      // @ts-expect-error methods are readonly
      socket.send = () => true
      // @ts-expect-error handles have no events of Node
      ws.on('message', () => {})
    }
    expect(assign).toBeTypeOf('function')
  })

  it('give err.socket of on_error the data of authorize', () => {
    const make = (): unknown =>
      listen({
        type: 'ws',
        bind: BIND,
        authorize: () => ({ name: 'ada' }),
        on_error: err => expectTypeOf(err.socket?.data.name).toEqualTypeOf<string | undefined>(),
      })
    expect(make).toBeTypeOf('function')
  })

  it('let the data of a socket be set without authorize, with a type that listen names', () => {
    const make = (): unknown =>
      listen<{ readonly name: string } | undefined>({
        type: 'ws',
        bind: BIND,
        on_message: (socket, data) => {
          socket.data = { name: data }
        },
      })
    expect(make).toBeTypeOf('function')
  })
})

describe('an option with the name of another library', () => {
  it.each([
    ['port', 'bind'],
    ['host', 'bind'],
    ['path', 'route'],
    ['address', 'bind'],
    ['max_message', 'max_payload'],
    ['cors', 'origins'],
    ['on_open', 'on_connect'],
    ['reconnect', 'an option of connect'],
  ])('of listen, %s, leads to %s', (name, instead) => {
    expect(() => listen({ type: 'ws', bind: BIND, [name]: 1 } as never)).toThrow(instead)
  })

  it.each([
    ['address', 'url'],
    ['port', 'url'],
    ['path', 'url'],
    ['max_message', 'max_payload'],
    ['reconnectInterval', 'min_delay'],
    ['on_connect', 'on_open'],
    ['authorize', 'an option of listen'],
  ])('of connect, %s, leads to %s', (name, instead) => {
    expect(() => connect({ type: 'ws', url: `ws://${BIND}/ws`, [name]: 1 } as never)).toThrow(instead)
  })

  it('of connect: port 0 in the url is rejected', () => {
    expect(() => connect({ type: 'ws', url: 'ws://127.0.0.1:0/ws' })).toThrow('port')
  })
})
