import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage, request } from 'node:http'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { listen, type WsListenOptions, type WsServer, type WsServerError } from '../src/index.js'
import { handshake_lines, RawClient } from './raw_client.js'
import { start_open, stop_all } from './started_server.js'

const errors: WsServerError[] = []

/** Starts a server whose errors are kept. */
async function start(options: Partial<WsListenOptions> = {}): Promise<WsServer> {
  return await start_open({ on_error: err => errors.push(err), ...options })
}

/** Returns the response to a valid handshake with changed lines. */
async function answer_to(server: WsServer, change: (lines: Record<string, string>) => void): Promise<string> {
  const client = new RawClient(server.addr)
  const lines = handshake_lines()
  change(lines)
  client.send_lines(Object.values(lines))
  return await client.until_ended()
}

afterEach(async () => {
  await stop_all()
  expect(errors.splice(0)).toEqual([])
})

describe('a handshake', () => {
  it('is answered 101 with the accept key of RFC 6455 §1.3', async () => {
    const server = await start()
    const client = new RawClient(server.addr)
    client.send_lines(Object.values(handshake_lines()))
    const header = await client.header()
    expect(header).toMatch(/^HTTP\/1\.1 101 /)
    expect(header).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    client.socket.destroy()
  })

  it.each([
    ['/', 404],
    ['/ws/', 404],
    ['/WS', 404],
    ['/wss', 404],
    ['//ws', 404],
    ['/%zz', 404],
    ['http://127.0.0.1/other', 404],
  ])('for another path, %s, is answered %i', async (path, status) => {
    const server = await start()
    const answer = await answer_to(server, lines => {
      lines.start = `GET ${path} HTTP/1.1`
    })
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} Not Found\r\n`))
    expect(answer).toContain('Connection: close')
    expect(server.stats().refused.wrong_path).toBe(1)
  })

  it.each(['/ws', '/ws?room=1', '/%77s', 'http://127.0.0.1/ws'])(
    'for the route, written as %s, is accepted',
    async path => {
      const server = await start()
      const client = new RawClient(server.addr)
      client.send_lines(Object.values({ ...handshake_lines(), start: `GET ${path} HTTP/1.1` }))
      expect(await client.header()).toMatch(/^HTTP\/1\.1 101 /)
      client.socket.destroy()
    },
  )

  it('finds a route in any script', async () => {
    const server = await start({ route: '/聊天' })
    const ws = new WebSocket(`ws://${server.addr}/聊天`)
    await once(ws, 'open')
    ws.terminate()
  })

  it.each([
    ['without Host', (lines: Record<string, string>) => delete lines.Host, 400],
    ['without a key', (lines: Record<string, string>) => delete lines.Key, 400],
    [
      'with a key that is no base64',
      (lines: Record<string, string>) => Object.assign(lines, { Key: 'Sec-WebSocket-Key: short' }),
      400,
    ],
    ['with two keys', (lines: Record<string, string>) => Object.assign(lines, { Again: lines.Key }), 400],
    ['without a version', (lines: Record<string, string>) => delete lines.Version, 400],
    [
      'of version 8',
      (lines: Record<string, string>) => Object.assign(lines, { Version: 'Sec-WebSocket-Version: 8' }),
      426,
    ],
    ['by POST', (lines: Record<string, string>) => Object.assign(lines, { start: 'POST /ws HTTP/1.1' }), 400],
    [
      'over HTTP/1.0',
      (lines: Record<string, string>) => Object.assign(lines, { start: 'GET /ws HTTP/1.0' }),
      400,
    ],
    [
      'with a broken list of subprotocols',
      (lines: Record<string, string>) => Object.assign(lines, { More: 'Sec-WebSocket-Protocol: a,,a' }),
      400,
    ],
  ])('%s is answered with an error', async (_name, change, status) => {
    const server = await start()
    const answer = await answer_to(server, change)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(server.stats().refused.bad_handshake).toBe(1)
    expect(server.sockets.size).toBe(0)
  })

  it('for a route with a parameter shows it to origins, to authorize and in the socket', async () => {
    const seen: unknown[] = []
    const server = await start({
      route: '/rooms/:room',
      origins: (_origin, { params }) => seen.push(params.room) > 0,
      authorize: async ({ params }) => void seen.push(params.room),
      on_connect: ({ request }) => void seen.push(request.params.room),
    })
    const client = RawClient.ask(server.addr, {
      start: 'GET /rooms/%E8%81%8A%2Fb?room=x HTTP/1.1',
      Origin: 'Origin: http://localhost',
    })
    expect(await client.header()).toMatch(/^HTTP\/1\.1 101 /)
    expect(seen).toEqual(['聊/b', '聊/b', '聊/b'])
    client.socket.destroy()
  })

  it.each(['/rooms', '/rooms/', '/rooms/a/', '/rooms//', '/rooms/%zz', '/rooms/%FF'])(
    'for a path that does not match the parameters of the route, %s, is answered 404',
    async path => {
      const server = await start({ route: '/rooms/:room' })
      const answer = await answer_to(server, lines => {
        lines.start = `GET ${path} HTTP/1.1`
      })
      expect(answer).toMatch(/^HTTP\/1\.1 404 /)
      expect(server.stats().refused.wrong_path).toBe(1)
    },
  )

  it('of a version other than 13 is answered with the supported version (RFC 6455 §4.4)', async () => {
    const server = await start()
    const answer = await answer_to(server, lines => {
      lines.Version = 'Sec-WebSocket-Version: 14'
    })
    expect(answer).toContain('Sec-WebSocket-Version: 13')
  })

  it.each([
    ['no HTTP at all', 'hello there\r\n\r\n', 400, 'bad_handshake'],
    ['headers that never end', `GET /ws HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'bad_handshake'],
  ] as const)('that is %s is answered with an error', async (_name, text, status, reason) => {
    const server = await start()
    const client = new RawClient(server.addr)
    client.send(text)
    expect(await client.until_ended()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(server.stats().refused[reason]).toBe(1)
  })

  it('is counted once if it is malformed in several pieces, and not at all if the client has left', async () => {
    const server = await start()
    const client = new RawClient(server.addr)
    client.send('no HTTP\r\n\r\n')
    client.send('none either\r\n\r\n')
    await client.until_ended()
    const gone = new RawClient(server.addr)
    await once(gone.socket, 'connect')
    gone.socket.resetAndDestroy()
    const last = new RawClient(server.addr)
    last.send('no HTTP\r\n\r\n')
    await last.until_ended()
    expect(server.stats().refused.bad_handshake).toBe(2)
  })

  it.each([
    ['says nothing', ''],
    ['stops in the middle', 'GET /ws HTTP/1.1\r\nHost: '],
  ])('that %s is ended after handshake_timeout', async (_name, text) => {
    const server = await start({ handshake_timeout: 60 })
    const client = new RawClient(server.addr)
    client.send(text)
    expect(await client.until_ended()).toMatch(/^HTTP\/1\.1 408 /)
    expect(server.stats().refused.timed_out).toBe(1)
  })

  it.each([60, 60_000])(
    'that was refused does not hold up the server, though the client keeps its end open',
    async handshake_timeout => {
      const server = await start({ handshake_timeout })
      const client = new RawClient(server.addr)
      client.socket.allowHalfOpen = true
      client.send_lines(Object.values({ ...handshake_lines(), start: 'GET /nowhere HTTP/1.1' }))
      await once(client.socket, 'end')
      server.close()
      await server.closed
      client.socket.destroy()
    },
  )

  it.each([
    ['GET /nowhere', 'h2c', '', 404],
    ['GET /ws', 'h2c', '', 426],
    ['POST /nowhere', 'h2c', 'Content-Length: 5', 404],
    ['POST /ws', 'h2c', 'Transfer-Encoding: chunked', 426],
    ['GET /nowhere', 'websocket', 'Content-Length: 5', 404],
    ['GET /ws', 'websocket', 'Content-Length: 5', 400],
  ])('by %s with an upgrade to %s and %s is refused once with %i, and its socket ends', async (...of) => {
    const [start_line, upgrade, body, status] = of
    const refused: unknown[] = []
    const note = (message: unknown): void => {
      refused.push(message)
    }
    subscribe('bt.net.refused', note)
    const server = await start({ handshake_timeout: 80 })
    const client = new RawClient(server.addr)
    await once(client.socket, 'connect')
    const addr = `127.0.0.1:${client.socket.localPort}`
    client.socket.allowHalfOpen = true
    const lines = handshake_lines()
    const start_of_head = { start: `${start_line} HTTP/1.1`, Upgrade: `Upgrade: ${upgrade}`, body }
    client.send_lines(Object.values({ ...lines, ...start_of_head }).filter(line => line !== ''))
    client.send('x')
    expect(await client.header()).toContain(`HTTP/1.1 ${status} `)
    // The server destroys the socket although the client keeps its end open, so its next bytes cause a reset.
    while (!client.socket.destroyed) {
      client.send('x')
      await new Promise(setImmediate)
    }
    unsubscribe('bt.net.refused', note)
    expect(refused).toMatchObject([{ status, addr, path: start_line.split(' ')[1] }])
  })

  it.each(['Content-Length: 5', 'Transfer-Encoding: chunked'])(
    'with a body, %s, does not hold up a server that closes',
    async body => {
      const server = await start()
      const ws = new WebSocket(`ws://${server.addr}/ws`)
      await once(ws, 'open')
      const client = RawClient.ask(server.addr, { body })
      client.socket.allowHalfOpen = true
      expect(await client.header()).toContain('HTTP/1.1 400 ')
      const closed = once(ws, 'close')
      server.close()
      expect((await closed)[0]).toBe(1001)
      await server.closed
      client.socket.destroy()
    },
  )

  it('with a body is refused by a server that is closing', async () => {
    const release = deferred()
    const http = createServer().listen(0, '127.0.0.1')
    const server = listen({ type: 'ws', server: http, on_close: () => release.promise })
    await server.opened
    const ws = new WebSocket(`ws://${server.addr}/ws`)
    await once(ws, 'open')
    server.close()
    const client = RawClient.ask(server.addr, { body: 'Content-Length: 5' })
    client.socket.allowHalfOpen = true
    expect(await client.header()).toContain('HTTP/1.1 400 ')
    release.resolve()
    await server.closed
    await new Promise(resolve => http.close(resolve))
    client.socket.destroy()
  })

  it.each(['/ws', '/nowhere'])('to %s that is reset before the response has no effect', async path => {
    const server = await start()
    for (let i = 0; i < 20; i += 1) {
      const client = new RawClient(server.addr)
      await once(client.socket, 'connect')
      client.send_lines(Object.values({ ...handshake_lines(), start: `GET ${path} HTTP/1.1` }))
      client.socket.resetAndDestroy()
    }
    const ws = new WebSocket(`ws://${server.addr}/ws`)
    await once(ws, 'open')
    ws.terminate()
  })

  it.each([
    ['the first of the server’s that the client offers', ['b', 'a'], ['a', 'b'], 'b'],
    ['one that is offered beside others', ['chat'], ['x', 'chat'], 'chat'],
  ])('agrees on a subprotocol: %s', async (_name, protocols, offered, agreed) => {
    const server = await start({ protocols })
    const ws = new WebSocket(`ws://${server.addr}/ws`, offered)
    await once(ws, 'open')
    expect(ws.protocol).toBe(agreed)
    expect([...server.sockets][0]?.request.protocol).toBe(agreed)
    ws.terminate()
  })

  it('agrees only on subprotocols of the server', async () => {
    const server = await start({ protocols: ['chat'] })
    const client = new RawClient(server.addr)
    client.send_lines([...Object.values(handshake_lines()), 'Sec-WebSocket-Protocol: other'])
    expect(await client.header()).not.toContain('Sec-WebSocket-Protocol')
    client.socket.destroy()
  })

  it('agrees on compression only if the option allows it', async () => {
    const plain = await start()
    const packed = await start({ compression: { threshold: 0 } })
    for (const [server, extensions] of [
      [plain, ''],
      [packed, 'permessage-deflate'],
    ] as const) {
      const ws = new WebSocket(`ws://${server.addr}/ws`, { perMessageDeflate: true })
      await once(ws, 'open')
      expect(ws.extensions).toBe(extensions)
      ws.terminate()
    }
  })
})

describe('max_connections', () => {
  it('also limits connections without a request: twice as many and a hundred may be open', async () => {
    const server = await start({ max_connections: 1 })
    const idle = Array.from({ length: 110 }, () => new RawClient(server.addr))
    const cut_off = idle.map(client => client.until_ended().then(() => client))
    const first = await Promise.race(cut_off)
    expect(first.received_bytes).toBe(0)
    await Promise.all(idle.map(({ socket }) => (socket.connecting ? once(socket, 'connect') : undefined)))
    while (server.stats().refused.over_limit < 8) await new Promise(setImmediate)
    for (const { socket } of idle) socket.destroy()
    await Promise.all(cut_off)
    expect(server.stats().refused.over_limit).toBe(8)
  })

  it('answers a client beyond the limit with 503 and Retry-After, and accepts the next when a socket has ended', async () => {
    const server = await start({ max_connections: 1 })
    const first = await RawClient.upgraded(server.addr)
    const answer = await answer_to(server, () => {})
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    expect(answer).toMatch(/Retry-After: \d+/)
    expect(server.stats().refused.over_limit).toBe(1)
    const [socket] = server.sockets
    first.socket.destroy()
    await socket?.closed
    const second = await RawClient.upgraded(server.addr)
    expect(server.stats()).toMatchObject({ sockets: 1, accepted: 2 })
    second.socket.destroy()
  })
})

describe('plain HTTP', () => {
  it('is answered 426 with Upgrade: websocket at the route', async () => {
    const server = await start()
    const [response] = (await once(get(`http://${server.addr}/ws`), 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(426)
    expect(response.headers).toMatchObject({ upgrade: 'websocket', connection: 'close, Upgrade' })
    response.resume()
    await once(response, 'close')
    expect(server.stats().refused.not_websocket).toBe(1)
  })

  it('is answered 404 at any other path', async () => {
    const server = await start()
    const [response] = (await once(get(`http://${server.addr}/`), 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(404)
    response.resume()
    await once(response, 'close')
  })

  it('that upgrades to another protocol is answered 426', async () => {
    const server = await start()
    const answer = await answer_to(server, lines => {
      lines.Upgrade = 'Upgrade: h2c'
    })
    expect(answer).toMatch(/^HTTP\/1\.1 426 /)
    expect(answer).toContain('Connection: close, Upgrade\r\n')
  })

  it('ends after the response, even if the client would keep the connection', async () => {
    const server = await start()
    const agent = new Agent({ keepAlive: true })
    const sent = request(`http://${server.addr}/ws`, { method: 'POST', agent })
    sent.end('some body')
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(426)
    response.resume()
    await once(response.socket, 'close')
    agent.destroy()
  })
})
