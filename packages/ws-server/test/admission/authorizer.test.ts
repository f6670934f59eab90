import { once } from 'node:events'
import { type Deferred, deferred } from '@bt/test-support/deferred'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  type AuthorizeRequest,
  refuse,
  type WsListenOptions,
  type WsServer,
  type WsServerError,
} from '../../src/index.js'
import { aborted } from '../aborted.js'
import { masked_frame, RawClient } from '../raw_client.js'
import { connect_client, start_open, stop_all } from '../started_server.js'

const errors: WsServerError[] = []
const connected: unknown[] = []

/** Starts a server that keeps its errors and the data of its sockets. */
async function start(options: Partial<WsListenOptions>): Promise<WsServer> {
  return await start_open({
    on_error: err => errors.push(err),
    on_connect: socket => connected.push(socket.data),
    ...options,
  })
}

/** An `authorize` whose requests a test waits for, and which it answers. */
class Authority {
  readonly answers: Deferred<unknown>[] = []
  readonly #requests: Deferred<AuthorizeRequest>[] = []

  readonly authorize = (request: AuthorizeRequest): Promise<unknown> => {
    const answer = deferred<unknown>()
    this.answers.push(answer)
    this.#request(this.answers.length - 1).resolve(request)
    return answer.promise
  }

  /** The nth request, from 0 on. */
  asked(n = 0): Promise<AuthorizeRequest> {
    return this.#request(n).promise
  }

  #request(n: number): Deferred<AuthorizeRequest> {
    this.#requests[n] ??= deferred<AuthorizeRequest>()
    return this.#requests[n]
  }
}

afterEach(async () => {
  await stop_all()
  connected.splice(0)
  expect(errors.splice(0)).toEqual([])
})

describe('authorize', () => {
  it.each([
    ['at once', () => ({ user: 'ada' })],
    ['later', async () => ({ user: 'ada' })],
    [
      'as a promise of another make',
      // biome-ignore lint/suspicious/noThenProperty: this property makes it a thenable
      () => ({ then: (done: (value: object) => void) => done({ user: 'ada' }) }),
    ],
  ])('makes the data of a socket, returned %s', async (_name, authorize) => {
    const server = await start({ authorize })
    const ws = await connect_client(server)
    const [socket] = server.sockets
    expect(socket?.data).toEqual({ user: 'ada' })
    expect(connected).toEqual([{ user: 'ada' }])
    expect(server.stats().accepted).toBe(1)
    ws.terminate()
  })

  it('is optional: without it, the data of a socket is undefined', async () => {
    const server = await start({})
    const ws = await connect_client(server)
    expect(connected).toEqual([undefined])
    ws.terminate()
  })

  it('gets the handshake, the address and the offered subprotocols', async () => {
    let seen: AuthorizeRequest | undefined
    const server = await start({
      protocols: ['chat', 'echo'],
      authorize: request => {
        seen = request
      },
    })
    const ws = new WebSocket(`ws://${server.addr}/ws?token=t`, ['echo', 'chat', 'other'], {
      headers: { 'X-Thing': 'yes' },
      origin: 'http://localhost:1',
    })
    await once(ws, 'open')
    const [socket] = server.sockets
    expect(seen).toMatchObject({
      path: '/ws',
      origin: 'http://localhost:1',
      protocol: 'chat',
      protocols: ['echo', 'chat', 'other'],
      addr: socket?.addr,
    })
    expect(seen?.query.get('token')).toBe('t')
    expect(seen?.headers['x-thing']).toBe('yes')
    expect(seen?.signal.aborted).toBe(false)
    expect(ws.protocol).toBe('chat')
    ws.terminate()
  })

  it('is called only for clients that pass all other checks', async () => {
    let asked = 0
    const server = await start({
      max_connections: 1,
      authorize: () => {
        asked += 1
      },
    })
    const first = await RawClient.upgraded(server.addr)
    for (const [lines, status] of [
      [{ start: 'GET /other HTTP/1.1' }, 404],
      [{ Version: '' }, 400],
      [{ Key: 'Sec-WebSocket-Key: x' }, 400],
      [{ Protocols: 'Sec-WebSocket-Protocol: a,,a' }, 400],
      [{ Upgrade: 'Upgrade: h2c' }, 426],
      [{}, 503],
    ] as const) {
      expect(await RawClient.ask(server.addr, lines).until_ended()).toMatch(`HTTP/1.1 ${status} `)
    }
    expect(asked).toBe(1)
    first.socket.destroy()
  })
})

describe('a refusal', () => {
  it.each([
    ['thrown at once', () => refuse(401, 'no token', { 'WWW-Authenticate': 'Bearer' })],
    ['of an async function', async () => refuse(401, 'no token', { 'WWW-Authenticate': 'Bearer' })],
  ])('%s is sent to the client, and is not an error', async (_name, authorize) => {
    const server = await start({ authorize })
    const answer = await RawClient.ask(server.addr).until_ended()
    expect(answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/)
    expect(answer).toContain('\r\nWWW-Authenticate: Bearer\r\n')
    expect(answer).toContain('\r\nContent-Type: text/plain; charset=utf-8\r\n')
    expect(answer).toContain('\r\nContent-Length: 8\r\n')
    expect(answer).toMatch(/\r\nConnection: close\r\n\r\nno token$/)
    expect(server.stats()).toMatchObject({ sockets: 0, accepted: 0, refused: { unauthorized: 1 } })
    expect(connected).toEqual([])
  })

  it('may have a status without a name', async () => {
    const server = await start({ authorize: () => refuse(499, '') })
    expect(await RawClient.ask(server.addr).until_ended()).toMatch(/^HTTP\/1\.1 499 \r\n/)
  })

  it('reaches a client of ws as its status', async () => {
    const server = await start({ authorize: async () => refuse(403, 'not you') })
    const ws = new WebSocket(`ws://${server.addr}/ws`)
    const [error] = await once(ws, 'error')
    expect((error as Error).message).toContain('403')
  })
})

describe('an authorize that fails', () => {
  it.each([
    [
      'at once',
      () => {
        throw new Error('secret: the database is down')
      },
    ],
    ['later', () => Promise.reject(new Error('secret: the database is down'))],
    [
      'with a then that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: an object that only looks like a promise
        get then(): never {
          throw new Error('secret: the database is down')
        },
      }),
    ],
  ])('%s is answered 500 without the reason, and reported to on_error', async (_name, authorize) => {
    const server = await start({ authorize })
    const answer = await RawClient.ask(server.addr).until_ended()
    expect(answer).toMatch(/^HTTP\/1\.1 500 /)
    expect(answer).not.toContain('secret')
    expect(server.stats().refused.handler_failed).toBe(1)
    expect(errors.splice(0)).toMatchObject([
      {
        code: 'handler_failed',
        message: expect.stringMatching(/^authorize failed: secret.*answered 500/),
        cause: { message: 'secret: the database is down' },
      },
    ])
    expect(connected).toEqual([])
  })

  it('by an invalid refuse is answered 500', async () => {
    const server = await start({ authorize: () => refuse(200, 'fine') })
    expect(await RawClient.ask(server.addr).until_ended()).toMatch(/^HTTP\/1\.1 500 /)
    expect(errors.splice(0)).toMatchObject([{ code: 'handler_failed', cause: { code: 'invalid_argument' } }])
  })
})

describe('an authorize that takes its time', () => {
  it('and never settles is answered 503 after handshake_timeout, the signal aborts, and a late result is dropped', async () => {
    const authority = new Authority()
    const server = await start({ authorize: authority.authorize, handshake_timeout: 60 })
    const client = RawClient.ask(server.addr)
    const { signal } = await authority.asked()
    await aborted(signal)
    expect(signal.aborted).toBe(true)
    const answer = await client.until_ended()
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    expect(answer).toMatch(/\r\nRetry-After: \d+\r\n/)
    authority.answers[0]?.resolve('late')
    await authority.answers[0]?.promise
    expect(server.stats()).toMatchObject({ sockets: 0, accepted: 0, refused: { timed_out: 1 } })
    expect(connected).toEqual([])
  })

  it.each([
    ['resets', (client: RawClient) => client.socket.resetAndDestroy()],
    ['closes', (client: RawClient) => client.socket.destroy()],
    ['ends its side', (client: RawClient) => client.socket.end()],
    [
      'sends something and then ends',
      (client: RawClient) => client.socket.end(masked_frame(0x81, Buffer.from('x'))),
    ],
  ])('for a client that %s in the meantime is counted, and no callback is called', async (_name, leave) => {
    const authority = new Authority()
    const server = await start({ authorize: authority.authorize })
    const clients = [RawClient.ask(server.addr), RawClient.ask(server.addr)]
    const requests = [await authority.asked(0), await authority.asked(1)]
    const gone = Promise.all(requests.map(request => aborted(request.signal)))
    for (const client of clients) leave(client)
    await gone
    expect(server.stats()).toMatchObject({ sockets: 0, refused: { client_left: 2 } })
    authority.answers[0]?.resolve('late')
    authority.answers[1]?.reject(new Error('late'))
    await Promise.allSettled(authority.answers.map(answer => answer.promise))
    for (const client of clients) expect(await client.until_ended()).toBe('')
    expect(connected).toEqual([])
    expect(server.stats().accepted).toBe(0)
  })

  it('when the server closes is answered 503, the signal aborts, and the server does not wait', async () => {
    const authority = new Authority()
    const server = await start({ authorize: authority.authorize })
    const client = RawClient.ask(server.addr)
    const { signal } = await authority.asked()
    server.close()
    expect(signal.aborted).toBe(true)
    await server.closed
    const answer = await client.until_ended()
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    expect(answer).toMatch(/\r\nRetry-After: \d+\r\n/)
    expect(server.stats().refused.shutting_down).toBe(1)
    authority.answers[0]?.resolve('late')
    await authority.answers[0]?.promise
    expect(connected).toEqual([])
  })

  it('and closes the server accepts no client', async () => {
    const server: WsServer = await start({
      authorize: () => {
        server.close()
      },
    })
    expect(await RawClient.ask(server.addr).until_ended()).toMatch(/^HTTP\/1\.1 503 /)
    await server.closed
    expect(connected).toEqual([])
  })

  it.each(['authorize', 'origins'] as const)(
    'is not waited for when %s has closed the server before',
    async name => {
      let signal: AuthorizeRequest['signal'] | undefined
      const server: WsServer = await start({
        handshake_timeout: 1_000_000_000,
        origins: () => {
          if (name === 'origins') server.close()
          return true
        },
        authorize: request => {
          signal = request.signal
          if (name === 'authorize') server.close()
          return deferred().promise
        },
      })
      const client = RawClient.ask(server.addr, { origin: 'Origin: https://example.com' })
      expect(await client.until_ended()).toMatch(/^HTTP\/1\.1 503 /)
      await server.closed
      expect(signal?.aborted).toBe(true)
      expect(server.stats().refused).toMatchObject({ shutting_down: 1, timed_out: 0 })
    },
  )

  it('delivers all messages that the client sends in the meantime, in order', async () => {
    const authority = new Authority()
    const received: string[] = []
    const all = deferred()
    const server = await start({
      authorize: authority.authorize,
      on_message: (_socket, data) => {
        received.push(data)
        if (received.length === 20_000) all.resolve()
      },
    })
    const client = new RawClient(server.addr)
    const ask = RawClient.ask(server.addr)
    await authority.asked()
    // Far more than is read of a client that is not let in.
    for (let i = 0; i < 20_000; i += 1) {
      ask.send(masked_frame(0x81, Buffer.from(`${i} ${'x'.repeat(100)}`)))
    }
    // After a round trip of another client, the server has had its chance to read.
    client.send('no HTTP\r\n\r\n')
    await client.until_ended()
    expect(server.stats().sockets).toBe(0)
    authority.answers[0]?.resolve('in')
    expect(await ask.header()).toMatch(/^HTTP\/1\.1 101 /)
    await all.promise
    expect(received.map(text => Number(text.split(' ')[0]))).toEqual(
      Array.from({ length: 20_000 }, (_, i) => i),
    )
    ask.socket.destroy()
  })

  it('delivers messages that arrived together with the handshake', async () => {
    const received = deferred<string>()
    const server = await start({
      authorize: async () => 'in',
      on_message: (_socket, data) => received.resolve(data),
    })
    const client = new RawClient(server.addr)
    const ask = [
      'GET /ws HTTP/1.1',
      'Host: 127.0.0.1',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
    ]
    client.send(
      Buffer.concat([Buffer.from(`${ask.join('\r\n')}\r\n\r\n`), masked_frame(0x81, Buffer.from('early'))]),
    )
    expect(await received.promise).toBe('early')
    client.socket.destroy()
  })

  it('counts waiting clients towards max_connections', async () => {
    const authority = new Authority()
    const server = await start({ authorize: authority.authorize, max_connections: 1 })
    const first = RawClient.ask(server.addr)
    await authority.asked(0)
    expect(await RawClient.ask(server.addr).until_ended()).toMatch(/^HTTP\/1\.1 503 /)
    expect(server.stats()).toMatchObject({ sockets: 0, refused: { over_limit: 1 } })
    authority.answers[0]?.reject(new Error('no'))
    expect(await first.until_ended()).toMatch(/^HTTP\/1\.1 500 /)
    errors.splice(0)
    const second = RawClient.ask(server.addr)
    await authority.asked(1)
    authority.answers[1]?.resolve('in')
    expect(await second.header()).toMatch(/^HTTP\/1\.1 101 /)
    second.socket.destroy()
  })
})
