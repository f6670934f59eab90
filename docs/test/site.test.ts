import { fileURLToPath } from 'node:url'
import { launch_chromium } from '@bt/test-support/chromium'
import type { Browser } from 'playwright-core'
import { type PreviewServer, preview } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { address_of, all_pages } from '../site.mjs'

const DOCS = fileURLToPath(new URL('..', import.meta.url))
/** Of the reference, the pages with the longest names and the widest code. */
const REFERENCE = [
  'functions/_bt_net.listen.html',
  'interfaces/_bt_net.WsListenOptions.html',
  'modules/_bt_net.html',
]
const WHOLE = ['index.html', 'server.html', 'zh/server.html', ...REFERENCE]
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
    preview: { host: '127.0.0.1', port: 0 },
  })
  chromium = await launch_chromium()
})
afterAll(async () => {
  await chromium.close()
  await site.close()
})

test('no page has to be moved sideways on a phone or a desk, and none lacks a file', async () => {
  const page = await chromium.newPage({ viewport: { width: 1280, height: 800 } })
  const missing: string[] = []
  page.on('response', response => {
    if (response.status() >= 400) missing.push(response.url())
  })
  const address = site.resolvedUrls?.local[0]
  await page.goto(new URL('index.html', address).href)
  const too_wide_ones = (paths: readonly string[]): Promise<string[]> => {
    const addresses = paths.map(path => new URL(path, address).href)
    return page.evaluate(too_wide, { addresses, widths: [390, 1280] })
  }
  expect(await too_wide_ones(WHOLE)).toEqual([])
  // The navigation and the search are the same on all pages, and to make them takes longer than all else of a page.
  await page.route(/\/(navigation|search)\.js$/, route => route.abort())
  expect(await too_wide_ones(guides)).toEqual([])
  expect(missing).toEqual([])
}, 180_000)

test('the navigation has a shelf for each part, and leads to a guide', async () => {
  const page = await chromium.newPage({ viewport: { width: 1280, height: 800 } })
  await page.goto(new URL('index.html', site.resolvedUrls?.local[0]).href)
  const navigation = page.locator('#tsd-nav-container')
  for (const shelf of new Set(all_pages().map(page => page.shelf)))
    await navigation.getByText(shelf, { exact: true }).waitFor()
  await navigation.getByText('Guides', { exact: true }).click()
  await navigation.getByRole('link', { name: 'The server' }).click()
  await page.getByRole('heading', { level: 1, name: 'The server' }).waitFor()
})

test('the search finds words that stand only in a guide', async () => {
  const page = await chromium.newPage({ viewport: { width: 1280, height: 800 } })
  await page.goto(new URL('index.html', site.resolvedUrls?.local[0]).href)
  await page.locator('#tsd-search-trigger').click()
  await page.locator('#tsd-search-input').fill('rebinding')
  await page.locator('#tsd-search-results').getByRole('link', { name: 'Security' }).first().click()
  await page.getByRole('heading', { level: 1, name: 'Security' }).waitFor()
})

/** Runs in a page of the site: which of its pages are too wide, in a frame of a width. One load is enough for all widths. */
async function too_wide({ addresses, widths }: Visits): Promise<string[]> {
  const found: string[] = []
  const frame = document.createElement('iframe')
  document.body.replaceChildren(frame)
  // Each page is laid out first as wide as the frame is already.
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
      // What can't be read is wrong as well.
      if (!(scrollWidth <= width)) found.push(`${address} at ${width}: ${scrollWidth}`)
    }
  }
  return found
}

interface Visits {
  readonly addresses: readonly string[]
  readonly widths: readonly number[]
}
