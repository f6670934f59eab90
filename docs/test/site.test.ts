import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { type PreviewServer, preview } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
// @boundaries-ignore Chromium for tests is started in one place
import { launch_chromium } from '../../scripts/chromium.mjs'
import { address_of, all_pages } from '../site.mjs'

const DOCS = fileURLToPath(new URL('..', import.meta.url))
/** Of the reference, the pages with the longest names and the widest code. */
const REFERENCE = [
  'functions/_bt_net.listen.html',
  'interfaces/_bt_net.WsListenOptions.html',
  'modules/_bt_net.html',
]
const pages = ['index.html', ...all_pages().map(({ file }) => address_of(file)), ...REFERENCE]

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

test.each([
  ['a phone', 390],
  ['a desk', 1280],
])(
  'no page has to be moved sideways on %s, and none lacks a file',
  async (_place, width) => {
    const page = await chromium.newPage({ viewport: { width, height: 800 } })
    const missing: string[] = []
    page.on('response', response => {
      if (response.status() >= 400) missing.push(response.url())
    })
    const wide: string[] = []
    for (const path of pages) {
      await page.goto(new URL(path, site.resolvedUrls?.local[0]).href)
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) wide.push(path)
    }
    expect(wide).toEqual([])
    expect(missing).toEqual([])
  },
  180_000,
)

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
