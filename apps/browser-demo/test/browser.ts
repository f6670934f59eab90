import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { beforeAll, expect, onTestFinished } from 'vitest'
// @boundaries-ignore the browser is found and started in one place for the whole repository
import { launch_chromium } from '../../../scripts/chromium.mjs'
import { position_of } from '../src/page/rate_stops.ts'

/** How long a test waits for what has to happen: a busy machine is slow, and no failure. */
export const PATIENCE_MS = 15_000

/** A page of the demo, and what a person does with it. */
export class Demo {
  readonly page: Page
  /** What the browser wrote to its console, and errors that nobody caught. */
  readonly said: string[] = []

  constructor(page: Page) {
    this.page = page
    page.setDefaultTimeout(PATIENCE_MS)
    page.on('console', message => this.said.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', error => this.said.push(`uncaught: ${error.stack}`))
  }

  /** Waits until an element says what it should. */
  async shows(id: string, text: string): Promise<void> {
    await expect.poll(() => this.page.textContent(`#${id}`), { timeout: PATIENCE_MS }).toContain(text)
  }

  /** Waits until the queue is full, or is not. */
  async is_full(is_full: boolean): Promise<void> {
    await this.page.waitForSelector(`#path[data-full="${is_full}"]`)
  }

  /** What the server has echoed, as the log shows it, in order. */
  async echoed(): Promise<string[]> {
    const lines = await this.page.locator('#log .received').allTextContents()
    return lines.map(line => line.replace(/^.*← /, ''))
  }

  /** Puts the page's clock forward, so that it need not be waited for; timers take as long as ever. */
  async put_forward(ms: number): Promise<void> {
    await this.page.evaluate(by_ms => {
      window.dispatchEvent(new CustomEvent('put_forward', { detail: by_ms }))
    }, ms)
  }

  /** How far to the right the first cursor is that it shows. */
  async cursor_x(): Promise<number | undefined> {
    return (await this.page.locator('#space .cursor').first().boundingBox())?.x
  }

  /** How the connection has ended, or was lost, as the page shows it. */
  async ending(): Promise<Readonly<Record<string, string | null>>> {
    await this.page.waitForSelector('#ending[data-ended="true"]')
    const ending: Record<string, string | null> = {}
    for (const name of ['code', 'cause', 'clean', 'reason'])
      ending[name] = await this.page.textContent(`#end_${name}`)
    return ending
  }

  /** Sets the load; `rate` is one that the slider has. */
  async set_load(kind: 'echo' | 'feed', size: '64' | '1024' | '16384', rate: number): Promise<void> {
    const { page } = this
    await page.check(`input[name="kind"][value="${kind}"]`)
    await page.check(`input[name="size"][value="${size}"]`)
    await page.fill('#rate', String(position_of(rate)))
    expect(await page.textContent('#rate_text')).toBe(`${rate.toLocaleString('en')} / s`)
  }

  /** Types a line into a field, and sends it with Enter. */
  async type_line(field: string, text: string): Promise<void> {
    await this.page.fill(`#${field}`, text)
    await this.page.press(`#${field}`, 'Enter')
  }
}

/**
 * Runs in the page before its own scripts: whoever waits to connect again waits as long as they may, and
 * their timer never ends. So an attempt is made when somebody asks for it, or the network comes back, and at
 * no other time.
 */
export function hold_waits(): void {
  const shortest_ms = 1_000
  const longest_ms = 4_999
  const set_timer = window.setTimeout.bind(window)
  Math.random = () => 0.999
  const set_other_timer = (task: () => void, ms = 0): number =>
    ms >= shortest_ms && ms <= longest_ms ? 0 : set_timer(task, ms)
  Object.assign(window, { setTimeout: set_other_timer })
}

/**
 * Runs in the page before its own scripts: it draws about 20 frames a second. Drawing by software takes most
 * of the time of these tests otherwise. And its clock can be put forward: it listens for how many
 * milliseconds.
 */
function draw_less_often(): void {
  const between_frames_ms = 40
  const request = window.requestAnimationFrame.bind(window)
  const set_timer = window.setTimeout.bind(window)
  const now = performance.now.bind(performance)
  let ahead_ms = 0
  window.requestAnimationFrame = task =>
    set_timer(() => request(at_ms => task(at_ms + ahead_ms)), between_frames_ms)
  performance.now = () => now() + ahead_ms
  window.addEventListener('put_forward', event => {
    ahead_ms += (event as CustomEvent<number>).detail
  })
}

/** Opens a page; `before` runs in it before its own scripts. */
export type OpenPage = (url: string, options?: BrowserContextOptions, before?: () => void) => Promise<Demo>

/**
 * Starts a browser for the tests of a file, and returns what opens a page in it; the page is closed when its
 * test is over.
 */
export function use_browser(): OpenPage {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch_chromium()
    return () => browser.close()
  })
  return async (url, options = {}, before = () => {}) => {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      reducedMotion: 'reduce',
      ...options,
    })
    onTestFinished(() => context.close())
    await context.addInitScript(draw_less_often)
    await context.addInitScript(before)
    const demo = new Demo(await context.newPage())
    await demo.page.goto(url)
    await demo.shows('state', 'open')
    return demo
  }
}
