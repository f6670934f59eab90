import { createServer } from 'node:http'
import { listen, refuse } from '@bt/net'
import { expect, onTestFinished, test } from 'vitest'
import { use_browser } from './examples/browser.ts'

const show = use_browser()

test('a page in Chromium learns from the close code why it was refused, whatever it offers and sends', async () => {
  const http = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end('<!doctype html><link rel="icon" href="data:,">')
  })
  const authorize = (): never => refuse(401, 'log in', { close: 4401 })
  const server = listen({ type: 'ws', server: http, compression: true, protocols: ['chat'], authorize })
  onTestFinished(() => {
    server.close()
    http.close()
  })
  http.listen(0, '127.0.0.1')
  await server.opened
  const page = await show(`http://${server.addr}/`)
  for (const protocols of [[], ['chat'], ['other', 'another']]) {
    const ended = await page.evaluate(
      ([url, offered]) =>
        new Promise(resolve => {
          const ws = new WebSocket(url, offered)
          ws.onopen = () => ws.send('x'.repeat(100_000))
          ws.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean })
        }),
      [`ws://${server.addr}/ws`, protocols] as const,
    )
    expect(ended).toEqual({ code: 4401, reason: 'log in', wasClean: true })
  }
  expect(server.stats()).toMatchObject({ accepted: 0, refused: { unauthorized: 3 } })
})
