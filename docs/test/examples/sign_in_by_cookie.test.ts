import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { connect } from '@bt/net'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { use_browser } from './browser.ts'
import { Program } from './program.ts'

describe('signing in by a cookie', () => {
  const open_page = use_browser()

  function start(env: Readonly<Record<string, string>> = {}): Program {
    return new Program('sign_in_by_cookie', { PORT: '0', USERS: 'ada:secret,bob:other', ...env })
  }

  async function sign_in(page: Page, user: string, password: string): Promise<void> {
    await page.fill('[name=user]', user)
    await page.fill('[name=password]', password)
    await page.click('button')
  }

  async function wait_for_text(page: Page, text: string): Promise<void> {
    await page.getByText(text, { exact: true }).waitFor()
  }

  /** Signs in without a browser, and returns the status and the cookie. */
  async function post(url: string, form: string, origin = url, cookie = ''): Promise<[number, string]> {
    const answer = await fetch(`${url}/sign_in`, {
      method: 'POST',
      body: form,
      headers: { origin, cookie },
      redirect: 'manual',
    })
    return [answer.status, answer.headers.get('set-cookie')?.split(';')[0] ?? '']
  }

  /** Connects as a page would, and returns the first message, or the status of the refusal. */
  async function outcome(url: string, headers: Readonly<Record<string, string>>): Promise<string> {
    const client = connect({
      type: 'ws',
      url: `${url.replace('http', 'ws')}/live`,
      headers,
      on_error: () => {},
    })
    try {
      for await (const data of client) return data
      return 'nothing'
    } catch (err) {
      return /\b[45]\d\d\b/.exec(String(err))?.[0] ?? String(err)
    } finally {
      await client[Symbol.asyncDispose]()
    }
  }

  it('opens a socket for the user in each tab, and closes them all when one tab signs out', async () => {
    const program = start()
    const url = await program.url()
    const page = await open_page(url)
    await sign_in(page, 'ada', 'secret')
    await wait_for_text(page, 'hello ada')
    const tab = await page.context().newPage()
    await tab.goto(url)
    await wait_for_text(tab, 'hello ada')
    const other = await open_page(url)
    await sign_in(other, 'bob', 'other')
    await wait_for_text(other, 'hello bob')
    await tab.click('button')
    // Both tabs of the session show the form again; the other session continues.
    for (const signed_out of [page, tab]) await signed_out.waitForSelector('[name=password]')
    expect(await other.textContent('output')).toBe('hello bob')
    expect(await program.stop()).toEqual({ code: 0, signal: null })
  })

  it('closes the socket when the session ends', async () => {
    const url = await start({ SESSION_MS: '3000' }).url()
    const [, Cookie] = await post(url, 'user=ada&password=secret')
    const headers = { Origin: url, Cookie }
    const client = connect({ type: 'ws', url: `${url.replace('http', 'ws')}/live`, headers })
    expect(await client[Symbol.asyncIterator]().next()).toMatchObject({ value: 'hello ada' })
    expect(await client.closed).toMatchObject({ code: 4401, reason: 'the session has ended' })
    expect(await outcome(url, headers)).toBe('401')
  })

  it('hides the cookie from scripts and other sites, and restricts it to https if the pages use https', async () => {
    const page = await open_page(await start().url())
    await sign_in(page, 'ada', 'secret')
    await wait_for_text(page, 'hello ada')
    const [cookie] = await page.context().cookies()
    expect(cookie).toMatchObject({ name: 'session', httpOnly: true, sameSite: 'Strict', secure: false })
    const origin = 'https://example.com'
    const answer = await fetch(`${await start({ ORIGIN: origin }).url()}/sign_in`, {
      method: 'POST',
      body: 'user=ada&password=secret',
      headers: { origin },
      redirect: 'manual',
    })
    expect(answer.headers.get('set-cookie')).toMatch(/^__Host-session=.*; Path=\/; .*; Secure$/)
  })

  it('does not start if a name or a password is empty', async () => {
    const invalid = [{}, { USERS: ',' }, { USERS: 'ada:' }, { USERS: ':secret' }, { USERS: 'ada:secret,' }]
    const programs = invalid.map(env => new Program('sign_in_by_cookie', { PORT: '0', ...env }))
    for (const program of programs) {
      expect((await program.exit).code).toBe(1)
      expect(program.written).toContain('set USERS to name:password')
      expect(program.written).not.toMatch(/listening|: secret|'secret'/)
    }
  })

  it('accepts a password with a colon only as a whole', async () => {
    const url = await start({ USERS: 'ada:se:cret' }).url()
    expect((await post(url, 'user=ada&password=se'))[0]).toBe(401)
    expect((await post(url, 'user=ada&password=se:cret'))[0]).toBe(303)
  })

  it('ends the old session when the same browser signs in again', async () => {
    const url = await start().url()
    const [, before] = await post(url, 'user=ada&password=secret')
    const [, after] = await post(url, 'user=bob&password=other', url, before)
    expect(await outcome(url, { Origin: url, Cookie: before })).toBe('401')
    expect(await outcome(url, { Origin: url, Cookie: after })).toBe('hello bob')
  })

  it('keeps a session whose lifetime exceeds the longest timer', async () => {
    const url = await start({ SESSION_MS: String(60 * 86_400_000) }).url()
    const [, Cookie] = await post(url, 'user=ada&password=secret')
    const answer = await fetch(`${url}/session`, { headers: { Cookie } })
    expect(answer.status).toBe(204)
    expect(await outcome(url, { Origin: url, Cookie })).toBe('hello ada')
  })

  it('reconnects the page after the network was lost, and shows the form after the session was', async () => {
    let server_url = ''
    const sockets = new Set<Socket>()
    const proxy = createServer(client => {
      const upstream = createConnection(Number(new URL(server_url).port), '127.0.0.1')
      client.pipe(upstream).pipe(client)
      for (const socket of [client, upstream]) {
        sockets.add(socket)
        socket.on('error', () => {}).on('close', () => [client, upstream].map(each => each.destroy()))
      }
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void proxy.close())
    await once(proxy, 'listening')
    const ORIGIN = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const first = start({ ORIGIN })
    server_url = await first.url()
    const page = await open_page(ORIGIN)
    await sign_in(page, 'ada', 'secret')
    await wait_for_text(page, 'hello ada')
    await page.evaluate(() => {
      const output = document.querySelector('output')
      if (output !== null) output.textContent = 'lost'
    })
    for (const socket of sockets) socket.destroy()
    await wait_for_text(page, 'hello ada')
    // After the restart, the sessions are gone, because they are in memory.
    await first.stop()
    server_url = await start({ ORIGIN }).url()
    await page.waitForSelector('[name=password]')
  })

  it('refuses a socket without a valid session, and a valid session on a page of another site', async () => {
    const url = await start().url()
    const [status, Cookie] = await post(url, 'user=ada&password=secret')
    expect(status).toBe(303)
    expect(await outcome(url, { Origin: url, Cookie })).toBe('hello ada')
    expect(await outcome(url, { Origin: url, Cookie: `a=b; ${Cookie}; c=d` })).toBe('hello ada')
    expect(await outcome(url, { Origin: url })).toBe('401')
    expect(await outcome(url, { Origin: url, Cookie: 'session=guessed' })).toBe('401')
    expect(await outcome(url, { Origin: url, Cookie: `no${Cookie}` })).toBe('401')
    expect(await outcome(url, { Origin: 'http://127.0.0.1:1', Cookie })).toBe('403')
  })

  it('refuses a wrong password, an unknown name, other origins, and forms that are too long', async () => {
    const url = await start().url()
    expect(await post(url, 'user=ada&password=other')).toEqual([401, ''])
    expect(await post(url, 'user=eve&password=secret')).toEqual([401, ''])
    expect(await post(url, '')).toEqual([401, ''])
    expect(await post(url, 'user=ada&password=secret', 'https://elsewhere.example')).toEqual([403, ''])
    expect(await post(url, `user=ada&password=${'x'.repeat(5_000)}`)).toEqual([413, ''])
    expect((await fetch(`${url}/other`)).status).toBe(404)
  })

  it('limits an address to 10 sign-in attempts per minute', async () => {
    const url = await start().url()
    const statuses: number[] = []
    for (let i = 0; i < 11; i += 1) statuses.push((await post(url, 'user=ada&password=no'))[0])
    expect(statuses).toEqual([...Array(10).fill(401), 429])
  })

  it.skipIf(process.platform !== 'linux')(
    'limits sign-in attempts to 1,000 addresses per minute',
    async () => {
      const url = await start().url()
      /** Posts a form that is too long, for which the server computes no hash. */
      const status_for = (localAddress: string): Promise<number | undefined> =>
        new Promise((resolve, reject) => {
          const headers = { origin: url, 'content-length': 5_000 }
          request(`${url}/sign_in`, { method: 'POST', headers, localAddress }, answer => {
            answer.resume()
            resolve(answer.statusCode)
          })
            .on('error', reject)
            .end('x'.repeat(5_000))
        })
      for (let i = 0; i < 1_000; i += 1)
        expect(await status_for(`127.0.${1 + (i >> 8)}.${i & 255}`)).toBe(413)
      expect(await status_for('127.1.0.1')).toBe(429)
      expect(await status_for('127.0.1.1')).toBe(413)
    },
  )

  it('slows down a client that sends more than 20 messages per second', async () => {
    const url = await start().url()
    const [, Cookie] = await post(url, 'user=ada&password=secret')
    const client = connect({
      type: 'ws',
      url: `${url.replace('http', 'ws')}/live`,
      headers: { Origin: url, Cookie },
    })
    onTestFinished(() => client[Symbol.asyncDispose]())
    for (let i = 0; i <= 10; i += 1) client.send(`${i}`)
    const began_ms = performance.now()
    for await (const data of client) if (data === 'ada: 10') break
    // Timers may fire a little early.
    expect(performance.now() - began_ms).toBeGreaterThan(10 * 45)
  })
})
