import { launch_chromium } from '@bt/test-support/chromium'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { beforeAll, expect, onTestFinished } from 'vitest'
import { position_of } from '../src/page/rate_stops.ts'

/** How long tests wait for an event: long enough for a slow machine. */
export const EVENT_TIMEOUT_MS = 15_000

/** About how long the page takes from one frame to the next. */
const BETWEEN_FRAMES_MS = 80

/** A page of the demo, with the actions of a user. */
export class Demo {
  readonly page: Page
  /** The messages on the browser's console, and uncaught errors. */
  readonly logged: string[] = []

  constructor(page: Page) {
    this.page = page
    page.setDefaultTimeout(EVENT_TIMEOUT_MS)
    page.on('console', message => this.logged.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', error => this.logged.push(`uncaught: ${error.stack}`))
  }

  /** Waits until an element has the expected text. */
  async shows(id: string, text: string): Promise<void> {
    // The page itself changes only with its frames.
    const polling = { timeout: EVENT_TIMEOUT_MS, interval: BETWEEN_FRAMES_MS }
    await expect.poll(() => this.page.textContent(`#${id}`), polling).toContain(text)
  }

  /** Waits until the queue is full, or no longer is. */
  async is_full(is_full: boolean): Promise<void> {
    await this.page.waitForSelector(`#path[data-full="${is_full}"]`)
  }

  /** The server's echoes in the log, in order. */
  async echoed(): Promise<string[]> {
    const lines = await this.page.locator('#log .received').allTextContents()
    return lines.map(line => line.replace(/^.*← /, ''))
  }

  /** Advances the page's clock, which does not affect its timers. */
  async put_forward(ms: number): Promise<void> {
    await this.page.evaluate(by_ms => {
      window.dispatchEvent(new CustomEvent('put_forward', { detail: by_ms }))
    }, ms)
  }

  /** The horizontal position of the first visible cursor. */
  async cursor_x(): Promise<number | undefined> {
    return (await this.page.locator('#space .cursor').first().boundingBox())?.x
  }

  /** How the connection ended, as the page shows it. */
  async ending(): Promise<Readonly<Record<string, string | null>>> {
    await this.page.waitForSelector('#ending[data-ended="true"]')
    const ending: Record<string, string | null> = {}
    for (const name of ['code', 'cause', 'clean', 'reason'])
      ending[name] = await this.page.textContent(`#end_${name}`)
    return ending
  }

  /** Sets the load; `rate` has to be a stop of the slider. */
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
 * Runs in the page before its own scripts: reconnect timers get the longest delay, and never fire. So an
 * attempt is made only when the user asks for it or the network returns.
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
 * Runs in the page before its own scripts: limits it to about 12 frames per second, because software
 * rendering would dominate the time of these tests, and lets tests advance its clock by an event with the
 * milliseconds.
 */
function draw_less_often(): void {
  const between_frames_ms = 70
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
 * Starts a browser for the tests of a file, and returns a function that opens a page in it. Each page is
 * closed at the end of its test.
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
