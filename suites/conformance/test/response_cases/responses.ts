import type { ClientOptions } from '../client_side.ts'
import { close, ping, text } from '../frame.ts'
import { ACCEPT, type HeaderLines, response_head } from '../handshake.ts'
import { FAILS, OPENS, type Outcome, type ResponseCase, refused } from '../response_case.ts'

type Row = readonly [name: string, changed: HeaderLines, outcome: Outcome]

function table(clause: string, rows: readonly Row[], options: ClientOptions = {}): ResponseCase[] {
  return rows.map(([name, changed, outcome]) => ({
    name,
    clause,
    options,
    response: accept => response_head(accept, changed),
    outcome,
  }))
}

const REASONS: readonly (readonly [number, string])[] = [
  [200, 'OK'],
  [202, 'Accepted'],
  [204, 'No Content'],
  [301, 'Moved Permanently'],
  [302, 'Found'],
  [304, 'Not Modified'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [407, 'Proxy Authentication Required'],
  [426, 'Upgrade Required'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [599, 'Custom'],
]

const statuses: ResponseCase[] = [
  ...REASONS.map(
    ([status, reason]): ResponseCase => ({
      name: `fails on ${status}, and reports it`,
      clause: '§4.1, 1.',
      response: () => `HTTP/1.1 ${status} ${reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      outcome: refused(`${status} ${reason}`),
    }),
  ),
  ...REASONS.map(
    ([status, reason]): ResponseCase => ({
      name: `fails on ${status} with all headers of a 101`,
      clause: '§4.1, 1.',
      response: accept =>
        response_head(accept, { start: `HTTP/1.1 ${status} ${reason}`, length: 'Content-Length: 0' }),
      ends_tcp: true,
      outcome: refused(`${status} ${reason}`),
    }),
  ),
  {
    name: 'reports the body of a refusal',
    clause: '§4.1, 1.',
    response: () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\n\r\nwrong origin',
    outcome: refused('wrong origin'),
  },
  {
    name: 'does not follow a redirect, and reports its target',
    clause: '§4.1, 1., our choice',
    response: () => 'HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:9/other\r\nContent-Length: 0\r\n\r\n',
    outcome: refused('ws://127.0.0.1:9/other'),
  },
  {
    name: 'waits for 101 after 100',
    clause: 'RFC 9110 §15.2',
    response: accept => `HTTP/1.1 100 Continue\r\n\r\n${response_head(accept)}`,
    outcome: OPENS,
  },
  {
    name: 'waits for 101 after 103',
    clause: 'RFC 9110 §15.2',
    response: accept => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${response_head(accept)}`,
    outcome: OPENS,
  },
  {
    name: 'reports a refusal after 100',
    clause: 'RFC 9110 §15.2',
    response: () => 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n',
    outcome: refused('403 Forbidden'),
  },
]

const start_lines = table('§4.1, §4.2.2', [
  ['opens with 101', {}, OPENS],
  ['accepts a reason other than Switching Protocols', { start: 'HTTP/1.1 101 Fine' }, OPENS],
  ['accepts 101 without a reason', { start: 'HTTP/1.1 101 ' }, OPENS],
  ['fails on HTTP/1.0', { start: 'HTTP/1.0 101 Switching Protocols' }, FAILS],
  ['fails on HTTP/2.0', { start: 'HTTP/2.0 101 Switching Protocols' }, FAILS],
  ['fails on another protocol', { start: 'RTSP/1.0 101 Switching Protocols' }, FAILS],
  ['fails on a status of two digits', { start: 'HTTP/1.1 10 Switching Protocols' }, FAILS],
  ['fails on a status of four digits', { start: 'HTTP/1.1 1010 Switching Protocols' }, FAILS],
  ['fails on a status that is not a number', { start: 'HTTP/1.1 abc Switching Protocols' }, FAILS],
])

const upgrades = table('§4.1, 2.', [
  ['accepts Upgrade in upper case', { upgrade: 'UPGRADE: WEBSOCKET' }, OPENS],
  ['accepts Upgrade in mixed case', { upgrade: 'uPgrade: WebSocket' }, OPENS],
  ['fails without Upgrade', { upgrade: undefined }, FAILS],
  ['fails on another Upgrade', { upgrade: 'Upgrade: h2c' }, FAILS],
  ['fails on an empty Upgrade', { upgrade: 'Upgrade:' }, FAILS],
  ['fails on a list in Upgrade', { upgrade: 'Upgrade: websocket, h2c' }, FAILS],
  ['accepts empty elements around the one Upgrade', { upgrade: 'Upgrade: , websocket ,' }, OPENS],
])

const connections = table('§4.1, 3.', [
  ['accepts Connection in upper case', { connection: 'CONNECTION: UPGRADE' }, OPENS],
  ['accepts a list in Connection', { connection: 'Connection: keep-alive, Upgrade' }, OPENS],
  ['accepts empty elements in Connection', { connection: 'Connection: ,keep-alive,, Upgrade ,' }, OPENS],
  ['fails without Connection', { connection: undefined }, FAILS],
  ['fails on a Connection without Upgrade', { connection: 'Connection: keep-alive' }, FAILS],
  ['fails on an empty Connection', { connection: 'Connection:' }, FAILS],
])

const accepts: ResponseCase[] = [
  ...table('§4.1, 4.', [
    ['fails without Sec-WebSocket-Accept', { accept: undefined }, FAILS],
    ['fails on the Accept of another key', { accept: `Sec-WebSocket-Accept: ${ACCEPT}` }, FAILS],
    ['fails on an empty Accept', { accept: 'Sec-WebSocket-Accept:' }, FAILS],
  ]),
  ...(
    [
      ['accepts spaces around the Accept', accept => ` \t ${accept} \t `, OPENS],
      ['fails on an Accept in another case', accept => swap_case(accept), FAILS],
      ['fails on an Accept without its padding', accept => accept.replace('=', ''), FAILS],
      ['fails on an Accept with an extra character', accept => `${accept}=`, FAILS],
      ['fails on an Accept in quotes', accept => `"${accept}"`, FAILS],
    ] as const satisfies readonly (readonly [string, (accept: string) => string, Outcome])[]
  ).map(([name, changed, outcome]) => ({
    name,
    clause: '§4.1, 4.',
    response: (accept: string) => response_head(changed(accept)),
    outcome,
  })),
  {
    name: 'fails on the Accept twice',
    clause: '§11.3.3',
    response: accept => response_head(accept, { again: `Sec-WebSocket-Accept: ${accept}` }),
    outcome: FAILS,
  },
]

function swap_case(accept: string): string {
  return [...accept]
    .map(letter => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()))
    .join('')
}

const unrequested = table('§4.1, 5., 6.', [
  ['fails on a subprotocol if it requested none', { protocol: 'Sec-WebSocket-Protocol: chat' }, FAILS],
  [
    'fails on an extension if it offered none',
    { extensions: 'Sec-WebSocket-Extensions: permessage-deflate' },
    FAILS,
  ],
  [
    'fails on an unknown extension if it offered none',
    { extensions: 'Sec-WebSocket-Extensions: x-unknown' },
    FAILS,
  ],
  ['ignores a version in the response', { version: 'Sec-WebSocket-Version: 13' }, OPENS],
  ['ignores unknown headers', { extra: 'X-Unknown: 1' }, OPENS],
  ['accepts a hundred headers', { extra: Array.from({ length: 100 }, (_, n) => `X-${n}: ${n}`) }, OPENS],
  [
    'fails on 20,000 bytes of headers',
    { extra: Array.from({ length: 20 }, (_, n) => `X-${n}: ${'x'.repeat(1_000)}`) },
    FAILS,
  ],
  ['fails on a header without a colon', { extra: 'X-No-Colon' }, FAILS],
  ['fails on a folded header', { extra: ['X-Folded: a', ' b'] }, FAILS],
])

const subprotocols = table(
  '§4.1, 6., §4.2.2, 5.',
  [
    [
      'accepts the first subprotocol that it requested',
      { protocol: 'Sec-WebSocket-Protocol: chat' },
      { kind: 'opens', protocol: 'chat' },
    ],
    [
      'accepts the second subprotocol that it requested',
      { protocol: 'Sec-WebSocket-Protocol: talk' },
      { kind: 'opens', protocol: 'talk' },
    ],
    ['fails on a subprotocol that it did not request', { protocol: 'Sec-WebSocket-Protocol: shout' }, FAILS],
    ['fails on two subprotocols', { protocol: 'Sec-WebSocket-Protocol: chat, talk' }, FAILS],
    [
      'fails on a subprotocol twice',
      { protocol: ['Sec-WebSocket-Protocol: chat', 'Sec-WebSocket-Protocol: chat'] },
      FAILS,
    ],
    ['fails on a subprotocol in another case', { protocol: 'Sec-WebSocket-Protocol: CHAT' }, FAILS],
    ['fails on an empty subprotocol', { protocol: 'Sec-WebSocket-Protocol:' }, FAILS],
    ['fails without a subprotocol if it requested one, as browsers do, our choice', {}, FAILS],
  ],
  { protocols: ['chat', 'talk'] },
)

const PMD = 'Sec-WebSocket-Extensions: permessage-deflate'

const extensions = table(
  'RFC 7692 §5.1, §7; RFC 6455 §9.1',
  [
    ['opens if the server accepts no extension', {}, OPENS],
    ['accepts permessage-deflate', { extensions: PMD }, OPENS],
    ['accepts server_no_context_takeover', { extensions: `${PMD}; server_no_context_takeover` }, OPENS],
    ['accepts client_no_context_takeover', { extensions: `${PMD}; client_no_context_takeover` }, OPENS],
    ['accepts server_max_window_bits=8', { extensions: `${PMD}; server_max_window_bits=8` }, OPENS],
    ['accepts server_max_window_bits=15', { extensions: `${PMD}; server_max_window_bits=15` }, OPENS],
    ['accepts client_max_window_bits=8', { extensions: `${PMD}; client_max_window_bits=8` }, OPENS],
    ['accepts client_max_window_bits=15', { extensions: `${PMD}; client_max_window_bits=15` }, OPENS],
    ['accepts a value in quotes', { extensions: `${PMD}; client_max_window_bits="10"` }, OPENS],
    ['accepts an escaped value', { extensions: `${PMD}; client_max_window_bits="1\\0"` }, OPENS],
    ['accepts spaces around an equals sign', { extensions: `${PMD}; client_max_window_bits = 10` }, OPENS],
    ['accepts a comma at the end', { extensions: `${PMD},` }, OPENS],
    ['accepts an empty header beside another', { extensions: ['Sec-WebSocket-Extensions:', PMD] }, OPENS],
    ['fails on an unknown parameter', { extensions: `${PMD}; unknown` }, FAILS],
    [
      'fails on server_no_context_takeover with a value',
      { extensions: `${PMD}; server_no_context_takeover=1` },
      FAILS,
    ],
    [
      'fails on client_no_context_takeover with a value',
      { extensions: `${PMD}; client_no_context_takeover=1` },
      FAILS,
    ],
    [
      'fails on server_max_window_bits without a value',
      { extensions: `${PMD}; server_max_window_bits` },
      FAILS,
    ],
    [
      'fails on client_max_window_bits without a value',
      { extensions: `${PMD}; client_max_window_bits` },
      FAILS,
    ],
    ...['7', '16', '0', '-8', '08', '8.0', '1e1', '0xa', 'ten'].flatMap((bits): Row[] => [
      [
        `fails on server_max_window_bits=${bits}`,
        { extensions: `${PMD}; server_max_window_bits=${bits}` },
        FAILS,
      ],
      [
        `fails on client_max_window_bits=${bits}`,
        { extensions: `${PMD}; client_max_window_bits=${bits}` },
        FAILS,
      ],
    ]),
    [
      'fails on a parameter twice',
      { extensions: `${PMD}; server_max_window_bits=10; server_max_window_bits=10` },
      FAILS,
    ],
    ['fails on permessage-deflate twice', { extensions: `${PMD}, permessage-deflate` }, FAILS],
    ['fails on permessage-deflate in two headers', { extensions: [PMD, PMD] }, FAILS],
    ['fails on another extension next to it', { extensions: `${PMD}, x-unknown` }, FAILS],
    ['fails on another extension', { extensions: 'Sec-WebSocket-Extensions: x-unknown' }, FAILS],
    ['fails on an empty header', { extensions: 'Sec-WebSocket-Extensions:' }, FAILS],
    ['fails on invalid syntax', { extensions: `${PMD};` }, FAILS],
  ],
  { compression: true },
)

const not_http: ResponseCase[] = (
  [
    ['bytes that are not HTTP', 'hello, are you there?\r\n\r\n', false],
    ['zero bytes', '\0'.repeat(100), false],
    ['the beginning of TLS', '\x15\x03\x01\x00\x02\x02\x46', false],
    ['frames without a head', '\x81\x05hello', false],
    ['nothing, and the end of TCP', '', true],
    ['half a start line, and the end of TCP', 'HTTP/1.1 1', true],
    ['half a head, and the end of TCP', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: webs', true],
    [
      'a head without its last line, and the end of TCP',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n',
      true,
    ],
  ] as const
).map(([name, response, ends_tcp]) => ({
  name: `fails on ${name}`,
  clause: '§4.1',
  response: () => response,
  ends_tcp,
  outcome: FAILS,
}))

const same_segment: ResponseCase[] = (
  [
    ['a message', [text('early')], { kind: 'opens', messages: ['early'] }],
    ['two messages', [text('early'), text('bird')], { kind: 'opens', messages: ['early', 'bird'] }],
    ['a ping and a message', [ping('p'), text('early')], { kind: 'opens', messages: ['early'] }],
    ['a message and a Close', [text('early'), close(1000)], { kind: 'opens', messages: ['early'] }],
    ['a Close', [close(1000)], { kind: 'opens' }],
    ['an invalid frame', [{ opcode: 3 }], { kind: 'opens', errors: ['protocol_error'] }],
    [
      'a message and a masked one',
      [text('early'), text('b', { mask: 'wrong' })],
      { kind: 'opens', messages: ['early'], errors: ['protocol_error'] },
    ],
  ] as const satisfies readonly (readonly [string, ResponseCase['followed_by'], Outcome])[]
).map(([name, followed_by, outcome]) => ({
  name: `accepts ${name} in the same segment as the response`,
  clause: '§4.1, §5.1',
  response: accept => response_head(accept),
  followed_by,
  outcome,
}))

export const response_cases: readonly ResponseCase[] = [
  ...statuses,
  ...start_lines,
  ...upgrades,
  ...connections,
  ...accepts,
  ...unrequested,
  ...subprotocols,
  ...extensions,
  ...not_http,
  ...same_segment,
]
