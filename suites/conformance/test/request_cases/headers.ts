import { close, ping, text } from '../frame.ts'
import { type HeaderLines, KEY, request_head } from '../handshake.ts'
import { type ExpectedResponse, OPENS, type RequestCase, refused } from '../request_case.ts'

const NOT_WEBSOCKET = refused(426, 'not_websocket', { upgrade: 'websocket' })
const BROKEN = refused(400)
const WRONG_VERSION = refused(426, 'bad_handshake', { 'sec-websocket-version': '13' })

type Row = readonly [name: string, changed: HeaderLines, response: ExpectedResponse]

function table(clause: string, rows: readonly Row[]): RequestCase[] {
  return rows.map(([name, changed, response]) => ({
    name,
    clause,
    request: path => request_head({ start: `GET ${path} HTTP/1.1`, ...changed }),
    response,
  }))
}

const hosts = table('§4.2.1, RFC 9112 §3.2', [
  ['opens with a Host', {}, OPENS],
  ['opens with a Host and a port', { host: 'Host: 127.0.0.1:8081' }, OPENS],
  ['opens with a name as Host', { host: 'Host: example.test' }, OPENS],
  ['opens with an IPv6 Host', { host: 'Host: [::1]:8081' }, OPENS],
  ['refuses a request without Host', { host: undefined }, BROKEN],
  ['accepts header names in any case', { host: 'hOsT: 127.0.0.1' }, OPENS],
  ['accepts a header without a space after its colon', { host: 'Host:127.0.0.1' }, OPENS],
  ['accepts spaces and a tab around a value', { host: 'Host: \t 127.0.0.1 \t ' }, OPENS],
  ['refuses a space before a colon', { host: 'Host : 127.0.0.1' }, BROKEN],
  ['refuses a folded header', { host: ['Host: 127.0.0.1', 'X-Folded: a', ' b'] }, BROKEN],
  ['refuses a header without a colon', { extra: 'X-No-Colon' }, BROKEN],
  ['refuses a header without a name', { extra: ': value' }, BROKEN],
  ['refuses a NUL in a value', { extra: 'X-Nul: a\0b' }, BROKEN],
])

const upgrades = table('§4.2.1, 3.', [
  ['accepts websocket in upper case', { upgrade: 'Upgrade: WEBSOCKET' }, OPENS],
  ['accepts WebSocket in mixed case', { upgrade: 'uPGRADE: WebSocket' }, OPENS],
  ['refuses a request without Upgrade', { upgrade: undefined }, NOT_WEBSOCKET],
  ['refuses another Upgrade', { upgrade: 'Upgrade: h2c' }, NOT_WEBSOCKET],
  ['refuses an empty Upgrade', { upgrade: 'Upgrade:' }, NOT_WEBSOCKET],
  ['refuses websocket with a version, our choice', { upgrade: 'Upgrade: websocket/13' }, NOT_WEBSOCKET],
  ['refuses a word that begins with websocket', { upgrade: 'Upgrade: websockets' }, NOT_WEBSOCKET],
  ['accepts a list that ends with websocket', { upgrade: 'Upgrade: h2c, websocket' }, OPENS],
  ['accepts a list that starts with websocket', { upgrade: 'Upgrade: WebSocket,h2c' }, OPENS],
  ['accepts a list with empty elements', { upgrade: 'Upgrade: ,, websocket ,' }, OPENS],
  ['accepts two Upgrade headers', { upgrade: ['Upgrade: h2c', 'Upgrade: websocket'] }, OPENS],
  ['refuses a list without websocket', { upgrade: 'Upgrade: h2c, websocket/13' }, NOT_WEBSOCKET],
])

const connections = table('§4.2.1, 4.', [
  ['accepts Connection in lower case', { connection: 'connection: upgrade' }, OPENS],
  ['accepts Connection in upper case', { connection: 'CONNECTION: UPGRADE' }, OPENS],
  ['accepts a list that ends with Upgrade', { connection: 'Connection: keep-alive, Upgrade' }, OPENS],
  ['accepts a list that starts with Upgrade', { connection: 'Connection: Upgrade, keep-alive' }, OPENS],
  ['accepts a list without spaces', { connection: 'Connection: keep-alive,Upgrade,foo' }, OPENS],
  ['accepts a list with empty elements', { connection: 'Connection: ,keep-alive,, Upgrade ,' }, OPENS],
  [
    'accepts two Connection headers',
    { connection: ['Connection: keep-alive', 'Connection: Upgrade'] },
    OPENS,
  ],
  ['refuses a request without Connection', { connection: undefined }, NOT_WEBSOCKET],
  ['refuses a Connection without Upgrade', { connection: 'Connection: keep-alive' }, NOT_WEBSOCKET],
  ['refuses an empty Connection', { connection: 'Connection:' }, NOT_WEBSOCKET],
  ['refuses a word that begins with Upgrade', { connection: 'Connection: upgrades' }, NOT_WEBSOCKET],
])

const keys = table('§4.2.1, 5.', [
  ['accepts a key of 16 zero bytes', { key: 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' }, OPENS],
  ['accepts a key with plus and slash', { key: 'Sec-WebSocket-Key: +/+/+/+/+/+/+/+/+/+/+w==' }, OPENS],
  ['accepts the name of the key in lower case', { key: `sec-websocket-key: ${KEY}` }, OPENS],
  ['refuses a request without a key', { key: undefined }, BROKEN],
  ['refuses an empty key', { key: 'Sec-WebSocket-Key:' }, BROKEN],
  ['refuses a key of 15 bytes', { key: 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA' }, BROKEN],
  ['refuses a key of 17 bytes', { key: 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA=' }, BROKEN],
  ['refuses a key without its padding', { key: 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ' }, BROKEN],
  ['refuses a key that is not base64', { key: 'Sec-WebSocket-Key: ######################==' }, BROKEN],
  ['refuses a key in the URL-safe alphabet', { key: 'Sec-WebSocket-Key: -_-_-_-_-_-_-_-_-_-_-w==' }, BROKEN],
  ['refuses a key twice', { key: [`Sec-WebSocket-Key: ${KEY}`, `Sec-WebSocket-Key: ${KEY}`] }, BROKEN],
])

const versions = table('§4.2.1, 6., §4.4', [
  [
    'refuses a request without a version',
    { version: undefined },
    refused(400, 'bad_handshake', { 'sec-websocket-version': '13' }),
  ],
  ...['0', '8', '12', '14', '255', '013', '13.0', '-13', '0xd', 'thirteen', ''].map(
    (version): Row => [
      `responds with version 13 to a client of version '${version}'`,
      { version: `Sec-WebSocket-Version: ${version}` },
      WRONG_VERSION,
    ],
  ),
  [
    'responds with version 13 to a client that lists several, our choice',
    { version: 'Sec-WebSocket-Version: 13, 8' },
    WRONG_VERSION,
  ],
  [
    'refuses the version twice, our choice',
    { version: ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Version: 13'] },
    WRONG_VERSION,
  ],
])

function start_lines(
  clause: string,
  rows: readonly (readonly [string, (path: string) => string, ExpectedResponse])[],
): RequestCase[] {
  return rows.map(([name, start, response]) => ({
    name,
    clause,
    request: path => request_head({ start: start(path) }),
    response,
  }))
}

const starts = start_lines('§4.2.1, 1., RFC 9112 §3', [
  ...['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'].map(
    method =>
      [`refuses the method ${method}`, (path: string) => `${method} ${path} HTTP/1.1`, BROKEN] as const,
  ),
  ['refuses the method HEAD', path => `HEAD ${path} HTTP/1.1`, BROKEN],
  ['refuses an unknown method', path => `GRAB ${path} HTTP/1.1`, BROKEN],
  ['refuses the method get in lower case', path => `get ${path} HTTP/1.1`, BROKEN],
  ['refuses HTTP/1.0', path => `GET ${path} HTTP/1.0`, BROKEN],
  ['refuses HTTP/0.9', path => `GET ${path} HTTP/0.9`, BROKEN],
  ['refuses HTTP/2.0', path => `GET ${path} HTTP/2.0`, BROKEN],
  ['refuses HTTP/1.2', path => `GET ${path} HTTP/1.2`, BROKEN],
  ['refuses a request line without a version', path => `GET ${path}`, BROKEN],
  ['refuses another protocol', path => `GET ${path} RTSP/1.0`, BROKEN],
  ['accepts the absolute form of a target', path => `GET http://127.0.0.1${path} HTTP/1.1`, OPENS],
  ['accepts the absolute form with the scheme ws', path => `GET ws://127.0.0.1${path} HTTP/1.1`, OPENS],
  ['answers 404 for another path', path => `GET /other${path} HTTP/1.1`, refused(404, 'wrong_path')],
  [
    'answers 404 for the path in upper case',
    path => `GET ${path.replace('/ws', '/WS')} HTTP/1.1`,
    refused(404, 'wrong_path'),
  ],
  [
    'answers 404 for a slash after the path',
    path => `GET ${path.replace('/ws', '/ws/')} HTTP/1.1`,
    refused(404, 'wrong_path'),
  ],
  [
    'answers 404 for the root',
    path => `GET ${path.replace('/ws', '/')} HTTP/1.1`,
    refused(404, 'wrong_path'),
  ],
  [
    'answers 404 for an absolute form without a path',
    path => `GET http://127.0.0.1${path.replace('/ws', '')} HTTP/1.1`,
    refused(404, 'wrong_path'),
  ],
  ['accepts a path with unnecessary escapes', path => `GET ${path.replace('/ws', '/%77s')} HTTP/1.1`, OPENS],
])

const KILOBYTE = 'x'.repeat(1_000)

const others: RequestCase[] = [
  ...table('RFC 9110 §5', [
    ['ignores unknown headers', { extra: 'X-Unknown: 1' }, { kind: 'opens', headers: { 'x-unknown': '1' } }],
    [
      'joins the values of a header that is sent twice',
      { extra: ['X-Twice: 1', 'X-Twice: 2'] },
      { kind: 'opens', headers: { 'x-twice': '1, 2' } },
    ],
    [
      'accepts bytes above 7F in a value',
      { extra: 'X-Latin: \u00e9' },
      { kind: 'opens', headers: { 'x-latin': '\u00e9' } },
    ],
    [
      'accepts 10,000 bytes of headers',
      { extra: Array.from({ length: 10 }, (_, n) => `X-${n}: ${KILOBYTE}`) },
      OPENS,
    ],
    ['accepts fifty headers', { extra: Array.from({ length: 50 }, (_, n) => `X-${n}: ${n}`) }, OPENS],
    [
      'answers 431 for 20,000 bytes of headers',
      { extra: Array.from({ length: 20 }, (_, n) => `X-${n}: ${KILOBYTE}`) },
      refused(431),
    ],
    ['answers 431 for one header of 20,000 bytes', { extra: `X-Long: ${'x'.repeat(20_000)}` }, refused(431)],
    ['answers 431 for a Host of 20,000 bytes', { host: `Host: ${'x'.repeat(20_000)}` }, refused(431)],
    ['accepts an empty body', { extra: 'Content-Length: 0' }, OPENS],
    ['answers 400 for a body of three bytes', { extra: 'Content-Length: 3' }, refused(400)],
    ['answers 400 for a body in chunks', { extra: 'Transfer-Encoding: chunked' }, refused(400)],
  ]),
  {
    name: 'answers 431 for a path of 20,000 bytes',
    clause: 'RFC 9112 §3, our choice',
    request: path => request_head({ start: `GET ${path}&${'x'.repeat(20_000)} HTTP/1.1` }),
    response: refused(431),
  },
  {
    name: 'accepts an empty line before the request',
    clause: 'RFC 9112 §2.2',
    request: path => `\r\n${request_head({ start: `GET ${path} HTTP/1.1` })}`,
    response: OPENS,
  },
  {
    name: 'refuses lines that end without CR',
    clause: 'RFC 9112 §2.2, our choice',
    request: path => request_head({ start: `GET ${path} HTTP/1.1` }).replaceAll('\r\n', '\n'),
    response: BROKEN,
  },
  {
    name: 'refuses bytes that are not HTTP',
    clause: '§4.2.1',
    request: () => 'hello, are you there?\r\n\r\n',
    response: BROKEN,
  },
  {
    name: 'refuses the beginning of TLS',
    clause: '§4.2.1',
    request: () => '\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03\r\n\r\n',
    response: BROKEN,
  },
  {
    name: 'refuses the preface of HTTP/2',
    clause: '§4.2.1',
    request: () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    response: BROKEN,
  },
]

const FOLLOWED_BY: readonly (readonly [string, Partial<ExpectedResponse & { kind: 'opens' }>])[] = [
  ['a message', { followed_by: [text('early')], messages: ['early'] }],
  ['two messages', { followed_by: [text('early'), text('bird')], messages: ['early', 'bird'] }],
  ['a ping', { followed_by: [ping('early')] }],
  ['an invalid frame', { followed_by: [{ opcode: 3 }], errors: ['protocol_error'] }],
  [
    'a message and an invalid frame',
    { followed_by: [text('early'), { opcode: 3 }], messages: ['early'], errors: ['protocol_error'] },
  ],
  ['a message and a Close', { followed_by: [text('early'), close(1000)], messages: ['early'] }],
]

const pipelined: RequestCase[] = FOLLOWED_BY.map(([name, response]) => ({
  name: `accepts ${name} right after the request`,
  clause: '§4.1, our choice: a client must wait for the response, but we accept frames before',
  request: path => request_head({ start: `GET ${path} HTTP/1.1` }),
  response: { kind: 'opens', ...response },
}))

export const header_cases: readonly RequestCase[] = [
  ...hosts,
  ...upgrades,
  ...connections,
  ...keys,
  ...versions,
  ...starts,
  ...others,
  ...pipelined,
]
