import { once } from 'node:events'
import { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  type AuthorizeRequest,
  type CloseInfo,
  refuse,
  type WsServer,
  type WsServerError,
  type WsSocket,
} from '../../src/index.js'
import { RawClient } from '../raw_client.js'
import { connect_client, start_open, stop_all } from '../started_server.js'

afterEach(stop_all)

/** A promise that never settles. */
const never = (): Promise<never> => new Promise(() => {})

function only_socket(server: WsServer): WsSocket {
  const [socket] = server.sockets
  if (socket === undefined) throw new Error('there is no socket')
  return socket
}

describe('a socket', () => {
  it('has a state, a signal that aborts at its end, and data that can be set', async () => {
    const server = await start_open()
    const ws = await connect_client(server)
    const socket = only_socket(server) as WsSocket<string>
    socket.data = 'ada'
    expect([socket.state, socket.signal.aborted, socket.data]).toEqual(['open', false, 'ada'])
    ws.close()
    await socket.closed
    expect([socket.state, socket.signal.aborted, Object.isFrozen(socket)]).toEqual(['closed', true, true])
  })

  it('that is terminated ends without a Close', async () => {
    const infos: CloseInfo[] = []
    const server = await start_open({ on_close: (_socket, info) => void infos.push(info) })
    const ws = await connect_client(server)
    const closed = once(ws, 'close')
    const socket = only_socket(server)
    expect(socket.terminate()).toBe(true)
    await socket.closed
    expect(infos).toMatchObject([{ code: 1006, cause: 'local' }])
    expect((await closed)[0]).toBe(1006)
  })

  it('has a request with its url and cookies, and authorize gets that of Node', async () => {
    const raw_urls: unknown[] = []
    const server = await start_open({
      authorize: ({ raw }) => void raw_urls.push(raw.url, raw.rawHeaders.length % 2),
    })
    await connect_client(server, '/ws?a=1', { headers: { Cookie: 'session=x; theme=dark' } })
    const { request } = only_socket(server)
    expect([request.url, { ...request.cookies }]).toEqual(['/ws?a=1', { session: 'x', theme: 'dark' }])
    expect(raw_urls).toEqual(['/ws?a=1', 0])
  })
})

describe('a request that authorize keeps', () => {
  it('has no connection any more when the handshake is decided', async () => {
    const kept: AuthorizeRequest[] = []
    const seen: boolean[] = []
    const server = await start_open({
      authorize: request => {
        kept.push(request)
        seen.push(request.raw.socket instanceof Socket)
      },
    })
    await connect_client(server, '/ws?a=1')
    expect(seen).toEqual([true])
    expect(kept[0]?.raw.socket).not.toBeInstanceOf(Socket)
    expect([kept[0]?.raw.url, kept[0]?.raw.headers.upgrade]).toEqual(['/ws?a=1', 'websocket'])
  })
})

describe('close({ now: true })', () => {
  it('resolves closed at once, while callbacks and authorize hang and a refused client lingers', async () => {
    const errors: WsServerError[] = []
    const server = await start_open({
      on_message: never,
      authorize: ({ query }) => (query.has('wait') ? never() : undefined),
      on_error: err => void errors.push(err),
    })
    const ws = await connect_client(server)
    ws.send('work')
    const waiting = new WebSocket(`ws://${server.addr}/ws?wait`)
    const refused = once(waiting, 'error')
    const lingering = RawClient.ask(server.addr, { start: 'GET /other HTTP/1.1' })
    await once(lingering.socket, 'data')
    while (server.stats().inbox_bytes === 0) await new Promise(resolve => setImmediate(resolve))
    server.close({ now: true })
    await Promise.all([server.closed, refused, once(ws, 'close')])
    expect(errors).toMatchObject([
      { code: 'callback_pending', message: expect.stringMatching(/^on_message /) },
    ])
    expect(server.stats().closed.shutdown).toBe(1)
  })
})

describe('closed', () => {
  it('no longer waits for a callback close_timeout after its socket has ended, and on_close still comes', async () => {
    const errors: WsServerError[] = []
    const closed: string[] = []
    let settle = (): void => {}
    const server = await start_open({
      close_timeout: 20,
      on_connect: () => new Promise<void>(resolve => (settle = resolve)),
      on_close: () => void closed.push('on_close'),
      on_error: err => void errors.push(err),
    })
    const ws = await connect_client(server)
    const socket = only_socket(server)
    ws.terminate()
    server.close()
    await server.closed
    expect(errors).toMatchObject([
      { code: 'callback_pending', message: expect.stringMatching(/^on_connect /) },
    ])
    expect(closed).toEqual([])
    settle()
    await socket.closed
    expect([closed, server.stats().sockets]).toEqual([['on_close'], 0])
  })
})

describe('refuse with a close code', () => {
  it.each([
    ['log in', 'log in'],
    ['x'.repeat(200), 'x'.repeat(123)],
    ['é'.repeat(100), 'é'.repeat(61)],
  ])('closes a page with it and the beginning of %o', async (text, reason) => {
    const server = await start_open({ authorize: () => refuse(401, text, { close: 4401 }) })
    const ws = new WebSocket(`ws://${server.addr}/ws`, ['a'], { origin: `http://${server.addr}` })
    const [code, got] = (await once(ws, 'close')) as [number, Buffer]
    expect([code, String(got), server.stats().refused.unauthorized]).toEqual([4401, reason, 1])
  })

  it('answers a program with the status', async () => {
    const server = await start_open({ authorize: () => refuse(401, 'log in', { close: 4401 }) })
    const ws = new WebSocket(`ws://${server.addr}/ws`)
    await expect(once(ws, 'open')).rejects.toThrow('401')
  })
})
