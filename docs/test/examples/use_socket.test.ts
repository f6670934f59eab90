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

  /** Waits until an element has exactly this text. */
  async function wait_for_text(page: Page, selector: string, text: string): Promise<void> {
    await page.waitForFunction(
      ([selector = '', text]) => document.querySelector(selector)?.textContent === text,
      [selector, text],
    )
  }

  it('opens one connection in StrictMode, and shows 1,000 messages in order', async () => {
    const { server, url } = await start({
      on_connect: socket => {
        for (let i = 0; i < 1_000; i += 1) socket.send(`${i}`)
      },
    })
    const page = await show(url)
    await wait_for_text(page, '#first .received', Array.from({ length: 1_000 }, (_, i) => `s:${i}`).join(' '))
    await wait_for_text(page, '#first .status', 'open')
    expect(server.stats().accepted).toBe(1)
  })

  it('closes the connection when the last component is unmounted, and not before', async () => {
    const closed = deferred<CloseInfo>()
    const { server, url } = await start({ on_close: (_socket, info) => closed.resolve(info) })
    const page = await show(url)
    await page.click('#two')
    await wait_for_text(page, '#second .status', 'open')
    await page.click('#first .send')
    await page.click('#second .send')
    await page.click('#none')
    expect(await closed.promise).toMatchObject({ code: 1000, clean: true, cause: 'peer' })
    expect(server.stats().accepted).toBe(1)
  })

  it('shares one connection between components with the same URL, which all get every message', async () => {
    const said = deferred<string>()
    const { server, url } = await start({ on_message: (_socket, data) => said.resolve(data) })
    const page = await show(url)
    await page.click('#two')
    await wait_for_text(page, '#second .status', 'open')
    server.broadcast('hello')
    for (const id of ['first', 'second']) await wait_for_text(page, `#${id} .received`, 's:hello')
    await page.click('#second .send')
    await wait_for_text(page, '#second .sent-count', '1')
    expect(await said.promise).toBe('from second')
  })

  it('switches to another URL, and shows no more messages of the old one', async () => {
    const closed = deferred<CloseInfo>()
    const [one, two] = [
      await start({ route: '/1', on_close: (_socket, info) => closed.resolve(info) }),
      await start({ route: '/2', on_connect: socket => socket.send('welcome') }),
    ]
    const page = await show(one.url)
    await wait_for_text(page, '#first .status', 'open')
    one.server.broadcast('hello')
    await wait_for_text(page, '#first .received', '1:hello')
    await page.fill('#url', two.url)
    await wait_for_text(page, '#first .received', '1:hello 2:welcome')
    expect(await closed.promise).toMatchObject({ code: 1000, clean: true })
    await wait_for_text(page, '#first .status', 'open')
  })

  it('reconnects after a restart of the server, and sends the messages queued meanwhile', async () => {
    const first = await start()
    const page = await show(first.url)
    await wait_for_text(page, '#first .status', 'open')
    await first.server[Symbol.asyncDispose]()
    await wait_for_text(page, '#first .status', 'reconnecting')
    await page.click('#first .send')
    await wait_for_text(page, '#first .sent-count', '1')
    const said = deferred<string>()
    await start({ bind: first.server.addr, on_message: (_socket, data) => said.resolve(data) })
    await wait_for_text(page, '#first .status', 'open')
    expect(await said.promise).toBe('from first')
  })

  it('reports a permanent close with its code, and sends nothing more', async () => {
    const { url } = await start({ on_connect: socket => void socket.close(4403, 'not you') })
    const page = await show(url)
    await wait_for_text(page, '#first .status', 'closed')
    await wait_for_text(page, '#first .code', '4403')
    await page.click('#first .send')
    await wait_for_text(page, '#first .sent-count', '0')
  })

  it('delivers a message to all components even if their handlers throw', async () => {
    const { server, url } = await start()
    const page = await show(url)
    const errors: string[] = []
    page.on('pageerror', err => errors.push(err.message))
    await page.click('#two')
    await wait_for_text(page, '#second .status', 'open')
    server.broadcast('throw')
    server.broadcast('after')
    for (const id of ['first', 'second']) await wait_for_text(page, `#${id} .received`, 's:throw s:after')
    expect(errors).toEqual(['thrown by a handler', 'thrown by a handler'])
  })
})
