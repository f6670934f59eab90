import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, refuse } from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  answer_http,
  connect_client,
  SAMPLE_ADDRESS,
  Sample,
  serve,
  serve_http,
  start_server,
  type TestClient,
} from './sample_programs.ts'

/** The address of the HTTP service that samples call. */
const HTTP_SERVICE = '127.0.0.1:9000'

const echo_query = (request: IncomingMessage, response: ServerResponse): void => {
  response.end(`answer to ${decodeURIComponent(request.url ?? '')}`)
}

describe('sending.md', () => {
  it('send_all.ts sends a million messages in order', async () => {
    let count = 0
    const wrong: string[] = []
    const server = await start_server({
      on_message: (_socket, data) => {
        if (data !== `line ${count}`) wrong.push(data)
        count += 1
      },
    })
    const sample = new Sample('sending.md', 'send_all.ts', server.addr)
    expect(await sample.all_written()).toBe('0\n')
    expect([count, wrong]).toEqual([1_000_000, []])
  })

  it('latest.ts sends prices to a client', async () => {
    const { address } = await serve('sending.md', 'latest.ts')
    const { next_message } = connect_client(`ws://${address}/ws`)
    for (let i = 0; i < 5; i += 1)
      expect(JSON.parse((await next_message()) ?? '')).toEqual({ price: expect.any(Number) })
  })

  it('part.ts closes a client that is too slow', async () => {
    const { address } = await serve('sending.md', 'part.ts', {
      "bind: '127.0.0.1:8081',": "bind: '127.0.0.1:8081', max_payload: 2_000_000,",
    })
    const url = `ws://${address}/ws`
    let go_on = (): void => {}
    const slow = connect({
      type: 'ws',
      url,
      on_error: () => {},
      on_message: () =>
        new Promise<void>(resolve => {
          go_on = resolve
        }),
    })
    onTestFinished(() => void slow.close())
    await slow.opened
    const { ws } = connect_client(url, { max_queue: 64 << 20 })
    await ws.opened
    // More than the buffers of both kernels and the queue of 256 KiB hold together.
    for (let i = 0; i < 400; i += 1) ws.send('x'.repeat(100_000))
    await ws.drained()
    const closed = slow.closed
    slow.on_message(() => {})
    go_on()
    expect(await closed).toMatchObject({ code: 4000, cause: 'peer' })
  })
})

describe('order.md', () => {
  it('answers.ts answers in the order of the questions, and at_once.ts names the question in each answer', async () => {
    const service = await answer_http(echo_query)
    const changes = { [HTTP_SERVICE]: service }
    const in_order = await serve('order.md', 'answers.ts', changes)
    const first = connect_client(`ws://${in_order.address}/ws`)
    for (const question of ['one', 'two', 'three']) first.ws.send(question)
    for (const question of ['welcome', 'one', 'two', 'three'])
      expect(await first.next_message()).toBe(`answer to /?q=${question}`)

    const at_once = await serve('order.md', 'at_once.ts', changes)
    const second = connect_client(`ws://${at_once.address}/ws`)
    const questions = Array.from({ length: 20 }, (_, i) => `q${i}`)
    for (const question of questions) second.ws.send(question)
    const answered: unknown[] = []
    for (const _ of questions) answered.push(JSON.parse((await second.next_message()) ?? '').question)
    expect(answered.sort()).toEqual(questions.sort())
  })

  it('pages.ts stops its work when the client has left', async () => {
    const requested: string[] = []
    let answer_first = (): void => {}
    const service = await answer_http((request, response) => {
      requested.push(request.url ?? '')
      answer_first = () => response.end('page')
      if (requested.length > 1) answer_first()
      else first_requested()
    })
    const { promise: has_requested, resolve: first_requested } = deferred()
    const { address } = await serve('order.md', 'pages.ts', { [HTTP_SERVICE]: service })
    const { ws } = connect_client(`ws://${address}/ws`)
    ws.send('a,b,c')
    await has_requested
    ws.close()
    await ws.closed
    answer_first()
    // By the time the next client is served, the first one would have requested more pages.
    const next = connect_client(`ws://${address}/ws`)
    next.ws.send('d')
    expect(await next.next_message()).toBe('page')
    expect(requested).toEqual(['/a', '/d'])
  })

  it('accounts.ts closes a socket without an account', async () => {
    const service = await answer_http((request, response) => {
      response.statusCode = request.url === '/accounts/ada' ? 200 : 404
      response.end('account 7')
    })
    const { address } = await serve('order.md', 'accounts.ts', { [HTTP_SERVICE]: service })
    const ada = connect_client(`ws://${address}/ws?user=ada`)
    ada.ws.send('hello')
    expect(await ada.next_message()).toBe('account 7 said hello')
    expect(await connect_client(`ws://${address}/ws?user=eve`).ws.closed).toMatchObject({
      code: 4001,
      reason: 'no account',
    })
  })

  it('in_line.ts processes one change of a document at a time', async () => {
    let running = 0
    let max_running = 0
    const service = await answer_http((_request, response) => {
      running += 1
      max_running = Math.max(max_running, running)
      setImmediate(() => {
        running -= 1
        response.end('text')
      })
    })
    const { address } = await serve('order.md', 'in_line.ts', { [HTTP_SERVICE]: service })
    const clients = Array.from({ length: 5 }, () => connect_client(`ws://${address}/ws`))
    for (const { ws } of clients) ws.send('the document')
    for (const { next_message } of clients) expect(await next_message()).toBe('text')
    // Each change goes to all clients that are connected by then, so one of the clients receives all five.
    await Promise.race(
      clients.map(async ({ next_message }) => {
        for (let i = 0; i < 4; i += 1) await next_message()
      }),
    )
    expect(max_running).toBe(1)
  })
})

describe('closing.md', () => {
  it('close.ts reports whether all messages were sent', async () => {
    const server = await start_server({})
    const sample = new Sample('closing.md', 'close.ts', server.addr)
    expect(await sample.all_written()).toBe('the server has all of it\n')
    const never_open = await start_server({ authorize: () => new Promise(() => {}), handshake_timeout: 50 })
    expect(await new Sample('closing.md', 'close.ts', never_open.addr).all_written()).toContain(
      '1 messages did not go out: ',
    )
  })

  it('stop.ts exits on SIGTERM, and sends its clients the time to reconnect', async () => {
    const { sample, address } = await serve('closing.md', 'stop.ts')
    const { ws } = connect_client(`ws://${address}/ws`)
    await ws.opened
    expect(await sample.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(await ws.closed).toMatchObject({ code: 1012, reason: expect.stringContaining('retry_after_ms=') })
  })

  it('on_error.ts reports a port in use, and a client that breaks the protocol', async () => {
    const { sample, address } = await serve('closing.md', 'on_error.ts')
    const second = new Sample('closing.md', 'on_error.ts', address)
    expect(await second.all_written()).toContain('the port is in use')
    expect((await second.exit).code).toBe(1)
    const { ws } = connect_client(`ws://${address}/ws`)
    ws.send('x'.repeat((1 << 20) + 1))
    await sample.says('a client breaks the rules, and was closed')
    expect((await ws.closed).code).toBe(1009)
  })
})

describe('security.md', () => {
  it('sessions.ts accepts a valid session, and refuses other cookies', async () => {
    const changes = {
      'const sessions = new Map<string, Session>()':
        "const sessions = new Map<string, Session>([['ada-1', { user: 'ada', expires_ms: Date.now() + 60_000 }], ['bob-1', { user: 'bob', expires_ms: 0 }]])",
    }
    const { address } = await serve('security.md', 'sessions.ts', changes)
    const connect_with = (cookie: string): TestClient =>
      connect_client(`ws://${address}/ws`, { headers: { Cookie: cookie } })
    const ada = connect_with('a=b; session=ada-1')
    ada.ws.send('hello')
    expect(await ada.next_message()).toBe('ada: hello')
    for (const cookie of ['session=bob-1', 'nosession=ada-1', 'session=nobody'])
      await expect(connect_with(cookie).ws.opened).rejects.toThrow(/401.*log in first/)
  })

  it('sessions.ts closes a socket when its session expires', async () => {
    const { address } = await serve('security.md', 'sessions.ts', {
      'const sessions = new Map<string, Session>()':
        'const sessions = { get: (user: string) => ({ user, expires_ms: Date.now() + 200 }) }',
    })
    const { ws } = connect_client(`ws://${address}/ws`, {
      headers: { Cookie: 'session=ada' },
      reconnect: true,
    })
    expect(await ws.closed).toMatchObject({ code: 4401, reason: 'the session has expired' })
  })

  it('renew_token.ts comes back to a server of one_use_tokens.ts that was killed', async () => {
    const { sample: first, address } = await serve('security.md', 'one_use_tokens.ts')
    const client = new Sample('security.md', 'renew_token.ts', address)
    await client.says('ada: hello\n')
    await first.stop('SIGKILL')
    await client.says(/connection_lost|connection_refused|option_failed/)
    new Sample('security.md', 'one_use_tokens.ts', address)
    await client.says(/ada: hello\n[\s\S]*ada: hello\n/)
  })

  it('one_use_tokens.ts accepts each token once', async () => {
    const { address } = await serve('security.md', 'one_use_tokens.ts')
    const url = `ws://${address}/ws?token=${await (await fetch(`http://${address}/token`)).text()}`
    const { ws, next_message } = connect_client(url)
    ws.send('hello')
    expect(await next_message()).toBe('ada: hello')
    for (const used of [url, `ws://${address}/ws`])
      await expect(connect_client(used).ws.opened).rejects.toThrow(/401.*get a new token/)
  })

  it('renew_token.ts comes back with a new token after 401 and 4401, until there is none', async () => {
    let made = 0
    const tokens = await answer_http((_request, response) => {
      made += 1
      response.statusCode = made > 4 ? 401 : 200
      response.end(`${made}`)
    })
    const used: string[] = []
    const received: string[] = []
    const server = await start_server({
      authorize: ({ query }) => {
        const token = query.get('token') ?? ''
        used.push(token)
        return token === '2' ? refuse(401, 'get a new token') : token
      },
      on_message: (socket, data) => {
        received.push(`${socket.data}: ${data}`)
        socket.close(4401, 'the session has changed')
      },
    })
    const client = new Sample('security.md', 'renew_token.ts', server.addr, {
      [`http://${SAMPLE_ADDRESS}`]: `http://${tokens}`,
      'reconnect: {': 'reconnect: { min_delay: 1,',
    })
    expect(await client.all_written()).toMatch(/sign in again\n$/)
    expect(used).toEqual(['1', '2', '3', '4'])
    expect(received).toEqual(['1: hello', '3: hello', '4: hello'])
  })

  it('renew_token.ts gives up when a proxy answers its password with 401', async () => {
    let tokens_given = 0
    const tokens = await answer_http((_request, response) => {
      tokens_given += 1
      response.end('token')
    })
    const proxy = createServer()
    proxy.on('connect', (_request, socket) => socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n'))
    const environment = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: `http://ada:wrong@${await serve_http(proxy)}` }
    const client = new Sample('security.md', 'renew_token.ts', tokens, {
      'const ws =': `Object.assign(process.env, ${JSON.stringify(environment)})\nconst ws =`,
    })
    expect(await client.all_written()).toMatch(/the proxy .* answered 401 Unauthorized, and opened no tunnel/)
    expect(tokens_given).toBe(1)
  })

  it('check.ts accepts valid messages, and closes on invalid ones', async () => {
    const { address } = await serve('security.md', 'check.ts')
    const enter = async (): Promise<TestClient> => {
      const client = connect_client(`ws://${address}/ws`)
      client.ws.send(JSON.stringify({ room: 'lobby', text: 'here' }))
      await client.ws.drained()
      return client
    }
    const [ada, bob] = [await enter(), await enter()]
    bob.ws.send(JSON.stringify({ room: 'lobby', text: 'hello' }))
    while (JSON.parse((await ada.next_message()) ?? '').text !== 'hello');
    for (const invalid of [
      'no JSON',
      'null',
      '7',
      '{"room":"secret","text":"x"}',
      '{"room":"lobby","text":7}',
    ]) {
      const { ws } = connect_client(`ws://${address}/ws`)
      ws.send(invalid)
      expect(await ws.closed).toMatchObject({ code: 4400, reason: 'expected { room, text }' })
    }
  })

  it('slow_down.ts slows down a client that sends too much', async () => {
    const { address } = await serve('security.md', 'slow_down.ts')
    const errors: string[] = []
    const { next_message, ws: other } = connect_client(`ws://${address}/ws`)
    const { ws } = connect_client(`ws://${address}/ws`, { on_error: error => errors.push(error.code) })
    await Promise.all([ws.opened, other.opened])
    const began_ms = performance.now()
    for (let sent = 0; sent < 76; sent += 1) ws.send('hello')
    for (let received = 0; received < 76; received += 1) await next_message()
    // After those of a second, 26 more are due in half a second, and a timer may fire a little early.
    expect(performance.now() - began_ms).toBeGreaterThan(490)
    while (ws.send('x'.repeat(1_000)) === true);
    await Promise.race([ws.closed, new Promise(setImmediate)])
    expect([errors, ws.state]).toEqual([['queue_full'], 'open'])
  })
})

describe('performance.md', () => {
  it('measure.ts reports its own statistics, and collect.ts sends collected messages', async () => {
    const measure = await serve('performance.md', 'measure.ts', { 'EVERY_MS = 5_000': 'EVERY_MS = 200' })
    const { ws, next_message } = connect_client(`ws://${measure.address}/ws`)
    ws.send('hello')
    expect(await next_message()).toBe('hello')
    await measure.sample.says('1 sockets, ')

    const { address } = await serve('performance.md', 'collect.ts', {
      "price_changed('ABC', 100.25) }": "price_changed('ABC', 100.25); price_changed('DEF', 7) }",
    })
    const subscriber = connect_client(`ws://${address}/ws`)
    expect(JSON.parse((await subscriber.next_message()) ?? '')).toEqual({ symbol: 'ABC', price: 100.25 })
    expect(JSON.parse((await subscriber.next_message()) ?? '')).toEqual({ symbol: 'DEF', price: 7 })
  })
})
