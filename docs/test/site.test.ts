import { fileURLToPath } from 'node:url'
import { launch_chromium } from '@bt/test-support/chromium'
import type { Browser } from 'playwright-core'
import { type PreviewServer, preview } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { address_of, all_pages } from '../site.mjs'

const DOCS = fileURLToPath(new URL('..', import.meta.url))
/** The pages of the reference with the longest names and the widest code. */
const WIDE_REFERENCE_PAGES = [
  'functions/_bt_net.listen.html',
  'interfaces/_bt_net.WsListenOptions.html',
  'modules/_bt_net.html',
]
/** Pages that are tested with their navigation and search. */
const COMPLETE_PAGES = ['index.html', 'server.html', 'zh/server.html', ...WIDE_REFERENCE_PAGES]
const guides = all_pages().map(({ file }) => address_of(file))

let site: PreviewServer
let chromium: Browser

beforeAll(async () => {
  site = await preview({
    root: DOCS,
    configFile: false,
    logLevel: 'silent',
    appType: 'mpa',
    build: { outDir: 'api' },
    preview: { host: '127.0.0.1', port: 0, headers: { 'Cache-Control': 'max-age=600' } },
  })
  chromium = await launch_chromium()
})
afterAll(async () => {
  await chromium.close()
  await site.close()
})

test('no page scrolls sideways on a phone or a desktop, or lacks a file', async () => {
  const page = await chromium.newPage({ viewport: { width: 1280, height: 800 } })
  const missing: string[] = []
  page.on('response', response => {
    if (response.status() >= 400) missing.push(response.url())
  })
  const address = site.resolvedUrls?.local[0]
  await page.goto(new URL('index.html', address).href)
  const too_wide = (paths: readonly string[]): Promise<string[]> => {
    const addresses = paths.map(path => new URL(path, address).href)
    return page.evaluate(find_too_wide_pages, { addresses, widths: [390, 1280] })
  }
  expect(await too_wide(COMPLETE_PAGES)).toEqual([])
  // The navigation and the search are the same on all pages, and take longer to load than the rest of a page.
  // Routes of Playwright would turn off the cache, so that each page loaded its other files again.
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Network.enable')
  await devtools.send('Network.setBlockedURLs', { urls: ['*/navigation.js', '*/search.js'] })
  expect(await too_wide(guides)).toEqual([])
  expect(missing).toEqual([])
}, 180_000)

test('the navigation has a section for each group of guides, and leads to a guide', async () => {
  const page = await chromium.newPage({ viewport: { width: 1280, height: 800 } })
  await page.goto(new URL('index.html', site.resolvedUrls?.local[0]).href)
  const navigation = page.locator('#tsd-nav-container')
  for (const shelf of new Set(all_pages().map(page => page.shelf)))
    await navigation.getByText(shelf, { exact: true }).waitFor()
  await navigation.getByText('Guides', { exact: true }).click()
  await navigation.getByRole('link', { name: 'The server' }).click()
  await page.getByRole('heading', { level: 1, name: 'The server' }).waitFor()
})

test('the search finds words that occur only in a guide', async () => {
  const page = await chromium.newPage({ viewport: { width: 1280, height: 800 } })
  await page.goto(new URL('index.html', site.resolvedUrls?.local[0]).href)
  await page.locator('#tsd-search-trigger').click()
  await page.locator('#tsd-search-input').fill('rebinding')
  await page.locator('#tsd-search-results').getByRole('link', { name: 'Security' }).first().click()
  await page.getByRole('heading', { level: 1, name: 'Security' }).waitFor()
})

interface LayoutCheck {
  readonly addresses: readonly string[]
  readonly widths: readonly number[]
}

/** Runs in the browser: loads each page once in a frame, and returns those that are wider than the frame. */
async function find_too_wide_pages({ addresses, widths }: LayoutCheck): Promise<string[]> {
  const found: string[] = []
  const frame = document.createElement('iframe')
  document.body.replaceChildren(frame)
  // Reversed for each page, so that its first layout uses the width that the frame already has.
  let next_widths = widths
  for (const address of addresses) {
    next_widths = [...next_widths].reverse()
    await new Promise(resolve => {
      frame.onload = resolve
      frame.src = address
    })
    for (const width of next_widths) {
      frame.style.cssText = `border: 0; width: ${width}px; height: 800px`
      const { scrollWidth = Number.NaN } = frame.contentDocument?.documentElement ?? {}
      // Also true for NaN: a page that cannot be read is reported too.
      if (!(scrollWidth <= width)) found.push(`${address} at ${width}: ${scrollWidth}`)
    }
  }
  return found
}
