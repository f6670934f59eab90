import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { launch_chromium } from '@bt/test-support/chromium'

/** A running Chromium. */
export type Browser = Awaited<ReturnType<typeof launch_chromium>>

/** Runs a module in a page, and returns its console messages up to and including `last_message`. */
export async function console_messages(
  browser: Browser,
  code: string,
  last_message: string,
): Promise<string[]> {
  const server = createServer((request, response) => {
    const is_code = request.url === '/code.js'
    response.setHeader('content-type', is_code ? 'text/javascript' : 'text/html')
    // The empty icon keeps the browser from requesting one.
    const page =
      '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/code.js"></script>'
    response.end(is_code ? code : page)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const page = await browser.newPage()
  try {
    const messages: string[] = []
    const done = new Promise<void>((resolve, reject) => {
      page.on('pageerror', reject)
      page.on('console', message => {
        messages.push(message.text())
        if (message.text() === last_message) resolve()
      })
    })
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await done
    return messages
  } finally {
    await page.close()
    server.close()
  }
}
