import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { describe, expect, it, onTestFinished } from 'vitest'
import { answer_http, guest, host, Sample, serve } from './sample_programs.ts'

/** What samples ask over HTTP. */
const ELSEWHERE = '127.0.0.1:9000'

const echo_query = (request: IncomingMessage, response: ServerResponse): void => {
  response.end(`answer to ${decodeURIComponent(request.url ?? '')}`)
}

describe('sending.md', () => {
  it('has a loop that gets a million messages through, in order', async () => {
    let count = 0
    const wrong: string[] = []
    const server = await host({
      on_message: (_socket, data) => {
        if (data !== `line ${count}`) wrong.push(data)
        count += 1
      },
    })
    const sample = new Sample('sending.md', 'send_all.ts', server.addr)
    expect(await sample.all_written()).toBe('0\n')
    expect([count, wrong]).toEqual([1_000_000, []])
  })

  it('has prices of which a client that reads gets each', async () => {
    const { address } = await serve('sending.md', 'latest.ts')
    const { hears } = guest(`ws://${address}/ws`)
    for (let i = 0; i < 5; i += 1)
      expect(JSON.parse((await hears()) ?? '')).toEqual({ price: expect.any(Number) })
  })

  it('has a server that parts with who is too slow', async () => {
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
    const { ws } = guest(url, { max_queue: 64 << 20 })
    await ws.opened
    // More than both kernels and the queue of 256 KiB take together.
    for (let i = 0; i < 400; i += 1) ws.send('x'.repeat(100_000))
    await ws.drained()
    const closed = slow.closed
    slow.on_message(() => {})
    go_on()
    expect(await closed).toMatchObject({ code: 4000, cause: 'peer' })
  })
})

describe('order.md', () => {
  it('has answers in the order of the questions, and others at once that say what they answer', async () => {
    const elsewhere = await answer_http(echo_query)
    const changes = { [ELSEWHERE]: elsewhere }
    const in_order = await serve('order.md', 'answers.ts', changes)
    const first = guest(`ws://${in_order.address}/ws`)
    for (const question of ['one', 'two', 'three']) first.ws.send(question)
    for (const question of ['welcome', 'one', 'two', 'three'])
      expect(await first.hears()).toBe(`answer to /?q=${question}`)

    const at_once = await serve('order.md', 'at_once.ts', changes)
    const second = guest(`ws://${at_once.address}/ws`)
    const questions = Array.from({ length: 20 }, (_, i) => `q${i}`)
    for (const question of questions) second.ws.send(question)
    const heard: unknown[] = []
    for (const _ of questions) heard.push(JSON.parse((await second.hears()) ?? '').question)
    expect(heard.sort()).toEqual(questions.sort())
  })

  it('has a callback that leaves off when its client has left', async () => {
    const asked: string[] = []
    let answer_first = (): void => {}
    const elsewhere = await answer_http((request, response) => {
      asked.push(request.url ?? '')
      answer_first = () => response.end('page')
      if (asked.length > 1) answer_first()
      else asked_first()
    })
    const { promise: is_asked, resolve: asked_first } = deferred()
    const { address } = await serve('order.md', 'pages.ts', { [ELSEWHERE]: elsewhere })
    const { ws } = guest(`ws://${address}/ws`)
    ws.send('a,b,c')
    await is_asked
    ws.close()
    await ws.closed
    answer_first()
    // Whoever comes next is served: by then, the first would have asked for more.
    const next = guest(`ws://${address}/ws`)
    next.ws.send('d')
    expect(await next.hears()).toBe('page')
    expect(asked).toEqual(['/a', '/d'])
  })

  it('has a server that closes where there is no account', async () => {
    const elsewhere = await answer_http((request, response) => {
      response.statusCode = request.url === '/accounts/ada' ? 200 : 404
      response.end('account 7')
    })
    const { address } = await serve('order.md', 'accounts.ts', { [ELSEWHERE]: elsewhere })
    const ada = guest(`ws://${address}/ws?user=ada`)
    ada.ws.send('hello')
    expect(await ada.hears()).toBe('account 7 said hello')
    expect(await guest(`ws://${address}/ws?user=eve`).ws.closed).toMatchObject({
      code: 4001,
      reason: 'no account',
    })
  })

  it('has a line for each document, in which nobody overtakes', async () => {
    let running = 0
    let most = 0
    const elsewhere = await answer_http((_request, response) => {
      running += 1
      most = Math.max(most, running)
      setImmediate(() => {
        running -= 1
        response.end('text')
      })
    })
    const { address } = await serve('order.md', 'in_line.ts', { [ELSEWHERE]: elsewhere })
    const guests = Array.from({ length: 5 }, () => guest(`ws://${address}/ws`))
    for (const { ws } of guests) ws.send('the document')
    for (const { hears } of guests) expect(await hears()).toBe('text')
    // Each of the five has it told to all that are there by then, so one of them has heard all five times.
    await Promise.race(
      guests.map(async ({ hears }) => {
        for (let i = 0; i < 4; i += 1) await hears()
      }),
    )
    expect(most).toBe(1)
  })
})

describe('closing.md', () => {
  it('has a client that says whether all went out', async () => {
    const server = await host({})
    const sample = new Sample('closing.md', 'close.ts', server.addr)
    expect(await sample.all_written()).toBe('the server has all of it\n')
    const cut = await host({ authorize: () => new Promise(() => {}), handshake_timeout: 50 })
    expect(await new Sample('closing.md', 'close.ts', cut.addr).all_written()).toContain(
      '1 messages did not go out: ',
    )
  })

  it('has a server that ends by itself on SIGTERM, and tells its clients to come back', async () => {
    const { sample, address } = await serve('closing.md', 'stop.ts')
    const { ws } = guest(`ws://${address}/ws`)
    await ws.opened
    expect(await sample.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(await ws.closed).toMatchObject({ code: 1012, reason: expect.stringContaining('retry_after_ms=') })
  })

  it('has an on_error that says what a port is taken by, and what a client did', async () => {
    const { sample, address } = await serve('closing.md', 'on_error.ts')
    const second = new Sample('closing.md', 'on_error.ts', address)
    expect(await second.all_written()).toContain('the port is in use')
    expect((await second.exit).code).toBe(1)
    const { ws } = guest(`ws://${address}/ws`)
    ws.send('x'.repeat((1 << 20) + 1))
    await sample.says('a client breaks the rules, and was closed')
    expect((await ws.closed).code).toBe(1009)
  })
})

describe('security.md', () => {
  it('has sessions that let in who has one', async () => {
    const changes = {
      'const sessions = new Map<string, Session>()':
        "const sessions = new Map<string, Session>([['ada-1', { user: 'ada', expires_ms: Date.now() + 60_000 }], ['bob-1', { user: 'bob', expires_ms: 0 }]])",
    }
    const { address } = await serve('security.md', 'sessions.ts', changes)
    const as = (cookie: string): ReturnType<typeof guest> =>
      guest(`ws://${address}/ws`, { headers: { Cookie: cookie } })
    const ada = as('a=b; session=ada-1')
    ada.ws.send('hello')
    expect(await ada.hears()).toBe('ada: hello')
    for (const cookie of ['session=bob-1', 'nosession=ada-1', 'session=nobody'])
      await expect(as(cookie).ws.opened).rejects.toThrow(/401.*log in first/)
  })

  it('has a server that closes when a session ends', async () => {
    const { address } = await serve('security.md', 'sessions.ts', {
      'const sessions = new Map<string, Session>()':
        'const sessions = { get: (user: string) => ({ user, expires_ms: Date.now() + 200 }) }',
    })
    const { ws } = guest(`ws://${address}/ws`, { headers: { Cookie: 'session=ada' }, reconnect: true })
    expect(await ws.closed).toMatchObject({ code: 4401, reason: 'the session has expired' })
  })

  it('has a client that stays connected when the network changes, with a new token when the old one has expired', async () => {
    let [made, valid] = [0, 0]
    let is_offline = true
    const elsewhere = await answer_http((_request, response) => {
      if (is_offline) response.destroy()
      else response.end(`${++made}`)
      is_offline = false
    })
    const heard: string[] = []
    const all_heard = new Promise<void>(resolve => {
      void host({
        protocols: ['chat'],
        authorize: ({ protocols }) => Number(protocols[1]?.replace('token.', '')),
        on_connect: socket => {
          if (socket.data !== valid) return void socket.close(4401, 'the token has expired')
          socket.send('welcome')
        },
        on_message: (socket, data) => {
          heard.push(`${socket.data}: ${data}`)
          // The network changes twice, and the second time the token expires meanwhile.
          if (heard.length === 2) valid = 2
          if (heard.length === 3) resolve()
          else socket.close(4000, 'lost')
        },
      }).then(({ addr }) => {
        valid = 1
        const changes = {
          [ELSEWHERE]: elsewhere,
          '1_000 + 4_000 * Math.random()': '1',
          '1_000)': '1)',
        }
        const sample = new Sample('security.md', 'renew_token.ts', addr, changes)
        onTestFinished(async () => {
          await sample.stop('SIGKILL')
        })
      })
    })
    await all_heard
    expect(heard).toEqual(['1: hello', '1: hello', '2: hello'])
    expect(made).toBe(2)
  })

  it('has a server that takes what it expects, and closes on anything else', async () => {
    const { address } = await serve('security.md', 'check.ts')
    const enter = async (): Promise<ReturnType<typeof guest>> => {
      const one = guest(`ws://${address}/ws`)
      one.ws.send(JSON.stringify({ room: 'lobby', text: 'here' }))
      await one.ws.drained()
      return one
    }
    const [ada, bob] = [await enter(), await enter()]
    bob.ws.send(JSON.stringify({ room: 'lobby', text: 'hello' }))
    while (JSON.parse((await ada.hears()) ?? '').text !== 'hello');
    for (const wrong of [
      'no JSON',
      'null',
      '7',
      '{"room":"secret","text":"x"}',
      '{"room":"lobby","text":7}',
    ]) {
      const { ws } = guest(`ws://${address}/ws`)
      ws.send(wrong)
      expect(await ws.closed).toMatchObject({ code: 4400, reason: 'expected { room, text }' })
    }
  })

  it('has a server that slows down who sends too much', async () => {
    const { address } = await serve('security.md', 'slow_down.ts')
    const errors: string[] = []
    const { hears, ws: other } = guest(`ws://${address}/ws`)
    const { ws } = guest(`ws://${address}/ws`, { on_error: error => errors.push(error.code) })
    await Promise.all([ws.opened, other.opened])
    const began_ms = performance.now()
    for (let sent = 0; sent <= 25; sent += 1) ws.send('hello')
    // Each waits for the one before, for 20 ms or, as a timer may be early, a little less.
    for (let heard = 0; heard <= 25; heard += 1) await hears()
    expect(performance.now() - began_ms).toBeGreaterThan(25 * 19)
    while (ws.send('x'.repeat(1_000)) === true);
    await Promise.race([ws.closed, new Promise(setImmediate)])
    expect([errors, ws.state]).toEqual([['queue_full'], 'open'])
  })
})

describe('performance.md', () => {
  it('has messages that are collected, and a server that measures itself', async () => {
    const measure = await serve('performance.md', 'measure.ts', { 'EVERY_MS = 5_000': 'EVERY_MS = 200' })
    const { ws, hears } = guest(`ws://${measure.address}/ws`)
    ws.send('hello')
    expect(await hears()).toBe('hello')
    await measure.sample.says('1 sockets, ')

    const { address } = await serve('performance.md', 'collect.ts', {
      "price_changed('ABC', 100.25) }": "price_changed('ABC', 100.25); price_changed('DEF', 7) }",
    })
    const listener = guest(`ws://${address}/ws`)
    expect(JSON.parse((await listener.hears()) ?? '')).toEqual({ symbol: 'ABC', price: 100.25 })
    expect(JSON.parse((await listener.hears()) ?? '')).toEqual({ symbol: 'DEF', price: 7 })
  })
})
