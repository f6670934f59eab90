import { once } from 'node:events'
import { type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { address_text, listening } from '@bt/demo-support/address'
import { connect } from '@bt/net'
import { expect, it, type MockInstance, onTestFinished, vi } from 'vitest'
import { make_page_server } from '../src/server/page_server.ts'
import { parse_server_message } from '../src/shared/message.ts'
import { share_service } from './service.ts'

const shared_service = share_service()

it('serves the page with a policy that allows only its own files and the WebSocket', async () => {
  const { url, ws_url } = shared_service()
  const response = await fetch(url)
  expect(response.status).toBe(200)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  })
  const policy = response.headers.get('content-security-policy')
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain(`connect-src 'self' ${ws_url};`)
  expect(policy).not.toContain('unsafe')
})

it('serves scripts and styles with their types, and lets browsers cache them for ever', async () => {
  const { url } = shared_service()
  const html = await (await fetch(url)).text()
  const paths = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => String(path))
  const types = new Map<string | null, string | null>()
  for (const path of paths) {
    const { headers } = await fetch(new URL(path, url))
    types.set(headers.get('content-type'), headers.get('cache-control'))
  }
  const for_ever = 'public, max-age=31536000, immutable'
  expect(types).toEqual(
    new Map([
      ['text/javascript; charset=utf-8', for_ever],
      ['text/css; charset=utf-8', for_ever],
    ]),
  )
})

it('serves the URL of the WebSocket', async () => {
  const { url, ws_url } = shared_service()
  const response = await fetch(new URL('server.json', url))
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(await response.json()).toEqual({ ws_url })
})

it('answers HEAD without a body', async () => {
  const { url } = shared_service()
  const response = await fetch(url, { method: 'HEAD' })
  expect(Number(response.headers.get('content-length'))).toBeGreaterThan(1000)
  expect(await response.text()).toBe('')
})

it('serves only files of the page', async () => {
  const { url } = shared_service()
  for (const path of [
    '/../server/main.js',
    '/%2e%2e/server/main.js',
    '/..%2fserver/main.js',
    '/assets/../../server/main.js',
    '//etc/passwd',
    '/index.html/',
    '/nothing',
  ])
    expect([path, await status_of(url, path)]).toEqual([path, 404])
})

it('accepts only GET and HEAD for files, and POST for /control', async () => {
  const { url } = shared_service()
  for (const [path, method, allowed] of [
    ['/', 'POST', 'GET, HEAD'],
    ['/server.json', 'DELETE', 'GET, HEAD'],
    ['/control', 'GET', 'POST'],
  ] as const) {
    const response = await fetch(new URL(path, url), { method })
    expect([path, response.status, response.headers.get('allow')]).toEqual([path, 405, allowed])
  }
})

it('accepts only known controls, as JSON of bounded size, for existing connections', async () => {
  const { url } = shared_service()
  const post = async (body: string, type = 'application/json'): Promise<number> =>
    (await fetch(new URL('control', url), { method: 'POST', headers: { 'Content-Type': type }, body })).status
  expect(await post('{}', 'text/plain')).toBe(415)
  expect(await post('x'.repeat(2000))).toBe(413)
  expect(await post('{"key":"a","action":"dance"}')).toBe(400)
  expect(await post('{"key":"a","action":"cut"}')).toBe(404)
})

/** Starts a page server that fails at each control, and collects the errors that it reports. */
async function serve_failing(): Promise<{ url: URL; server: Server; print: MockInstance }> {
  const print = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const control = (): never => {
    throw new Error('the disk is full')
  }
  const server = make_page_server({ files: new Map(), ws_url: 'ws://127.0.0.1:1/ws', control })
  onTestFinished(() => {
    print.mockRestore()
    server.close()
    server.closeAllConnections()
  })
  const address = await listening(server, { host: '127.0.0.1', port: 0 })
  return { url: new URL(`http://${address_text(address)}/control`), server, print }
}

it('answers 500 if it fails, and reports why', async () => {
  const { url, print } = await serve_failing()
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: '{"key":"a","action":"cut"}' })
  expect(response.status).toBe(500)
  expect(print.mock.calls).toEqual([['error: the disk is full\n']])
})

it('reports no error for an aborted request', async () => {
  const { url, server, print } = await serve_failing()
  const broken = request(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Content-Length': 9 },
  }).on('error', () => {})
  const came = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>
  broken.write('{')
  const [, response] = await came
  broken.destroy()
  await once(response, 'close')
  await new Promise(resolve => setImmediate(resolve))
  expect(print).not.toHaveBeenCalled()
})

it('carries out a control that has the key of a connection', async () => {
  const { url, ws_url } = shared_service()
  const client = connect({ type: 'ws', url: ws_url })
  for await (const text of client) {
    const message = parse_server_message(text)
    if (message?.type !== 'welcome') continue
    const body = JSON.stringify({ key: message.key, action: 'close' })
    const headers = { 'Content-Type': 'application/json' }
    expect((await fetch(new URL('control', url), { method: 'POST', headers, body })).status).toBe(204)
  }
  expect(await client.closed).toMatchObject({ code: 4002, cause: 'peer', clean: true })
})

/** Sends a raw request, because `fetch` normalizes paths. */
function status_of(url: string, path: string): Promise<number | undefined> {
  const { hostname: host, port } = new URL(url)
  return new Promise((resolve, reject) => {
    request({ host, port, path, agent: false }, response => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
