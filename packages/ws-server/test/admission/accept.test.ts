import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { accept, type WsListenOptions, type WsServer, type WsSocket } from '../../src/index.js'
import { RawClient } from '../raw_client.js'
import { connect_client, start_open, stop_all } from '../started_server.js'

afterEach(stop_all)

/** Starts a server with this `authorize`, and collects its sockets. */
async function start(
  authorize: WsListenOptions['authorize'],
  options: Partial<WsListenOptions> = {},
): Promise<[WsServer, WsSocket[]]> {
  const sockets: WsSocket[] = []
  const on_connect = (socket: WsSocket): void => void sockets.push(socket)
  return [await start_open({ authorize, on_connect, ...options }), sockets]
}

describe('accept', () => {
  it.each([
    ['synchronous', () => accept({ user: 'ada' }, { headers: { 'X-Node': 'a' } })],
    ['asynchronous', async () => accept({ user: 'ada' }, { headers: { 'X-Node': 'a' } })],
  ])(
    'sends headers in the 101 if authorize is %s, and its data becomes socket.data',
    async (_name, authorize) => {
      const [server, sockets] = await start(authorize)
      const client = new WebSocket(`ws://${server.addr}/ws`)
      const [[response]] = await Promise.all([once(client, 'upgrade'), once(client, 'open')])
      expect((response as IncomingMessage).headers['x-node']).toBe('a')
      expect(sockets.map(({ data }) => data)).toEqual([{ user: 'ada' }])
      client.terminate()
    },
  )

  it('sends each value of a list as a line of its own, after the headers of the handshake', async () => {
    const headers = { 'Set-Cookie': ['a=1; HttpOnly', 'b=2'], Vary: 'Cookie', None: [] }
    const [server] = await start(() => accept(undefined, { headers }), { protocols: ['chat'] })
    const client = RawClient.ask(server.addr, { Protocol: 'Sec-WebSocket-Protocol: chat' })
    const lines = (await client.header()).split('\r\n')
    expect(lines.slice(-6)).toEqual([
      'Sec-WebSocket-Protocol: chat',
      'Set-Cookie: a=1; HttpOnly',
      'Set-Cookie: b=2',
      'Vary: Cookie',
      '',
      '',
    ])
    client.socket.destroy()
  })

  it('without headers accepts with the data alone', async () => {
    const [server, sockets] = await start(() => accept(7))
    const client = RawClient.ask(server.addr)
    expect((await client.header()).split('\r\n')).toHaveLength(6)
    expect(sockets.map(({ data }) => data)).toEqual([7])
    client.socket.destroy()
  })

  it('sends what was checked, even if a list changes before the response', async () => {
    const cookies = ['a=1']
    const [server] = await start(async () => {
      const accepted = accept(undefined, { headers: { 'Set-Cookie': cookies } })
      cookies[0] = 'a=1\r\nInjected: b'
      return accepted
    })
    const client = RawClient.ask(server.addr)
    const head = await client.header()
    expect(head).toContain('Set-Cookie: a=1\r\n')
    expect(head).not.toContain('Injected')
    client.socket.destroy()
  })

  it('takes no object of the application for its own: its members are the data', async () => {
    const data = { data: 1, headers: { 'X-Node': 'a' } }
    const [server, sockets] = await start(() => data)
    const client = RawClient.ask(server.addr)
    expect(await client.header()).not.toContain('X-Node')
    expect(sockets[0]?.data).toBe(data)
    client.socket.destroy()
  })

  it('that throws for a header is answered 500, and reported with the header’s name', async () => {
    const errors: Error[] = []
    const headers = { 'Set-Cookie': 'secret\r\n' }
    const [server] = await start(() => accept(undefined, { headers }), {
      on_error: error => void errors.push(error),
    })
    await expect(connect_client(server)).rejects.toThrow('500')
    expect(errors).toMatchObject([
      {
        code: 'handler_failed',
        message: expect.stringContaining('U+000D at index 6 for the header Set-Cookie'),
      },
    ])
    expect(String(errors[0])).not.toContain('secret')
  })

  it.each([
    ['Connection', 'close'],
    ['upgrade', 'h2c'],
    ['Sec-WebSocket-Accept', 'a'],
    ['sec-websocket-protocol', 'chat'],
    ['Sec-WebSocket-Extensions', 'x'],
    ['SEC-WEBSOCKET-ANYTHING', 'x'],
    ['Content-Length', '0'],
    ['Content-Type', 'text/plain'],
    ['Transfer-Encoding', 'chunked'],
    ['Keep-Alive', 'timeout=5'],
    ['Proxy-Connection', 'close'],
    ['TE', 'trailers'],
    ['Trailer', 'A'],
  ])('throws for the header %s, which belongs to the handshake', (name, value) => {
    expect(() => accept(1, { headers: { [name]: value } })).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: `accept got the header ${name}, which the server sets itself: leave it out`,
      }),
    )
  })

  it.each([
    ['a line break', { A: 'b\r\nSet-Cookie: c' }, 'has U+000D at index 1 for the header A: give ASCII text'],
    ['a bare newline', { A: 'b\nc' }, 'has U+000A at index 1'],
    ['a NUL', { A: '\0' }, 'has U+0000 at index 0'],
    ['a line break that is not ASCII', { A: 'b\u2028' }, 'has U+2028 at index 1'],
    ['a value in a list', { A: ['b', 'c\r\n'] }, 'has U+000D at index 1 for the header A'],
    ['a list in a list', { A: [['b']] }, 'is of type object for the header A'],
    ['a hole in a list', { A: new Array(1) }, 'is of type undefined for the header A'],
    ['a number', { A: 1 }, 'is of type number for the header A'],
    ['a name with a line break', { 'A\r\nB': 'c' }, 'a header named "A\\r\\nB": a name is a token'],
    ['a name with a colon', { 'A:': 'c' }, 'a header named "A:"'],
    ['an empty name', { '': 'c' }, 'a header named ""'],
    ['Headers', new Headers({ a: 'b' }), 'an instance of Headers for its headers'],
    ['text', 'Set-Cookie: secret', 'text for its headers'],
  ])('throws for %s, and shows no value', (_name, headers, message) => {
    const error = (() => {
      try {
        return accept(1, { headers: headers as never })
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(message) })
    expect(String(error)).not.toContain('secret')
  })

  it('throws for options that it does not have, such as headers without their name', () => {
    expect(() => accept(1, { 'Set-Cookie': 'a=1' } as never)).toThrow(
      'accept got the option "Set-Cookie", which there is not: give { headers }',
    )
    expect(() => accept(1, null as never)).toThrow('accept got null for its headers')
  })

  it('sends a header named __proto__ like any other', async () => {
    const headers = JSON.parse('{"__proto__": "a"}') as Record<string, string>
    const [server] = await start(() => accept(undefined, { headers }))
    const client = RawClient.ask(server.addr)
    expect(await client.header()).toContain('\r\n__proto__: a\r\n')
    client.socket.destroy()
  })
})
