import { inspect } from 'node:util'
import { flaws_in, HOSTILE_HEADER, HOSTILE_TEXT, SECRET } from '@bt/ws-protocol/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { listen, NetError, refuse, type WsListenOptions } from '../src/index.js'
import { RawClient } from './raw_client.js'
import { connect_client, start_open, stop_all } from './started_server.js'

afterEach(stop_all)

const LONG = 'x'.repeat(6_000)

const pages: readonly (readonly [
  name: string,
  lines: Record<string, string>,
  options?: Partial<WsListenOptions>,
])[] = [
  ['an Origin', { Origin: `Origin: x://${HOSTILE_HEADER}` }],
  ['an Origin of a list', { Origin: `Origin: x://${HOSTILE_HEADER}` }, { origins: ['https://example.com'] }],
  ['an Origin that is none', { Origin: `Origin: ${HOSTILE_HEADER}` }],
  ['an Origin with credentials', { Origin: `Origin: https://ada:${SECRET}@example.com/?${SECRET}` }],
  ['a long Origin', { Origin: `Origin: x://${LONG}` }],
  ['a long Origin of a list', { Origin: `Origin: x://${LONG}` }, { origins: ['https://example.com'] }],
  ['a Host', { Origin: 'Origin: https://example.com', Host: `Host: ${HOSTILE_HEADER}` }],
  ['a long Host', { Origin: 'Origin: https://example.com', Host: `Host: ${LONG}` }],
  [
    'an Origin that makes origins throw',
    { Origin: `Origin: x://${HOSTILE_HEADER}${LONG}` },
    {
      origins: origin => {
        throw new Error(`what is ${origin}?`)
      },
    },
  ],
  [
    'a header that makes authorize throw',
    { Cookie: `Cookie: ${HOSTILE_HEADER}${LONG}` },
    {
      authorize: ({ headers }) => {
        throw new Error(`what is ${headers.cookie}?`)
      },
    },
  ],
  [
    'a path that makes authorize throw',
    { start: `GET /ws?token=${SECRET} HTTP/1.1` },
    {
      authorize: ({ path, query }) => {
        throw new Error(`no user for ${path}?${query}`)
      },
    },
  ],
]

describe('an error shows nothing hostile, and no secret, of', () => {
  it.each(pages.map(([name, ...more]) => ({ name, more })))(
    '$name',
    async ({ more: [lines, options = {}] }) => {
      const errors: NetError[] = []
      const server = await start_open({ on_error: error => errors.push(error), ...options })
      const client = new RawClient(server.addr)
      const request = {
        start: 'GET /ws HTTP/1.1',
        Host: 'Host: 127.0.0.1',
        Upgrade: 'Upgrade: websocket',
        ...lines,
      }
      const rest = [
        'Connection: Upgrade',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version: 13',
      ]
      client.socket.write(
        Buffer.from(`${[...Object.values(request), ...rest].join('\r\n')}\r\n\r\n`, 'latin1'),
      )
      await client.until_ended()
      expect(errors).toHaveLength(1)
      expect(flaws_in(String(errors[0]?.message))).toEqual([])
    },
  )

  it.each([
    ['a message that makes on_message throw', HOSTILE_TEXT.replace('\ud800', '') + LONG],
    ['a URL in a message that makes on_message throw', `see ws://ada:${SECRET}@host/?${SECRET}`],
  ])('%s', async (_name, message) => {
    const errors: NetError[] = []
    const server = await start_open({
      on_message: (_socket, data) => {
        throw new SyntaxError(`no JSON: ${data}`)
      },
      on_error: error => errors.push(error),
    })
    const client = await connect_client(server)
    client.send(message)
    client.close()
    await new Promise(resolve => client.once('close', resolve))
    expect(errors.map(({ code }) => code)).toEqual(['handler_failed'])
    expect(flaws_in(String(errors[0]?.message))).toEqual([])
  })
})

it('an address from a proxy is an address, whatever a header holds', async () => {
  const addresses: string[] = []
  const server = await start_open({
    trust_proxy: true,
    authorize: ({ addr }) => {
      addresses.push(addr)
      refuse(401, 'no')
    },
  })
  const names = [`::1%\u009b31m`, 'fe80::1%\u0080', `${HOSTILE_HEADER}`, '127.0.0.1\u009b']
  for (const name of names) {
    const client = new RawClient(server.addr)
    const lines = [
      'GET /ws HTTP/1.1',
      'Host: h',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `X-Forwarded-For: ${name}`,
    ]
    const rest = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']
    client.socket.write(Buffer.from(`${[...lines, ...rest].join('\r\n')}\r\n\r\n`, 'latin1'))
    await client.until_ended()
  }
  expect(addresses).toHaveLength(names.length)
  expect(flaws_in(addresses.join(''))).toEqual([])
})

const WRONG = `ws://ada@corp.com:${SECRET}@host/?${SECRET}`

const wrong_options: readonly (readonly [name: string, options: unknown])[] = [
  ['a URL in place of options', WRONG],
  ['a URL as bind', { bind: WRONG }],
  ['a URL as route', { route: `${WRONG} ` }],
  ['a URL as origins', { origins: WRONG }],
  ['an origin with credentials', { origins: [`https://ada:${SECRET}@host/?${SECRET}`] }],
  ['a long origin', { origins: [`https://${LONG}/`] }],
  ['a hostile origin', { origins: [HOSTILE_TEXT + LONG] }],
  ['a hostile bind', { bind: HOSTILE_TEXT + LONG }],
  ['a hostile route', { route: HOSTILE_TEXT + LONG }],
  ['subprotocols that are text', { protocols: SECRET }],
  ['tls that is text', { tls: SECRET }],
  ['a certificate that is none', { tls: { cert: SECRET, key: SECRET } }],
  ['a passphrase that is none', { tls: { cert: SECRET, key: SECRET, passphrase: { SECRET } } }],
  [
    'a name of sni that is none',
    { tls: { cert: SECRET, key: SECRET, sni: { [HOSTILE_TEXT + LONG]: SECRET } } },
  ],
  ['a hostile name of an option', { [HOSTILE_TEXT + LONG]: SECRET }],
  ['a hostile part of an option', { trust_proxy: { [HOSTILE_TEXT + LONG]: HOSTILE_TEXT + LONG } }],
]

function thrown_by(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}

describe('an error shows nothing hostile, and no secret, about', () => {
  it.each(wrong_options)('%s', (_name, options) => {
    const given =
      typeof options === 'string' ? options : { type: 'ws', bind: '127.0.0.1:0', ...(options as object) }
    const error = thrown_by(() => listen(given as never))
    expect(error).toBeInstanceOf(NetError)
    expect(flaws_in((error as NetError).message)).toEqual([])
    expect(inspect(error)).not.toContain(SECRET)
  })

  it.each([
    ['a text of refuse that is too long', [401, HOSTILE_TEXT + LONG]],
    ['a refusal out of place', [401, HOSTILE_TEXT.repeat(40)]],
    ['headers of refuse that are text', [401, '', `Set-Cookie: ${SECRET}`]],
    ['a header of refuse on two lines', [401, '', { 'Set-Cookie': `${SECRET}\n` }]],
    ['a hostile name of a header of refuse', [401, '', { [HOSTILE_TEXT + LONG]: SECRET }]],
  ])('%s', (_name, args) => {
    const error = thrown_by(() => refuse(...(args as Parameters<typeof refuse>)))
    expect(error).toBeInstanceOf(NetError)
    expect(flaws_in((error as NetError).message)).toEqual([])
  })
})

it('a topic that is none is shown without anything hostile', async () => {
  const server = await start_open()
  const error = thrown_by(() => server.publish(HOSTILE_TEXT + LONG, 'x'))
  expect(error).toBeInstanceOf(NetError)
  expect(flaws_in((error as NetError).message)).toEqual([])
})
