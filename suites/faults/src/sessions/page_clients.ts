import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { launch_chromium } from '@bt/test-support/chromium'
import type { LedgerClientSettings } from './ledger_client.js'
import type { ClientHandle } from './ledger_run.js'

/** A page in Chromium that runs clients of the ledger. */
export interface PageClients {
  connect(settings: LedgerClientSettings): Promise<ClientHandle>
  close(): Promise<void>
}

/** Starts Chromium, and opens a page. */
export async function open_page(): Promise<PageClients> {
  const script = readFileSync(fileURLToPath(new URL('./ledger_page.js', import.meta.url)))
  const http = createServer(({ url }, response) => {
    const is_script = url === '/page.js'
    response.setHeader('Content-Type', is_script ? 'text/javascript' : 'text/html')
    response.end(is_script ? script : '<!doctype html><script type="module" src="/page.js"></script>')
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const browser = await launch_chromium()
  const page = await browser.newPage()
  const errors: Error[] = []
  page.on('pageerror', error => errors.push(error))
  await page.goto(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`)
  await page.waitForFunction(() => 'ledger' in globalThis)
  return {
    async connect(settings) {
      const id = JSON.stringify(settings.id)
      await page.evaluate(`ledger.start(${JSON.stringify(settings)})`)
      return {
        opened: page.evaluate(`ledger.opened(${id})`),
        finish: () => page.evaluate(`ledger.finish(${id})`),
        state: () => page.evaluate(`ledger.state(${id})`),
      }
    },
    async close() {
      await browser.close()
      http.close()
      if (errors.length > 0) throw errors[0]
    },
  }
}
