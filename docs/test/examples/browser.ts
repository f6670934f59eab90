import { launch_chromium } from '@bt/test-support/chromium'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, onTestFinished } from 'vitest'

/** How long a test waits for what has to happen: a busy machine is slow, and no failure. */
const PATIENCE_MS = 30_000

/** Starts a browser for the tests of a file, and returns what opens a page in it; the page is closed when its test is over. */
export function use_browser(): (url: string) => Promise<Page> {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch_chromium()
    return () => browser.close()
  })
  return async url => {
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const page = await context.newPage()
    page.setDefaultTimeout(PATIENCE_MS)
    await page.goto(url)
    return page
  }
}
