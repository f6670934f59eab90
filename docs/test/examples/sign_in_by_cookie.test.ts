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

  /** Waits until the page shows that text. */
  async function shows(page: Page, text: string): Promise<void> {
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

  /** Connects as a browser on that page would, and returns how that went. */
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

  it('in the browser opens a socket that knows who it is, until they sign out in any tab', async () => {
    const program = start()
    const url = await program.url()
    const page = await open_page(url)
    await sign_in(page, 'ada', 'secret')
    await shows(page, 'hello ada')
    const tab = await page.context().newPage()
    await tab.goto(url)
    await shows(tab, 'hello ada')
    const other = await open_page(url)
    await sign_in(other, 'bob', 'other')
    await shows(other, 'hello bob')
    await tab.click('button')
    // Both tabs of that session are told, and show the form again; the other session goes on.
    for (const signed_out of [page, tab]) await signed_out.waitForSelector('[name=password]')
    expect(await other.textContent('output')).toBe('hello bob')
    expect(await program.stop()).toEqual({ code: 0, signal: null })
  })

  it('ends when the session does', async () => {
    const url = await start({ SESSION_MS: '3000' }).url()
    const [, Cookie] = await post(url, 'user=ada&password=secret')
    const headers = { Origin: url, Cookie }
    const client = connect({ type: 'ws', url: `${url.replace('http', 'ws')}/live`, headers })
    expect(await client[Symbol.asyncIterator]().next()).toMatchObject({ value: 'hello ada' })
    expect(await client.closed).toMatchObject({ code: 4401, reason: 'the session has ended' })
    expect(await outcome(url, headers)).toBe('401')
  })

  it('keeps the cookie from scripts and other sites, and from plain http where the pages come by https', async () => {
    const page = await open_page(await start().url())
    await sign_in(page, 'ada', 'secret')
    await shows(page, 'hello ada')
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

  it('does not start where a name or a password is empty', async () => {
    const wrong = [{}, { USERS: ',' }, { USERS: 'ada:' }, { USERS: ':secret' }, { USERS: 'ada:secret,' }]
    const programs = wrong.map(env => new Program('sign_in_by_cookie', { PORT: '0', ...env }))
    for (const program of programs) {
      expect((await program.exit).code).toBe(1)
      expect(program.written).toContain('set USERS to name:password')
      expect(program.written).not.toMatch(/listening|: secret|'secret'/)
    }
  })

  it('wants all of a password that has a colon', async () => {
    const url = await start({ USERS: 'ada:se:cret' }).url()
    expect((await post(url, 'user=ada&password=se'))[0]).toBe(401)
    expect((await post(url, 'user=ada&password=se:cret'))[0]).toBe(303)
  })

  it('ends the session before when its browser signs in again', async () => {
    const url = await start().url()
    const [, before] = await post(url, 'user=ada&password=secret')
    const [, after] = await post(url, 'user=bob&password=other', url, before)
    expect(await outcome(url, { Origin: url, Cookie: before })).toBe('401')
    expect(await outcome(url, { Origin: url, Cookie: after })).toBe('hello bob')
  })

  it('keeps a session that is to last longer than a timer can', async () => {
    const url = await start({ SESSION_MS: String(60 * 86_400_000) }).url()
    const [, Cookie] = await post(url, 'user=ada&password=secret')
    const answer = await fetch(`${url}/session`, { headers: { Cookie } })
    expect(answer.status).toBe(204)
    expect(await outcome(url, { Origin: url, Cookie })).toBe('hello ada')
  })

  it('is connected again by the page when the network was lost, and shows the form when the session was', async () => {
    let inside = ''
    const wires = new Set<Socket>()
    const network = createServer(near => {
      const far = createConnection(Number(new URL(inside).port), '127.0.0.1')
      near.pipe(far).pipe(near)
      for (const wire of [near, far]) {
        wires.add(wire)
        wire.on('error', () => {}).on('close', () => [near, far].map(each => each.destroy()))
      }
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void network.close())
    await once(network, 'listening')
    const ORIGIN = `http://127.0.0.1:${(network.address() as AddressInfo).port}`
    const behind = start({ ORIGIN })
    inside = await behind.url()
    const page = await open_page(ORIGIN)
    await sign_in(page, 'ada', 'secret')
    await shows(page, 'hello ada')
    await page.evaluate(() => {
      const output = document.querySelector('output')
      if (output !== null) output.textContent = 'lost'
    })
    for (const wire of wires) wire.destroy()
    await shows(page, 'hello ada')
    // It comes back without its sessions, which are in memory.
    await behind.stop()
    inside = await start({ ORIGIN }).url()
    await page.waitForSelector('[name=password]')
  })

  it('lets nobody in without a session of ours, nor a page of another site with one', async () => {
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

  it('refuses another password, a name that nobody has, other pages, and forms that are too long', async () => {
    const url = await start().url()
    expect(await post(url, 'user=ada&password=other')).toEqual([401, ''])
    expect(await post(url, 'user=eve&password=secret')).toEqual([401, ''])
    expect(await post(url, '')).toEqual([401, ''])
    expect(await post(url, 'user=ada&password=secret', 'https://elsewhere.example')).toEqual([403, ''])
    expect(await post(url, `user=ada&password=${'x'.repeat(5_000)}`)).toEqual([413, ''])
    expect((await fetch(`${url}/other`)).status).toBe(404)
  })

  it('lets an address try ten times in a minute', async () => {
    const url = await start().url()
    const statuses: number[] = []
    for (let i = 0; i < 11; i += 1) statuses.push((await post(url, 'user=ada&password=no'))[0])
    expect(statuses).toEqual([...Array(10).fill(401), 429])
  })

  it.skipIf(process.platform !== 'linux')('lets at most 1,000 addresses try in a minute', async () => {
    const url = await start().url()
    /** A form that is too long takes no time to check. */
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
    for (let i = 0; i < 1_000; i += 1) expect(await status_for(`127.0.${1 + (i >> 8)}.${i & 255}`)).toBe(413)
    expect(await status_for('127.1.0.1')).toBe(429)
    expect(await status_for('127.0.1.1')).toBe(413)
  })

  it('slows down who sends more than 20 messages in a second', async () => {
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
    // Timers may be a little early.
    expect(performance.now() - began_ms).toBeGreaterThan(10 * 45)
  })
})
