import { listen, type WsListenOptions, type WsServer } from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { use_browser } from './browser.ts'
import { use_page } from './page_server.ts'
import type {} from './pages/worker_page.ts'

describe('a socket in a worker', () => {
  const page_url = use_page('worker_page.ts')
  const open_page = use_browser()

  async function start(options: Partial<WsListenOptions> = {}): Promise<{ server: WsServer; url: string }> {
    const server = listen({ bind: '127.0.0.1:0', ...options, type: 'ws' })
    await server.opened
    onTestFinished(() => server[Symbol.asyncDispose]())
    return { server, url: `ws://${server.addr}/ws` }
  }

  function show(url: string): Promise<Page> {
    return open_page(`${page_url()}/?url=${encodeURIComponent(url)}`)
  }

  /** Waits until the page has an event that starts with a text. */
  async function wait_for_event(page: Page, text: string): Promise<void> {
    await page.waitForFunction(text => window.worker_page.events.some(event => event.startsWith(text)), text)
  }

  it('hands all messages to a slow page in order, one list at a time', async () => {
    const { url, server } = await start()
    const page = await show(url)
    await wait_for_event(page, 'open')
    await page.evaluate(() => {
      window.worker_page.is_quick = false
    })
    for (let i = 0; i < 5_000; i += 1) server.broadcast(`${i}`)
    await page.waitForFunction(() => window.worker_page.lists.length === 1)
    server.broadcast('last')
    await page.evaluate(() => window.worker_page.socket.send('to the worker and back'))
    expect(await page.evaluate(() => window.worker_page.posted)).toBe(1)
    await page.evaluate(() => {
      window.worker_page.is_quick = true
      window.worker_page.release()
    })
    await page.waitForFunction(() => window.worker_page.lists.at(-1)?.at(-1) === 'last')
    const { lists, max_at_once } = await page.evaluate(() => window.worker_page)
    expect(lists.flat()).toEqual([...Array.from({ length: 5_000 }, (_, i) => `${i}`), 'last'])
    expect(Math.max(...lists.map(list => list.length))).toBeLessThanOrEqual(1_000)
    expect(max_at_once).toBe(1)
  })

  it('sends in order even if the page does not await, and resolves each `send` when the queue has room', async () => {
    const received: number[] = []
    const all = deferred()
    const { url } = await start({
      on_message: (_socket, data) => {
        if (received.push(Number.parseInt(data, 10)) === 300) all.resolve()
      },
    })
    const page = await show(url)
    // 30 MB in total, while the queue holds 4 MiB.
    await page.evaluate(async () => {
      const { socket } = window.worker_page
      const sent = Array.from({ length: 300 }, (_, i) => socket.send(`${i} `.padEnd(100_000, '.')))
      await Promise.all(sent)
    })
    await all.promise
    expect(received).toEqual(Array.from({ length: 300 }, (_, i) => i))
  })

  it('reconnects after a restart of the server, and sends the messages queued meanwhile', async () => {
    const first = await start()
    const page = await show(first.url)
    await wait_for_event(page, 'open')
    await first.server[Symbol.asyncDispose]()
    await wait_for_event(page, 'reconnecting')
    await page.evaluate(() => window.worker_page.socket.send('kept'))
    const kept = deferred<string>()
    await start({ bind: first.server.addr, on_message: (_socket, data) => kept.resolve(data) })
    expect(await kept.promise).toBe('kept')
  })

  it('sends all queued messages before it closes, and rejects later ones', async () => {
    const received: string[] = []
    const { url } = await start({ on_message: (_socket, data) => void received.push(data.slice(0, 1)) })
    const page = await show(url)
    await page.evaluate(() => {
      const { socket } = window.worker_page
      for (let i = 0; i < 10; i += 1) void socket.send(`${i}`.padEnd(1_000_000, '.'))
      socket.close()
    })
    await wait_for_event(page, 'closed 1000')
    expect(received.join('')).toBe('0123456789')
    const refused = await page.evaluate(() => window.worker_page.socket.send('late').catch(String))
    expect(refused).toBe('Error: the connection has ended: 1000')
  })

  it('reports the close only after a slow page has received the last message', async () => {
    const { url } = await start({
      on_message: socket => {
        for (let i = 0; i < 3_000; i += 1) socket.send(`${i}`)
        socket.close(4403, 'enough')
      },
    })
    const page = await show(url)
    await page.evaluate(() => {
      window.worker_page.is_quick = false
      return window.worker_page.socket.send('begin')
    })
    await page.waitForFunction(() => window.worker_page.lists.length === 1)
    expect(await page.evaluate(() => window.worker_page.events.join())).toBe('open')
    await page.evaluate(() => {
      window.worker_page.is_quick = true
      window.worker_page.release()
    })
    await wait_for_event(page, 'closed 4403 enough')
    expect((await page.evaluate(() => window.worker_page.lists)).flat()).toHaveLength(3_000)
  })

  it('reports a worker that cannot be loaded, and an invalid URL', async () => {
    const page = await show('no url')
    await wait_for_event(page, 'error')
    await wait_for_event(page, 'closed 1006 the worker failed')
    const { url } = await start()
    const context = page.context()
    await context.route('**/*socket_worker*', route => route.abort())
    const other = await context.newPage()
    await other.goto(`${page_url()}/?url=${encodeURIComponent(url)}`)
    await wait_for_event(other, 'closed 1006 the worker failed')
  })
})
