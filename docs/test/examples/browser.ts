import { launch_chromium } from '@bt/test-support/chromium'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, onTestFinished } from 'vitest'

/** How long a test waits for a page: long enough that a busy machine does not fail it. */
const PAGE_TIMEOUT_MS = 30_000

/**
 * Starts a browser for the tests of a file, and returns a function that opens a page in it. The page is
 * closed when its test ends.
 */
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
    page.setDefaultTimeout(PAGE_TIMEOUT_MS)
    await page.goto(url)
    return page
  }
}
