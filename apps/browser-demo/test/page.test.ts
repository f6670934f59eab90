import { describe, expect, it } from 'vitest'
import { EVENT_TIMEOUT_MS, use_browser } from './browser.ts'
import { share_service } from './service.ts'

describe('the page in Chromium', () => {
  const open_page = use_browser()
  const shared_service = share_service()

  it('connects, sends, shows the echo, disconnects, and connects again', async () => {
    const { url } = shared_service()
    const demo = await open_page(url)
    await demo.type_line('say_text', 'hello')
    await demo.shows('log', '→ hello')
    await demo.shows('log', '← hello')
    await demo.page.click('#connect')
    expect(await demo.ending()).toEqual({ code: '1000', cause: 'local', clean: 'yes', reason: 'none given' })
    await demo.shows('state', 'closed')
    await demo.type_line('say_text', 'too late')
    await demo.shows('log', 'not sent, closed')
    expect(await demo.page.inputValue('#say_text')).toBe('too late')
    await demo.page.click('#connect')
    await demo.shows('state', 'open')
    expect(demo.logged).toEqual([])
  })

  it('measures round trips, and counts sent and received messages', async () => {
    const { url } = shared_service()
    const demo = await open_page(url)
    await expect
      .poll(() => demo.page.textContent('#rtt_p99'), { timeout: EVENT_TIMEOUT_MS })
      .toMatch(/^\d.* m?s$/)
    await demo.set_load('echo', '64', 500)
    await demo.page.click('#run')
    const rate = (name: string): Promise<number> =>
      demo.page.locator('#frames').evaluate((frames, key) => Number(frames.dataset[key]), name)
    for (const name of ['sent', 'received'])
      await expect.poll(() => rate(name), { timeout: EVENT_TIMEOUT_MS }).toBeGreaterThan(250)
    await demo.shows('log', '⇄ load:')
    await demo.page.click('#run')
    await expect.poll(() => rate('sent'), { timeout: EVENT_TIMEOUT_MS }).toBeLessThan(50)
    expect(demo.logged).toEqual([])
  })

  it('gets load from the server, and sends only pings and numbers itself', async () => {
    const { url } = shared_service()
    const demo = await open_page(url)
    await demo.set_load('feed', '64', 1_000)
    await demo.page.click('#run')
    const frames = demo.page.locator('#frames')
    await expect
      .poll(() => frames.evaluate(({ dataset }) => Number(dataset.received)), { timeout: EVENT_TIMEOUT_MS })
      .toBeGreaterThan(500)
    expect(await frames.evaluate(({ dataset }) => Number(dataset.sent))).toBeLessThan(30)
    expect(demo.logged).toEqual([])
  })

  it('shows a full queue while the server reads slowly, and drains it afterwards', async () => {
    const { url } = shared_service()
    const demo = await open_page(url)
    await demo.page.check('#slow')
    await demo.set_load('echo', '16384', 1_000)
    await demo.page.click('#run')
    await demo.is_full(true)
    await demo.shows('refused_note', ' refused · ')
    await demo.shows('story', 'returned queue_full')
    await demo.shows('last_error', 'queue_full: ')
    await demo.page.waitForSelector('#full_badge', { state: 'visible' })
    // In this order: answers of a quick server to the whole load would keep the page from being used.
    await demo.page.click('#run')
    await demo.page.uncheck('#slow')
    await demo.is_full(false)
    await demo.shows('queued', '0 B')
    await demo.page.waitForSelector('#full_badge', { state: 'hidden' })
    await demo.type_line('say_text', 'still here')
    await demo.shows('log', '← still here')
    expect(demo.logged).toEqual([])
  })
})
