import { type CloseInfo, listen, type WsListenOptions, type WsServer } from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { use_browser } from './browser.ts'
import { use_page } from './page_server.ts'

describe('useSocket', () => {
  const page_url = use_page('use_socket_page.tsx')
  const open_page = use_browser()

  async function start(options: Partial<WsListenOptions> = {}): Promise<{ server: WsServer; url: string }> {
    const server = listen({ bind: '127.0.0.1:0', ...options, type: 'ws' })
    await server.opened
    onTestFinished(() => server[Symbol.asyncDispose]())
    return { server, url: `ws://${server.addr}${options.route ?? '/ws'}` }
  }

  async function show(url: string): Promise<Page> {
    return open_page(`${page_url()}/?url=${encodeURIComponent(url)}`)
  }

  /** Waits until a part of the page shows exactly that. */
  async function shows(page: Page, selector: string, text: string): Promise<void> {
    await page.waitForFunction(
      ([selector = '', text]) => document.querySelector(selector)?.textContent === text,
      [selector, text],
    )
  }

  it('opens one connection in StrictMode, and shows each of a thousand messages that come at once, in order', async () => {
    const { server, url } = await start({
      on_connect: socket => {
        for (let i = 0; i < 1_000; i += 1) socket.send(`${i}`)
      },
    })
    const page = await show(url)
    await shows(page, '#first .received', Array.from({ length: 1_000 }, (_, i) => `s:${i}`).join(' '))
    await shows(page, '#first .status', 'open')
    expect(server.stats().accepted).toBe(1)
  })

  it('closes in order when the last component is gone, and not before', async () => {
    const closed = deferred<CloseInfo>()
    const { server, url } = await start({ on_close: (_socket, info) => closed.resolve(info) })
    const page = await show(url)
    await page.click('#two')
    await shows(page, '#second .status', 'open')
    await page.click('#first .send')
    await page.click('#second .send')
    await page.click('#none')
    expect(await closed.promise).toMatchObject({ code: 1000, clean: true, cause: 'peer' })
    expect(server.stats().accepted).toBe(1)
  })

  it('is shared by components that name the same URL: each is told every message', async () => {
    const said = deferred<string>()
    const { server, url } = await start({ on_message: (_socket, data) => said.resolve(data) })
    const page = await show(url)
    await page.click('#two')
    await shows(page, '#second .status', 'open')
    server.broadcast('hello')
    for (const id of ['first', 'second']) await shows(page, `#${id} .received`, 's:hello')
    await page.click('#second .send')
    await shows(page, '#second .counted', '1')
    expect(await said.promise).toBe('from second')
  })

  it('goes over to another URL, and shows nothing more of the one before', async () => {
    const closed = deferred<CloseInfo>()
    const [one, two] = [
      await start({ route: '/1', on_close: (_socket, info) => closed.resolve(info) }),
      await start({ route: '/2', on_connect: socket => socket.send('welcome') }),
    ]
    const page = await show(one.url)
    await shows(page, '#first .status', 'open')
    one.server.broadcast('hello')
    await shows(page, '#first .received', '1:hello')
    await page.fill('#url', two.url)
    await shows(page, '#first .received', '1:hello 2:welcome')
    expect(await closed.promise).toMatchObject({ code: 1000, clean: true })
    await shows(page, '#first .status', 'open')
  })

  it('comes back after the server was restarted, and sends what was to be sent meanwhile', async () => {
    const first = await start()
    const page = await show(first.url)
    await shows(page, '#first .status', 'open')
    await first.server[Symbol.asyncDispose]()
    await shows(page, '#first .status', 'reconnecting')
    await page.click('#first .send')
    await shows(page, '#first .counted', '1')
    const said = deferred<string>()
    await start({ bind: first.server.addr, on_message: (_socket, data) => said.resolve(data) })
    await shows(page, '#first .status', 'open')
    expect(await said.promise).toBe('from first')
  })

  it('tells that it is over where the server says so, and that nothing is sent any more', async () => {
    const { url } = await start({ on_connect: socket => void socket.close(4403, 'not you') })
    const page = await show(url)
    await shows(page, '#first .status', 'closed')
    await shows(page, '#first .code', '4403')
    await page.click('#first .send')
    await shows(page, '#first .counted', '0')
  })

  it('goes on when a component fails at a message, and the others get it too', async () => {
    const { server, url } = await start()
    const page = await show(url)
    const errors: string[] = []
    page.on('pageerror', err => errors.push(err.message))
    await page.click('#two')
    await shows(page, '#second .status', 'open')
    server.broadcast('throw')
    server.broadcast('after')
    for (const id of ['first', 'second']) await shows(page, `#${id} .received`, 's:throw s:after')
    expect(errors).toEqual(['thrown by a handler', 'thrown by a handler'])
  })
})
