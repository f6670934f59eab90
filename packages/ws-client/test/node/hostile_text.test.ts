import { inspect } from 'node:util'
import { accept_of } from '@bt/test-support/handshake'
import { flaws_in, HOSTILE_HEADER, HOSTILE_TEXT, SECRET } from '@bt/ws-protocol/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { connect, NetError, type WsConnectOptions } from '../../src/index.js'
import { start_http_server, start_raw_server, start_ws_server, stop_all } from '../echo_server.js'
import { outcome_of } from '../outcome.js'

afterEach(stop_all)

const outcome = outcome_of(connect)
const CREDENTIALS = `ada@corp.com:${SECRET}@`

/** The same URL with credentials and a query. */
function with_secrets(url: string): string {
  return `${url.replace('//', `//${CREDENTIALS}`)}?token=${SECRET}`
}

/** A server that answers each handshake with these lines, in Latin-1, and ends the connection. */
async function answering(...lines: readonly string[]): Promise<string> {
  const { url } = await start_raw_server(socket => {
    socket.once('data', request => {
      const [, key = ''] = /Sec-WebSocket-Key: (.*)\r\n/i.exec(String(request)) ?? []
      socket.end(Buffer.from(`${lines.join('\r\n').replace('DIGEST', accept_of(key))}\r\n\r\n`, 'latin1'))
    })
  })
  return url
}

const ACCEPTED = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: DIGEST',
]

type Case = readonly [name: string, url: () => Promise<string>, options?: Partial<WsConnectOptions<boolean>>]

const refused: readonly Case[] = [
  ['a port where nobody listens', async () => 'ws://127.0.0.1:1/ws'],
  ['a Unix socket that is not there', async () => 'ws+unix:/no/such.sock:/ws'],
  ['a relative redirect', () => answering('HTTP/1.1 308 x', `Location: /ws/?token=${SECRET}`)],
  ['a redirect to a query', () => answering('HTTP/1.1 307 x', `Location: ?token=${SECRET}`)],
  ['a redirect to a fragment', () => answering('HTTP/1.1 307 x', `Location: /#token=${SECRET}`)],
  ['a redirect without scheme', () => answering('HTTP/1.1 301 x', `Location: //${CREDENTIALS}host/ws`)],
  [
    'an absolute redirect',
    () => answering('HTTP/1.1 301 x', `Location: https://${CREDENTIALS}host/?${SECRET}`),
  ],
  ['a redirect of hostile text', () => answering('HTTP/1.1 301 x', `Location: /${HOSTILE_HEADER}`)],
  ['a long redirect', () => answering('HTTP/1.1 301 x', `Location: /${'x'.repeat(10_000)}`)],
  ['a hostile status', () => answering(`HTTP/1.1 403 ${HOSTILE_HEADER}${'x'.repeat(10_000)}`)],
  ['cookies', () => answering('HTTP/1.1 401 x', `Set-Cookie: session=${SECRET}`)],
  [
    'a hostile subprotocol',
    () => answering(...ACCEPTED, `Sec-WebSocket-Protocol: ${HOSTILE_HEADER}`),
    { protocols: ['a'] },
  ],
  ['a long subprotocol', () => answering(...ACCEPTED, `Sec-WebSocket-Protocol: ${'y'.repeat(10_000)}`)],
  [
    'all offered subprotocols in one',
    () => answering(...ACCEPTED, `Sec-WebSocket-Protocol: chat,${SECRET.toLowerCase()}`),
    { protocols: ['chat', SECRET] },
  ],
  ['a hostile extension', () => answering(...ACCEPTED, `Sec-WebSocket-Extensions: ${HOSTILE_HEADER}`)],
  ['a hostile version of HTTP', () => answering(`${HOSTILE_HEADER}/1.1 200 OK`)],
  ['a header that is none', () => answering('HTTP/1.1 200 OK', `${HOSTILE_HEADER}`)],
  [
    'a body that shows the request, as some frameworks do',
    async () =>
      (
        await start_http_server(({ url }, response) =>
          response.writeHead(404).end(`{"message":"Route GET:${url} not found"}`),
        )
      ).url,
  ],
  [
    'a hostile body',
    async () =>
      (await start_http_server((_, response) => response.writeHead(403).end(HOSTILE_TEXT.repeat(100)))).url,
  ],
  ['a connection that ends', async () => (await start_raw_server(socket => socket.destroy())).url],
  ['no answer', async () => (await start_raw_server(() => {})).url, { connect_timeout: 20 }],
]

describe('an error shows nothing hostile, and no secret, if a connection does not open because of', () => {
  it.each(refused.map(([name, ...more]) => ({ name, more })))(
    '$name',
    async ({ more: [make_url, options = {}] }) => {
      const url = with_secrets(await make_url())
      const headers = { Authorization: `Bearer ${SECRET}`, Cookie: `session=${SECRET}` }
      const { errors, opened } = await outcome(url, { headers, ...options })
      expect(errors).toHaveLength(1)
      const [error] = errors as [NetError]
      expect(opened).toBe(error)
      expect(flaws_in(error.message)).toEqual([])
      // As `console.error(err)` prints it, with its cause.
      expect(inspect(error)).not.toContain(SECRET)
    },
  )
})

it('keeps the headers of a refusal for programs', async () => {
  const url = await answering('HTTP/1.1 401 x', `Set-Cookie: session=${SECRET}`, 'X-Why: banned')
  const { errors } = await outcome(url)
  const headers = expect.objectContaining({ 'x-why': 'banned', 'set-cookie': [`session=${SECRET}`] })
  expect(errors[0]?.cause).toMatchObject({ status: 401, headers })
})

it('an error of a connection that is lost shows no secret', async () => {
  const { url } = await start_ws_server(ws => ws.terminate())
  const { errors } = await outcome(with_secrets(url))
  expect(errors.map(({ code }) => code)).toEqual(['connection_lost'])
  expect(flaws_in(String(errors[0]?.message))).toEqual([])
})

it('an error of a callback and its warning show no hostile text of the peer', async () => {
  const { url } = await start_ws_server(ws => {
    ws.send(`{"a": ${HOSTILE_TEXT.replace('\ud800', '')}${'x'.repeat(100_000)}`)
    ws.close()
  })
  const { errors } = await outcome(url, {
    on_message: data => {
      throw new SyntaxError(`no JSON: ${data}`)
    },
  })
  expect(errors.map(({ code }) => code)).toEqual(['handler_failed'])
  expect(flaws_in(String(errors[0]?.message))).toEqual([])
})

const wrong_options: readonly (readonly [name: string, options: object])[] = [
  ['a URL in place of options', `ws://${CREDENTIALS}host/?${SECRET}` as never],
  ['a URL in place of a type', { type: `ws://${CREDENTIALS}host/?${SECRET}` }],
  ['a URL of another scheme', { url: `http://${CREDENTIALS}host/?${SECRET}` }],
  ['a URL whose password is not encoded', { url: `ws://ada:${SECRET}/${SECRET}#${SECRET}@host/` }],
  ['a URL without a scheme', { url: `ada:${SECRET}@host/ws` }],
  ['a URL with a fragment', { url: `ws://host/ws#${SECRET}` }],
  ['a Unix socket with a fragment', { url: `ws+unix:/run/x:/ws?${SECRET}#${SECRET}` }],
  ['a hostile URL', { url: HOSTILE_TEXT.repeat(100) }],
  ['headers that are text', { headers: `Authorization: Bearer ${SECRET}` }],
  ['headers that are a list', { headers: ['Authorization', SECRET] }],
  ['a header of two lines', { headers: { Authorization: `${SECRET}\r\nX: ${SECRET}` } }],
  ['a hostile name of a header', { headers: { [HOSTILE_TEXT.repeat(100)]: SECRET } }],
  ['a header twice', { headers: { Cookie: SECRET, cookie: SECRET } }],
  ['subprotocols that are text', { protocols: SECRET }],
  ['subprotocols that are no tokens', { protocols: [`${SECRET} ${SECRET}`] }],
  ['a subprotocol twice', { protocols: [SECRET, SECRET] }],
  ['tls that is text', { tls: SECRET }],
  ['tls for a URL without TLS', { url: `ws://${CREDENTIALS}host/?${SECRET}`, tls: {} }],
  ['a certificate that is none', { url: 'wss://host/', tls: { ca: SECRET } }],
  ['a key that is none', { url: 'wss://host/', tls: { cert: SECRET, key: SECRET } }],
  ['a passphrase that is none', { url: 'wss://host/', tls: { passphrase: [SECRET] } }],
  ['a passphrase without a key', { url: 'wss://host/', tls: { passphrase: SECRET } }],
  ['a hostile name of an option', { [HOSTILE_TEXT.repeat(100)]: SECRET }],
  [
    'a hostile part of an option',
    { reconnect: { [HOSTILE_TEXT.repeat(100)]: HOSTILE_TEXT, url: `ws://${CREDENTIALS}host` } },
  ],
]

describe('an error shows nothing hostile, and no secret, about', () => {
  it.each(wrong_options)('%s', (_name, options) => {
    let error: unknown
    try {
      connect(
        typeof options === 'string' ? options : ({ type: 'ws', url: 'ws://host/', ...options } as never),
      )
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(NetError)
    expect(flaws_in((error as NetError).message)).toEqual([])
    expect(inspect(error)).not.toContain(SECRET)
  })
})
