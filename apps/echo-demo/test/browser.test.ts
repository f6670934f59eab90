import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { launch_chromium } from '@bt/test-support/chromium'
import { expect, it, onTestFinished } from 'vitest'
import { start_server } from './program.ts'

/** The lines of the specification, except for the port. */
const snippet = (url: string): string =>
  `const ws = new WebSocket('${url}')\nws.onmessage = event => console.log(event.data)\nws.onopen = () => ws.send('hello')`

const PAGE = '<!doctype html><title>a page</title><link rel="icon" href="data:,">'

/**
 * Serves an empty page from this machine, because browsers let no other page connect to it, and returns its
 * URL.
 */
async function serve_page(): Promise<string> {
  const http = createServer((_request, response) => response.setHeader('Content-Type', 'text/html').end(PAGE))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  onTestFinished(() => void http.close())
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/`
}

it("answers the specification's own lines in a browser", async () => {
  // Chromium starts first: if it is missing, a program started beside it would be killed before its output.
  const browser = await launch_chromium()
  onTestFinished(() => browser.close())
  const [{ url }, page_url] = await Promise.all([start_server('serve'), serve_page()])
  const page = await browser.newPage()
  const logged: string[] = []
  page.on('pageerror', error => logged.push(String(error)))
  const answered = new Promise<void>(resolve =>
    page.on('console', message => {
      if (logged.push(message.text()) === 2) resolve()
    }),
  )
  await page.goto(page_url)
  await page.addScriptTag({ content: snippet(url) })
  await answered
  expect(logged).toEqual(['welcome', 'echo:hello'])
})
