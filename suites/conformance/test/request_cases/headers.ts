import { close, ping, text } from '../frame.ts'
import { type HeaderLines, KEY, request_head } from '../handshake.ts'
import { type Answer, OPENS, type RequestCase, refused } from '../request_case.ts'

const NOT_WEBSOCKET = refused(426, 'not_websocket', { upgrade: 'websocket' })
const BROKEN = refused(400)
const WRONG_VERSION = refused(426, 'bad_handshake', { 'sec-websocket-version': '13' })

type Row = readonly [name: string, changed: HeaderLines, answer: Answer]

function table(clause: string, rows: readonly Row[]): RequestCase[] {
  return rows.map(([name, changed, answer]) => ({
    name,
    clause,
    request: path => request_head({ start: `GET ${path} HTTP/1.1`, ...changed }),
    answer,
  }))
}

const hosts = table('§4.2.1, RFC 9112 §3.2', [
  ['opens with a Host', {}, OPENS],
  ['opens with a Host and a port', { host: 'Host: 127.0.0.1:8081' }, OPENS],
  ['opens with a name as Host', { host: 'Host: example.test' }, OPENS],
  ['opens with an IPv6 Host', { host: 'Host: [::1]:8081' }, OPENS],
  ['refuses a request without Host', { host: undefined }, BROKEN],
  ['takes header names in any case', { host: 'hOsT: 127.0.0.1' }, OPENS],
  ['takes a header without a space behind its colon', { host: 'Host:127.0.0.1' }, OPENS],
  ['takes spaces and a tab around a value', { host: 'Host: \t 127.0.0.1 \t ' }, OPENS],
  ['refuses a space before a colon', { host: 'Host : 127.0.0.1' }, BROKEN],
  [
    'refuses a header that goes on in the next line',
    { host: ['Host: 127.0.0.1', 'X-Folded: a', ' b'] },
    BROKEN,
  ],
  ['refuses a header without a colon', { extra: 'X-No-Colon' }, BROKEN],
  ['refuses a header without a name', { extra: ': value' }, BROKEN],
  ['refuses a NUL in a value', { extra: 'X-Nul: a\0b' }, BROKEN],
])

const upgrades = table('§4.2.1, 3.', [
  ['takes websocket in upper case', { upgrade: 'Upgrade: WEBSOCKET' }, OPENS],
  ['takes WebSocket in mixed case', { upgrade: 'uPGRADE: WebSocket' }, OPENS],
  ['refuses a request without Upgrade', { upgrade: undefined }, NOT_WEBSOCKET],
  ['refuses another Upgrade', { upgrade: 'Upgrade: h2c' }, NOT_WEBSOCKET],
  ['refuses an empty Upgrade', { upgrade: 'Upgrade:' }, NOT_WEBSOCKET],
  ['refuses websocket with a version, our choice', { upgrade: 'Upgrade: websocket/13' }, NOT_WEBSOCKET],
  ['refuses a word that begins with websocket', { upgrade: 'Upgrade: websockets' }, NOT_WEBSOCKET],
  ['takes a list that ends with websocket', { upgrade: 'Upgrade: h2c, websocket' }, OPENS],
  ['takes a list that starts with websocket', { upgrade: 'Upgrade: WebSocket,h2c' }, OPENS],
  ['takes a list with empty places', { upgrade: 'Upgrade: ,, websocket ,' }, OPENS],
  ['takes two Upgrade headers', { upgrade: ['Upgrade: h2c', 'Upgrade: websocket'] }, OPENS],
  ['refuses a list without websocket', { upgrade: 'Upgrade: h2c, websocket/13' }, NOT_WEBSOCKET],
])

const connections = table('§4.2.1, 4.', [
  ['takes Connection in lower case', { connection: 'connection: upgrade' }, OPENS],
  ['takes Connection in upper case', { connection: 'CONNECTION: UPGRADE' }, OPENS],
  ['takes a list that ends with Upgrade', { connection: 'Connection: keep-alive, Upgrade' }, OPENS],
  ['takes a list that starts with Upgrade', { connection: 'Connection: Upgrade, keep-alive' }, OPENS],
  ['takes a list without spaces', { connection: 'Connection: keep-alive,Upgrade,foo' }, OPENS],
  ['takes a list with empty places', { connection: 'Connection: ,keep-alive,, Upgrade ,' }, OPENS],
  ['takes two Connection headers', { connection: ['Connection: keep-alive', 'Connection: Upgrade'] }, OPENS],
  ['refuses a request without Connection', { connection: undefined }, NOT_WEBSOCKET],
  ['refuses a Connection without Upgrade', { connection: 'Connection: keep-alive' }, NOT_WEBSOCKET],
  ['refuses an empty Connection', { connection: 'Connection:' }, NOT_WEBSOCKET],
  ['refuses a word that begins with Upgrade', { connection: 'Connection: upgrades' }, NOT_WEBSOCKET],
])

const keys = table('§4.2.1, 5.', [
  ['takes a key of 16 zero bytes', { key: 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' }, OPENS],
  ['takes a key with plus and slash', { key: 'Sec-WebSocket-Key: +/+/+/+/+/+/+/+/+/+/+w==' }, OPENS],
  ['takes the name of the key in lower case', { key: `sec-websocket-key: ${KEY}` }, OPENS],
  ['refuses a request without a key', { key: undefined }, BROKEN],
  ['refuses an empty key', { key: 'Sec-WebSocket-Key:' }, BROKEN],
  ['refuses a key of 15 bytes', { key: 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA' }, BROKEN],
  ['refuses a key of 17 bytes', { key: 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA=' }, BROKEN],
  ['refuses a key without its padding', { key: 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ' }, BROKEN],
  ['refuses a key that is not base64', { key: 'Sec-WebSocket-Key: ######################==' }, BROKEN],
  ['refuses a key in the alphabet of URLs', { key: 'Sec-WebSocket-Key: -_-_-_-_-_-_-_-_-_-_-w==' }, BROKEN],
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
      `names version 13 to a client of version '${version}'`,
      { version: `Sec-WebSocket-Version: ${version}` },
      WRONG_VERSION,
    ],
  ),
  [
    'names version 13 to a client that lists it, our choice',
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
  rows: readonly (readonly [string, (path: string) => string, Answer])[],
): RequestCase[] {
  return rows.map(([name, start, answer]) => ({
    name,
    clause,
    request: path => request_head({ start: start(path) }),
    answer,
  }))
}

const starts = start_lines('§4.2.1, 1., RFC 9112 §3', [
  ...['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'].map(
    method =>
      [`refuses the method ${method}`, (path: string) => `${method} ${path} HTTP/1.1`, BROKEN] as const,
  ),
  ['refuses the method HEAD', path => `HEAD ${path} HTTP/1.1`, BROKEN],
  ['refuses a method that there is not', path => `GRAB ${path} HTTP/1.1`, BROKEN],
  ['refuses the method get in lower case', path => `get ${path} HTTP/1.1`, BROKEN],
  ['refuses HTTP/1.0', path => `GET ${path} HTTP/1.0`, BROKEN],
  ['refuses HTTP/0.9', path => `GET ${path} HTTP/0.9`, BROKEN],
  ['refuses HTTP/2.0', path => `GET ${path} HTTP/2.0`, BROKEN],
  ['refuses HTTP/1.2', path => `GET ${path} HTTP/1.2`, BROKEN],
  ['refuses a request line without a version', path => `GET ${path}`, BROKEN],
  ['refuses another protocol', path => `GET ${path} RTSP/1.0`, BROKEN],
  ['takes the absolute form of a target', path => `GET http://127.0.0.1${path} HTTP/1.1`, OPENS],
  ['takes the absolute form with the scheme ws', path => `GET ws://127.0.0.1${path} HTTP/1.1`, OPENS],
  ['answers 404 for another path', path => `GET /other${path} HTTP/1.1`, refused(404, 'wrong_path')],
  [
    'answers 404 for the path in upper case',
    path => `GET ${path.replace('/ws', '/WS')} HTTP/1.1`,
    refused(404, 'wrong_path'),
  ],
  [
    'answers 404 for a slash behind the path',
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
  [
    'takes a path that is escaped without need',
    path => `GET ${path.replace('/ws', '/%77s')} HTTP/1.1`,
    OPENS,
  ],
])

const MANY = 'x'.repeat(1_000)

const others: RequestCase[] = [
  ...table('RFC 9110 §5', [
    [
      'ignores headers that it does not know',
      { extra: 'X-Unknown: 1' },
      { kind: 'opens', headers: { 'x-unknown': '1' } },
    ],
    [
      'joins a header that came twice',
      { extra: ['X-Twice: 1', 'X-Twice: 2'] },
      { kind: 'opens', headers: { 'x-twice': '1, 2' } },
    ],
    [
      'takes bytes above 7F in a value',
      { extra: 'X-Latin: \u00e9' },
      { kind: 'opens', headers: { 'x-latin': '\u00e9' } },
    ],
    [
      'takes 10,000 bytes of headers',
      { extra: Array.from({ length: 10 }, (_, n) => `X-${n}: ${MANY}`) },
      OPENS,
    ],
    ['takes fifty headers', { extra: Array.from({ length: 50 }, (_, n) => `X-${n}: ${n}`) }, OPENS],
    [
      'answers 431 for 20,000 bytes of headers',
      { extra: Array.from({ length: 20 }, (_, n) => `X-${n}: ${MANY}`) },
      refused(431),
    ],
    ['answers 431 for one header of 20,000 bytes', { extra: `X-Long: ${'x'.repeat(20_000)}` }, refused(431)],
    ['answers 431 for a Host of 20,000 bytes', { host: `Host: ${'x'.repeat(20_000)}` }, refused(431)],
    ['takes a body of no bytes', { extra: 'Content-Length: 0' }, OPENS],
    ['answers 400 for a body of three bytes', { extra: 'Content-Length: 3' }, refused(400)],
    ['answers 400 for a body in chunks', { extra: 'Transfer-Encoding: chunked' }, refused(400)],
  ]),
  {
    name: 'answers 431 for a path of 20,000 bytes',
    clause: 'RFC 9112 §3, our choice',
    request: path => request_head({ start: `GET ${path}&${'x'.repeat(20_000)} HTTP/1.1` }),
    answer: refused(431),
  },
  {
    name: 'takes an empty line before the request',
    clause: 'RFC 9112 §2.2',
    request: path => `\r\n${request_head({ start: `GET ${path} HTTP/1.1` })}`,
    answer: OPENS,
  },
  {
    name: 'refuses lines that end without CR',
    clause: 'RFC 9112 §2.2, our choice',
    request: path => request_head({ start: `GET ${path} HTTP/1.1` }).replaceAll('\r\n', '\n'),
    answer: BROKEN,
  },
  {
    name: 'refuses what is no HTTP',
    clause: '§4.2.1',
    request: () => 'hello, is anybody there?\r\n\r\n',
    answer: BROKEN,
  },
  {
    name: 'refuses the beginning of TLS',
    clause: '§4.2.1',
    request: () => '\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03\r\n\r\n',
    answer: BROKEN,
  },
  {
    name: 'refuses the preface of HTTP/2',
    clause: '§4.2.1',
    request: () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    answer: BROKEN,
  },
]

const BEHIND: readonly (readonly [string, Partial<Answer & { kind: 'opens' }>])[] = [
  ['a message', { behind: [text('early')], messages: ['early'] }],
  ['two messages', { behind: [text('early'), text('bird')], messages: ['early', 'bird'] }],
  ['a ping', { behind: [ping('early')] }],
  ['a frame against the rules', { behind: [{ opcode: 3 }], errors: ['protocol_error'] }],
  [
    'a message and a frame against the rules',
    { behind: [text('early'), { opcode: 3 }], messages: ['early'], errors: ['protocol_error'] },
  ],
  ['a message and a Close', { behind: [text('early'), close(1000)], messages: ['early'] }],
]

const pipelined: RequestCase[] = BEHIND.map(([name, answer]) => ({
  name: `takes ${name} that comes behind the request`,
  clause: '§4.1, our choice: a client has to wait for the answer, and we take what did not',
  request: path => request_head({ start: `GET ${path} HTTP/1.1` }),
  answer: { kind: 'opens', ...answer },
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
