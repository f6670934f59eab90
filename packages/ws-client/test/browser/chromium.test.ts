import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { launch_chromium } from '@bt/test-support/chromium'
import { deferred } from '@bt/test-support/deferred'
import { package_config } from '@bt/test-support/vitest'
import { port_cases, WsPeer } from '@bt/ws-protocol/testing'
import type { Browser, Page } from 'playwright-core'
import { build, type Plugin, type Rolldown } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { start_ws_server, stop_all } from '../echo_server.js'

/** Makes a page use the build of `connect` for production, instead of the sources. */
const production: Plugin = {
  name: 'production',
  enforce: 'pre',
  resolveId: id =>
    id.endsWith('/src/index.browser.js')
      ? fileURLToPath(new URL('../../dist/page/production.js', import.meta.url))
      : undefined,
}

/** Bundles a file of this folder, as a page's `type="module"` script. */
async function bundled(name: string, plugins: Plugin[] = []): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: 'warn',
    plugins,
    ...(package_config.resolve === undefined ? {} : { resolve: package_config.resolve }),
    build: {
      write: false,
      minify: false,
      rolldownOptions: { input: fileURLToPath(new URL(name, import.meta.url)) },
    },
  })) as Rolldown.RolldownOutput
  return built.output[0].code
}

let browser: Browser
let origin: string
const scripts = new Map<string, string>()
const http = createServer((request, response) => {
  const script = scripts.get(request.url ?? '')
  response.setHeader('Content-Type', script === undefined ? 'text/html' : 'text/javascript')
  response.end(
    script ??
      `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${request.url}.js"></script>`,
  )
})

beforeAll(async () => {
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const scripts_ready = (
    [
      ['port_page', bundled('port_page.ts')],
      ['connect_page', bundled('connect_page.ts')],
      ['production_page', bundled('connect_page.ts', [production])],
    ] as const
  ).map(async ([name, script]) => scripts.set(`/${name}.js`, await script))
  ;[browser] = await Promise.all([launch_chromium(), ...scripts_ready])
})

afterAll(async () => {
  await browser.close()
  http.close()
})

afterEach(stop_all)

/** The console messages and errors of a page. */
function complaints_of(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', message => complaints.push(message.text()))
  page.on('pageerror', error => complaints.push(String(error)))
  return complaints
}

describe('WebSocketPort in Chromium', () => {
  let page: Page
  let complaints: string[]
  const peers = new Map<number, Promise<WsPeer>>()

  beforeAll(async () => {
    page = await browser.newPage()
    complaints = complaints_of(page)
    await page.exposeFunction('make_peer', async () => {
      const id = peers.size
      let accepted!: (peer: WsPeer) => void
      peers.set(id, new Promise(resolve => (accepted = resolve)))
      const { url } = await start_ws_server(ws => accepted(new WsPeer(ws)))
      return { id, url }
    })
    const from_wire = (data: unknown): unknown =>
      typeof data === 'object' && data !== null && 'latin1' in data
        ? Uint8Array.from(Buffer.from(String(data.latin1), 'latin1'))
        : data
    await page.exposeFunction('send_from_peer', async (id: number, messages: readonly unknown[]) => {
      const peer = await (peers.get(id) as Promise<WsPeer>)
      for (const data of messages) peer.send(from_wire(data) as string | Uint8Array)
    })
    await page.exposeFunction('call_peer', async (id: number, call: keyof WsPeer, ...args: unknown[]) => {
      const peer = await (peers.get(id) as Promise<WsPeer>)
      const given = args.map(from_wire)
      const returned = await (peer[call] as ((...args: unknown[]) => unknown) | undefined)?.apply(peer, given)
      const to_wire = (data: unknown): unknown =>
        data instanceof Uint8Array ? { latin1: Buffer.from(data).toString('latin1') } : data
      return Array.isArray(returned) ? returned.map(to_wire) : returned
    })
    await page.goto(`${origin}/port_page`)
    await page.waitForFunction(() => 'run_port_case' in window)
  })

  it.each(port_cases.map(({ name }) => name))('%s', async name => {
    await page.evaluate(name => window.run_port_case(name), name)
    expect(complaints).toEqual([])
  })
})

describe.each(['connect_page', 'production_page'])('connect in Chromium, on %s', path => {
  let page: Page
  let complaints: string[]
  const echo = (ws: WebSocket): void => void ws.on('message', data => ws.send(`echo:${data}`))

  beforeAll(async () => {
    page = await browser.newPage()
    complaints = complaints_of(page)
    return () => page.close()
  })

  // The page is loaded anew for each test, and so begins with nothing of the one before.
  beforeEach(async () => {
    await page.goto(`${origin}/${path}`)
    await page.waitForFunction(() => 'connect_to' in globalThis)
    complaints.length = 0
  })

  it('sends, receives and closes, in a page', async () => {
    const { url } = await start_ws_server(echo)
    const seen = await page.evaluate(async url => {
      const ws = connect_to(url)
      ws.send('hello')
      const { value: data } = await ws[Symbol.asyncIterator]().next()
      ws.close(4_000, 'enough')
      return { data, state: ws.state, info: await ws.closed }
    }, url)
    const info = { code: 4_000, reason: 'enough', cause: 'local', clean: true, unsent: 0 }
    expect(seen).toEqual({ data: 'echo:hello', state: 'closing', info })
    expect(complaints).toEqual([])
  })

  it('sends, receives and closes, in a worker', async () => {
    const { url } = await start_ws_server(echo)
    const seen = await page.evaluate(
      async ([url, script]) => {
        const worker = new Worker(script, { type: 'module' })
        const posted: unknown[] = []
        const all_posted = new Promise<void>(resolve => {
          worker.onmessage = ({ data }) => void (posted.push(data) === 3 && resolve())
        })
        worker.postMessage(url)
        await all_posted
        return posted
      },
      [url, `/${path}.js`] as const,
    )
    const info = { code: 4_000, reason: 'from a worker', cause: 'local', clean: true, unsent: 0 }
    expect(seen).toEqual(['echo:a', 'echo:b', info])
    expect(complaints).toEqual([])
  })

  it('reports that the server is gone, and a new client connects when it is back', async () => {
    const first = await start_ws_server(echo)
    const lost = page.evaluate(async url => {
      const errors: string[] = []
      const ws = connect_to(url, { on_error: (error: { code: string }) => errors.push(error.code) })
      ws.send('hello')
      await ws[Symbol.asyncIterator]().next()
      document.title = 'open'
      return { info: await ws.closed, errors }
    }, first.url)
    await page.waitForFunction(() => document.title === 'open')
    first.stop()
    expect(await lost).toEqual({
      info: { code: 1006, reason: '', cause: 'network', clean: false, unsent: 0 },
      errors: ['connection_lost'],
    })
    const { url } = await start_ws_server(echo)
    const again = await page.evaluate(async url => {
      const ws = connect_to(url)
      ws.send('again')
      return (await ws[Symbol.asyncIterator]().next()).value
    }, url)
    expect(again).toBe('echo:again')
    expect(complaints).toEqual([])
  })

  it('reconnects by itself, and then sends the messages from in between', async () => {
    const received: string[][] = []
    const { url } = await start_ws_server(ws => {
      const messages: string[] = []
      received.push(messages)
      ws.on('message', data => {
        messages.push(String(data))
        if (String(data) === 'lose me') ws.terminate()
        else ws.send(`echo:${data}`)
      })
    })
    const seen = await page.evaluate(async url => {
      const states: string[] = []
      const errors: string[] = []
      const ws = connect_to(url, {
        reconnect: { max_delay: 10 },
        on_open: () => states.push(ws.state),
        on_error: (error: { code: string }) => errors.push(error.code),
        on_reconnecting: () => {
          states.push(ws.state)
          ws.send('a')
          ws.send('b')
        },
      })
      ws.send('lose me')
      const received: unknown[] = []
      for await (const data of ws) if (received.push(data) === 2) ws.close()
      return { received, states, errors, info: await ws.closed }
    }, url)
    expect(seen).toEqual({
      received: ['echo:a', 'echo:b'],
      states: ['open', 'reconnecting', 'open'],
      errors: ['connection_lost'],
      // A message sent just before the loss may count as unsent, because a page can't know whether it was.
      info: expect.objectContaining({ code: 1000, cause: 'local', clean: true }),
    })
    expect(received).toEqual([['lose me'], ['a', 'b']])
    expect(complaints).toEqual([])
  })

  it('reconnects within a second when the network comes back, before its delay has passed', async () => {
    let connections = 0
    const { url } = await start_ws_server(ws => {
      connections += 1
      if (connections === 1) ws.terminate()
    })
    const opened_again = page.evaluate(async url => {
      const delays: number[] = []
      const ws = connect_to(url, {
        reconnect: { min_delay: 2_000_000_000, max_delay: 2_000_000_000 },
        on_error: () => {},
        on_reconnecting: ({ delay_ms }: { delay_ms: number }) => {
          delays.push(delay_ms)
          document.title = 'waiting'
        },
      })
      await ws.opened
      await new Promise<void>(resolve => ws.on_open(resolve))
      ws.close()
      return delays
    }, url)
    await page.waitForFunction(() => document.title === 'waiting')
    await page.context().setOffline(true)
    expect(connections).toBe(1)
    await page.context().setOffline(false)
    expect(await opened_again).toEqual([expect.any(Number)])
    expect(connections).toBe(2)
    expect(complaints).toEqual([])
  })

  it('does not give up without a network, and sends waiting messages when it is back', async () => {
    const received: string[] = []
    let drop!: () => void
    const { url } = await start_ws_server(ws => {
      drop = () => ws.terminate()
      ws.on('message', data => received.push(String(data)))
    })
    await page.evaluate(async url => {
      const ws = connect_to(url, {
        reconnect: { max_delay: 1, max_attempts: 2 },
        on_error: () => {},
        on_close: () => (document.title = 'given up'),
      })
      let waits = 0
      ws.on_reconnecting(() => {
        waits += 1
        if (waits === 1) ws.send('written in a tunnel')
        // This server is on the same machine, so that attempts are made all the same.
        if (waits === 8) document.title = 'still there'
      })
      await ws.opened
      ws.on_open(() => ws.close())
    }, url)
    await page.context().setOffline(true)
    drop()
    await page.waitForFunction(() => document.title !== '')
    expect(await page.title()).toBe('still there')
    await page.context().setOffline(false)
    await page.waitForFunction(() => document.title === 'given up')
    expect(received).toEqual(['written in a tunnel'])
  })

  it('reports handshake_failed if nothing listens; only the browser shows the reason, on its console', async () => {
    const { url, stop } = await start_ws_server(echo)
    stop()
    const code = await page.evaluate(
      url => connect_to(url, { on_error: () => {} }).opened.catch(error => error.code),
      url,
    )
    expect(code).toBe('handshake_failed')
    expect(complaints).toEqual([
      expect.stringMatching(/^WebSocket connection to .* failed.*ERR_CONNECTION_REFUSED/),
    ])
  })

  it('notices with a probe that a server is frozen, although it only receives', async () => {
    let questions = 0
    const { url } = await start_ws_server(ws => {
      ws.send('news')
      ws.on('message', data => {
        questions += 1
        ws.send(String(data) === 'ping' ? 'pong' : 'what?')
        if (questions === 3) ws.pause()
      })
    })
    const seen = await page.evaluate(async url => {
      const received: unknown[] = []
      const errors: string[] = []
      const ws = connect_to(url, {
        heartbeat: 1_000,
        probe: make_probe({ send: 'ping', expect: 'pong' }),
        on_message: (data: unknown) => received.push(data),
        on_error: (error: { code: string }) => errors.push(error.code),
      })
      return { info: await ws.closed, received, errors }
    }, url)
    expect(seen).toEqual({
      info: { code: 1006, reason: '', cause: 'heartbeat', clean: false, unsent: 0 },
      received: ['news'],
      errors: ['connection_lost'],
    })
    // More than three times the span without an answer: the answers had kept it open.
    expect(questions).toBe(3)
    expect(complaints).toEqual([])
  })

  it('asks with a probe as soon as it is shown again', async () => {
    const { url } = await start_ws_server(ws => void ws.on('message', data => ws.send(`${data}!`)))
    const answered = await page.evaluate(async url => {
      let resolve = (_data: string): void => {}
      const promise = new Promise<string>(take => (resolve = take))
      const expected = (data: string | Uint8Array): boolean => {
        resolve(String(data))
        return true
      }
      const ws = connect_to(url, { probe: make_probe({ send: 'ping', expect: expected }) })
      await ws.opened
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
      const data = await promise
      ws.close()
      return data
    }, url)
    expect(answered).toBe('ping!')
  })

  it('answers the questions of a server with a probe, and hides them', async () => {
    const { promise: answers, resolve } = deferred<string[]>()
    const { url } = await start_ws_server(ws => {
      const received: string[] = []
      for (const data of ['2', 'news', '2']) ws.send(data)
      ws.on('message', data => {
        if (received.push(String(data)) < 2) return
        resolve(received)
        ws.close(1000)
      })
    })
    const received = await page.evaluate(async url => {
      const received: unknown[] = []
      const ws = connect_to(url, { probe: make_probe({ receive: '2', reply: '3' }) })
      for await (const data of ws) received.push(data)
      return received
    }, url)
    expect(await answers).toEqual(['3', '3'])
    expect(received).toEqual(['news'])
  })

  it('closes when more than 16 MiB wait for a slow on_message, and delivers the waiting messages', async () => {
    const { promise: closed, resolve: tell } = deferred<number>()
    const { url } = await start_ws_server(ws => {
      ws.on('close', code => tell(code))
      for (let index = 0; index < 40; index += 1) ws.send(String(index).padEnd(1_048_576, '.'))
    })
    const seen = await page.evaluate(async url => {
      const errors: string[] = []
      const received: number[] = []
      let go_on!: () => void
      const ws = connect_to(url, {
        on_error: (error: { code: string }) => {
          errors.push(error.code)
          go_on()
        },
      })
      ws.on_message(data => {
        received.push(Number.parseInt(data as string, 10))
        return received.length === 1 ? new Promise<void>(resolve => (go_on = resolve)) : undefined
      })
      const info = await ws.closed
      return { errors, received, info }
    }, url)
    expect(seen.errors).toEqual(['inbox_overflow'])
    expect(seen.info).toMatchObject({ code: 1008, cause: 'overflow', clean: true })
    expect(seen.received).toEqual(Array.from({ length: seen.received.length }, (_, index) => index))
    expect(seen.received.length).toBe(17)
    expect(await closed).toBe(4008)
    expect(complaints).toEqual([])
  })
})
