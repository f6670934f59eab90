import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { type Demo, EVENT_TIMEOUT_MS, hold_waits, use_browser } from './browser.ts'
import { low_contrasts } from './contrast.ts'
import { serve_page, share_service } from './service.ts'

const TAB_STOPS = [
  'open_tab',
  'connect',
  'session',
  'say_text',
  'say_send',
  'rate',
  'kind',
  'size',
  'run',
  'slow',
  'cut',
  'server_close',
  'space',
  'chat',
  'chat_text',
  'chat_send',
  'log',
]

/** The minimum time between two announcements to screen readers. */
const ANNOUNCE_EVERY_MS = 3_000

describe('the accessibility of the page', () => {
  const open_page = use_browser()
  const shared_service = share_service()

  it('can be tabbed through in both directions, with a visible focus', async () => {
    const { url } = shared_service()
    const { page, logged } = await open_page(url)
    expect(await walk(page, 'Tab')).toEqual(TAB_STOPS)
    expect(await walk(page, 'Shift+Tab')).toEqual([...TAB_STOPS].reverse())
    expect(logged).toEqual([])
  })

  it('can be used by keyboard alone', async () => {
    const { url } = shared_service()
    const demo = await open_page(url, {}, hold_waits)
    const { keyboard } = demo.page
    await tab_to(demo, 'say_text')
    await keyboard.type('typed')
    await keyboard.press('Enter')
    await demo.shows('log', '← typed')
    await tab_to(demo, 'rate')
    await keyboard.press('Home')
    await demo.shows('rate_text', '1 / s')
    await keyboard.press('End')
    await demo.shows('rate_text', '20,000 / s')
    await keyboard.press('Home')
    for (let i = 0; i < 10; i += 1) await keyboard.press('ArrowRight')
    await tab_to(demo, 'kind')
    await keyboard.press('ArrowRight')
    expect(await demo.page.isChecked('input[value="feed"]')).toBe(true)
    await tab_to(demo, 'run')
    await keyboard.press('Enter')
    await demo.shows('run', 'Stop load')
    await keyboard.press('Space')
    await demo.shows('run', 'Start load')
    await tab_to(demo, 'slow')
    await keyboard.press('Space')
    await demo.shows('server_note', 'reads slowly')
    await tab_to(demo, 'cut')
    await keyboard.press('Enter')
    await demo.shows('end_cause', 'network')
    expect(await focused(demo.page)).toBe('cut')
    await tab_to(demo, 'again')
    await keyboard.press('Enter')
    await demo.shows('connect', 'Disconnect')
    // The focused button has disappeared, so the focus moves to the one beside it.
    expect(await focused(demo.page)).toBe('connect')
    await keyboard.press('Enter')
    await demo.shows('state', 'closed')
    await keyboard.press('Enter')
    await demo.shows('state', 'open')
    expect(await focused(demo.page)).toBe('connect')
    expect(demo.logged).toEqual([])
  })

  it('announces its status to screen readers, but not every message', async () => {
    const { url } = shared_service()
    const demo = await open_page(url, {}, hold_waits)
    await demo.put_forward(ANNOUNCE_EVERY_MS)
    await demo.shows('summary', 'Connection open.')
    await count_spoken(demo.page)
    await demo.set_load('echo', '64', 1_000)
    await demo.page.evaluate(() => delete document.body.dataset.spoken)
    await demo.page.click('#run')
    await demo.shows('log', '⇄ load:')
    await demo.page.click('#server_close')
    await demo.page.click('#again')
    await demo.shows('state', 'open')
    await demo.put_forward(ANNOUNCE_EVERY_MS)
    await demo.shows('summary', 'Connection open, after 1 reconnection.')
    expect(await spoken(demo.page)).toBeLessThan(4)
  })

  it('announces a successful attempt to screen readers, but not each failed one', async () => {
    const service = await serve_page()
    const demo = await open_page(service.url, {}, hold_waits)
    await demo.put_forward(ANNOUNCE_EVERY_MS)
    await demo.shows('summary', 'Connection open.')
    await count_spoken(demo.page)
    await service.end()
    await demo.put_forward(ANNOUNCE_EVERY_MS)
    await demo.shows('summary', 'Connection reconnecting: code 1006, cause network.')
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      await demo.put_forward(ANNOUNCE_EVERY_MS)
      await demo.page.click('#again')
      await demo.shows('path_wait', `Attempt ${attempt + 1} `)
    }
    await serve_page(service)
    await demo.put_forward(ANNOUNCE_EVERY_MS)
    await demo.page.click('#again')
    await demo.shows('summary', 'Connection open, after 1 reconnection.')
    expect(await spoken(demo.page)).toBe(2)
  })

  it('fits each width, with controls large enough for a finger', async () => {
    const { url } = shared_service()
    const { page } = await open_page(url, {}, hold_waits)
    await page.click('#server_close')
    await page.waitForSelector('#again')
    for (const viewport of [
      { width: 320, height: 568 },
      { width: 360, height: 740 },
      { width: 390, height: 844 },
      { width: 900, height: 700 },
      { width: 1280, height: 800 },
    ]) {
      await page.setViewportSize(viewport)
      const found = await page.evaluate(layout)
      expect(found).toEqual({ width: viewport.width, overflowing: [], small: [] })
    }
  })

  it('has enough contrast in both schemes, in every state', async () => {
    const { url } = shared_service()
    const demo = await open_page(url, {}, hold_waits)
    const has_contrast = async (): Promise<void> => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await demo.page.emulateMedia({ colorScheme })
        expect(await demo.page.evaluate(low_contrasts)).toEqual([])
      }
    }
    await open_page(url)
    await demo.type_line('chat_text', 'hello')
    await demo.type_line('say_text', 'hello')
    await demo.shows('log', '← hello')
    await demo.page.hover('#space')
    await demo.page.check('#slow')
    await demo.set_load('echo', '16384', 1_000)
    await demo.page.click('#run')
    await demo.is_full(true)
    await has_contrast()
    await demo.page.click('#cut')
    await demo.ending()
    await demo.shows('state', 'reconnecting')
    await has_contrast()
    await demo.page.click('#connect')
    await demo.shows('state', 'closed')
    await has_contrast()
  })

  it('follows a change of the colour scheme, in its plots too', async () => {
    const { url } = shared_service()
    const { page } = await open_page(url, { colorScheme: 'light' })
    const has_color = (name: string): Promise<boolean> =>
      page.locator('#plot_queue canvas').evaluate((canvas: HTMLCanvasElement, id) => {
        const [r, g, b] = (
          getComputedStyle(document.getElementById(id) ?? canvas).color.match(/\d+/g) ?? []
        ).map(Number)
        const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
        for (let i = 0; i < pixels.length; i += 4)
          if (pixels[i] === r && pixels[i + 1] === g && pixels[i + 2] === b && pixels[i + 3] === 255)
            return true
        return false
      }, name)
    await expect.poll(() => has_color('key_limit'), { timeout: EVENT_TIMEOUT_MS }).toBe(true)
    const light = await page.evaluate(
      () => getComputedStyle(document.body.parentElement as Element).backgroundColor,
    )
    await page.emulateMedia({ colorScheme: 'dark' })
    await expect.poll(() => has_color('key_limit'), { timeout: EVENT_TIMEOUT_MS }).toBe(true)
    const dark = await page.evaluate(
      () => getComputedStyle(document.body.parentElement as Element).backgroundColor,
    )
    expect(dark).not.toBe(light)
  })

  it('animates nothing if the user prefers reduced motion', async () => {
    const { url } = shared_service()
    const demo = await open_page(url, { reducedMotion: 'reduce' })
    await demo.set_load('echo', '64', 1_000)
    await demo.page.click('#run')
    await demo.shows('log', '⇄ load:')
    expect(await demo.page.evaluate(() => document.getAnimations().length)).toBe(0)
  })
})

/** Starts to count announcements to screen readers. */
async function count_spoken(page: Page): Promise<void> {
  await page.evaluate(() => {
    const counter = new MutationObserver(() => {
      const { dataset } = document.body
      dataset.spoken = String(Number(dataset.spoken ?? 0) + 1)
    })
    for (const live of document.querySelectorAll('[aria-live], [role="log"], [role="status"], output'))
      if (live.getAttribute('aria-live') !== 'off')
        counter.observe(live, { childList: true, characterData: true, subtree: true })
  })
}

function spoken(page: Page): Promise<number> {
  return page.evaluate(() => Number(document.body.dataset.spoken))
}

/**
 * Runs in the page: how wide it is, what has something in it that sticks out, and which controls are small.
 */
function layout(): { width: number; overflowing: string[]; small: string[] } {
  const controls = 'button, a, input:not([type="radio"], [type="checkbox"]), label:has(input)'
  return {
    width: document.documentElement.scrollWidth,
    overflowing: [...document.querySelectorAll('.top, .card')]
      .filter(box => box.scrollWidth > box.clientWidth)
      .map(({ className }) => className),
    small: [...document.querySelectorAll(controls)]
      .filter(control => control.getBoundingClientRect().height < 40)
      .map(({ outerHTML }) => outerHTML),
  }
}

/**
 * Presses a key until the focus has gone round once, and returns the way; each stop has to show that it has
 * the focus.
 */
async function walk(page: Page, key: string): Promise<string[]> {
  // The focus begins at the place of the click, which has to be the top of the page, not what is scrolled there.
  await page.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    window.scrollTo(0, 0)
  })
  await page.mouse.click(2, 2)
  const way: string[] = []
  for (;;) {
    await page.keyboard.press(key)
    const name = await focused(page)
    // Between the last stop and the first, the focus leaves the page for the browser.
    if (name === '' && way.length === 0) continue
    if (name === '' || name === way[0]) return way
    way.push(name)
    expect(await page.evaluate(outline_px), `the outline of ${name}`).toBeGreaterThanOrEqual(2)
    if (way.length > 50) throw new Error(`no end: ${way}`)
  }
}

async function tab_to({ page }: Demo, name: string): Promise<void> {
  for (let presses = 0; presses < 2 * TAB_STOPS.length; presses += 1) {
    await page.keyboard.press('Tab')
    if ((await focused(page)) === name) return
  }
  throw new Error(`Tab does not lead to ${name}`)
}

function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { activeElement } = document
    return activeElement?.id || activeElement?.getAttribute('name') || ''
  })
}

function outline_px(): number {
  const { activeElement } = document
  // A radio button is drawn by its sibling.
  const drawn = activeElement?.matches('[type="radio"]') ? activeElement.nextElementSibling : activeElement
  const { outlineStyle, outlineWidth } = getComputedStyle(drawn ?? document.body)
  return outlineStyle === 'none' ? 0 : Number.parseFloat(outlineWidth)
}
