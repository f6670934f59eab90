import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { launch_chromium } from '@bt/test-support/chromium'

/** Chromium, as it runs. */
export type Browser = Awaited<ReturnType<typeof launch_chromium>>

/** Runs a module in a page, and returns what it has written to the console when it says that word. */
export async function said_in_a_page(browser: Browser, code: string, last_word: string): Promise<string[]> {
  const server = createServer((request, response) => {
    const is_code = request.url === '/code.js'
    response.setHeader('content-type', is_code ? 'text/javascript' : 'text/html')
    // With an icon, so that the browser asks for none.
    const page =
      '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/code.js"></script>'
    response.end(is_code ? code : page)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const page = await browser.newPage()
  try {
    const said: string[] = []
    const is_done = new Promise<void>((resolve, reject) => {
      page.on('pageerror', reject)
      page.on('console', message => {
        said.push(message.text())
        if (message.text() === last_word) resolve()
      })
    })
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await is_done
    return said
  } finally {
    await page.close()
    server.close()
  }
}
