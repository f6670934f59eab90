import { request_head } from '../handshake.ts'
import { type ExpectedResponse, OPENS, type RequestCase, refused } from '../request_case.ts'

const BROKEN = refused(400)

const PROTOCOLS: readonly (readonly [
  string,
  readonly string[],
  string | readonly string[] | undefined,
  ExpectedResponse,
])[] = [
  ['selects no subprotocol if none is offered', ['chat'], undefined, OPENS],
  ['selects no subprotocol if it supports none', [], 'chat', OPENS],
  ['selects the one that both support', ['chat'], 'chat', { kind: 'opens', protocol: 'chat' }],
  ['selects none if they support different ones', ['chat'], 'talk', OPENS],
  ['selects the first of its own that is offered', ['b', 'a'], 'a, b', { kind: 'opens', protocol: 'b' }],
  ['reads a list without spaces', ['b'], 'a,b,c', { kind: 'opens', protocol: 'b' }],
  ['reads a list with extra spaces', ['b'], 'a ,\t b , c', { kind: 'opens', protocol: 'b' }],
  ['reads a list from two headers', ['b'], ['a', 'b'], { kind: 'opens', protocol: 'b' }],
  ['distinguishes CHAT from chat', ['chat'], 'CHAT', OPENS],
  [
    'accepts every character of a token',
    ["v1.2!#$%&'*+-^_`|~"],
    "v1.2!#$%&'*+-^_`|~",
    { kind: 'opens', protocol: "v1.2!#$%&'*+-^_`|~" },
  ],
  ['refuses a name twice', ['chat'], 'chat, chat', BROKEN],
  ['refuses a name in quotes', ['chat'], '"chat"', BROKEN],
  ['refuses a name with a space', ['chat'], 'chat room', BROKEN],
  ['refuses a name with a slash', ['chat'], 'chat/1', BROKEN],
  ['refuses an empty list', ['chat'], '', BROKEN],
  ['refuses a list of commas only', ['chat'], ', ,', BROKEN],
  ['refuses a name twice with an empty element between', ['chat'], 'chat,,chat', BROKEN],
  ['ignores an empty element in a list', ['chat'], 'other,, chat', { kind: 'opens', protocol: 'chat' }],
  ['ignores a comma at the end of a list', ['chat'], 'chat,', { kind: 'opens', protocol: 'chat' }],
  ['ignores a comma at the start of a list', ['chat'], ' , chat', { kind: 'opens', protocol: 'chat' }],
  ['ignores an empty header beside another', ['chat'], ['', 'chat'], { kind: 'opens', protocol: 'chat' }],
]

const protocol_cases: RequestCase[] = PROTOCOLS.map(([name, protocols, offered, response]) => ({
  name,
  clause: '§4.1, 10., §4.2.2, 5., RFC 2616 §2.1',
  options: { protocols: [...protocols] },
  request: path =>
    request_head({
      start: `GET ${path} HTTP/1.1`,
      protocols: [offered ?? []].flat().map(line => `Sec-WebSocket-Protocol: ${line}`),
    }),
  response,
}))

const PMD = 'permessage-deflate'

/** Returns a response without context takeover, which we never negotiate (RFC 7692 §7.1.1). */
function negotiates(...more: readonly string[]): ExpectedResponse {
  const parameters = ['server_no_context_takeover', 'client_no_context_takeover', ...more]
  return { kind: 'opens', extensions: [PMD, ...parameters].join('; ') }
}

const OFFERS: readonly (readonly [string, string | readonly string[] | undefined, ExpectedResponse])[] = [
  ['negotiates no extension if none is offered', undefined, OPENS],
  ['negotiates permessage-deflate', PMD, negotiates()],
  ['negotiates server_no_context_takeover', `${PMD}; server_no_context_takeover`, negotiates()],
  ['negotiates client_no_context_takeover', `${PMD}; client_no_context_takeover`, negotiates()],
  ['negotiates both', `${PMD}; server_no_context_takeover; client_no_context_takeover`, negotiates()],
  [
    'negotiates client_max_window_bits without a value, and does not use it',
    `${PMD}; client_max_window_bits`,
    negotiates(),
  ],
  ...[8, 9, 10, 14, 15].map(
    bits =>
      [
        `negotiates client_max_window_bits=${bits}`,
        `${PMD}; client_max_window_bits=${bits}`,
        negotiates(`client_max_window_bits=${bits}`),
      ] as const,
  ),
  ...[8, 9, 10, 14, 15].map(
    bits =>
      [
        `negotiates server_max_window_bits=${bits}`,
        `${PMD}; server_max_window_bits=${bits}`,
        negotiates(`server_max_window_bits=${bits}`),
      ] as const,
  ),
  ['reads a value in quotes', `${PMD}; server_max_window_bits="10"`, negotiates('server_max_window_bits=10')],
  [
    'reads an escaped value',
    `${PMD}; server_max_window_bits="1\\0"`,
    negotiates('server_max_window_bits=10'),
  ],
  [
    'ignores spaces around an equals sign',
    `${PMD} ; server_max_window_bits =\t10`,
    negotiates('server_max_window_bits=10'),
  ],
  ['ignores a comma at the end of a list', `${PMD},`, negotiates()],
  ['ignores a comma at the start of a list', `, ${PMD}`, negotiates()],
  ['ignores empty elements in a list', `x-unknown,, ,${PMD}`, negotiates()],
  ['ignores an empty header beside another', ['', PMD], negotiates()],
  [
    'reads an offer without spaces',
    `${PMD};server_max_window_bits=10`,
    negotiates('server_max_window_bits=10'),
  ],
  ['negotiates no unknown extension', 'x-unknown', OPENS],
  ['ignores an unknown extension', `x-unknown; a=1; b, ${PMD}`, negotiates()],
  [
    'ignores permessage-bzip2 and x-webkit-deflate-frame',
    `permessage-bzip2, x-webkit-deflate-frame, ${PMD}`,
    negotiates(),
  ],
  ['reads offers from two headers', ['x-unknown', PMD], negotiates()],
  [
    'accepts the first of two offers',
    `${PMD}; server_max_window_bits=10, ${PMD}`,
    negotiates('server_max_window_bits=10'),
  ],
  ['declines an unknown parameter', `${PMD}; unknown`, OPENS],
  ['declines an unknown parameter, and accepts the next offer', `${PMD}; unknown=1, ${PMD}`, negotiates()],
  ['declines server_no_context_takeover with a value', `${PMD}; server_no_context_takeover=1`, OPENS],
  ['declines client_no_context_takeover with a value', `${PMD}; client_no_context_takeover=true`, OPENS],
  ['declines server_max_window_bits without a value', `${PMD}; server_max_window_bits`, OPENS],
  ...['7', '16', '0', '-8', '08', '8.0', '1e1', '0xa', 'ten'].flatMap(value => [
    [`declines server_max_window_bits=${value}`, `${PMD}; server_max_window_bits=${value}`, OPENS] as const,
    [`declines client_max_window_bits=${value}`, `${PMD}; client_max_window_bits=${value}`, OPENS] as const,
  ]),
  ['declines a duplicate parameter', `${PMD}; server_max_window_bits=10; server_max_window_bits=10`, OPENS],
  [
    'declines two broken offers, and accepts the third',
    `${PMD}; a, ${PMD}; server_max_window_bits=7, ${PMD}`,
    negotiates(),
  ],
  ['distinguishes Permessage-Deflate from permessage-deflate', 'Permessage-Deflate', OPENS],
  ['refuses a list with invalid syntax', `${PMD};`, BROKEN],
  ['refuses an empty parameter', `${PMD};;server_no_context_takeover`, BROKEN],
  ['refuses a parameter without a name', `${PMD}; =10`, BROKEN],
  ['refuses a value with an unclosed quote', `${PMD}; server_max_window_bits="10`, BROKEN],
  ['refuses an empty header', '', BROKEN],
  ['refuses a list of commas only', ', ,', BROKEN],
]

const offer_cases: RequestCase[] = OFFERS.map(([name, offered, response]) => ({
  name,
  clause: 'RFC 7692 §5, §7; RFC 6455 §9.1, RFC 2616 §2.1',
  options: { compression: true },
  request: path =>
    request_head({
      start: `GET ${path} HTTP/1.1`,
      extensions: [offered ?? []].flat().map(line => `Sec-WebSocket-Extensions: ${line}`),
    }),
  response,
}))

export const extension_cases: readonly RequestCase[] = [
  ...protocol_cases,
  ...offer_cases,
  {
    name: 'negotiates no extension without the option compression',
    clause: 'RFC 6455 §9.1',
    request: path =>
      request_head({ start: `GET ${path} HTTP/1.1`, extensions: `Sec-WebSocket-Extensions: ${PMD}` }),
    response: OPENS,
  },
]
