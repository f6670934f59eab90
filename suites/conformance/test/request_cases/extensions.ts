import { request_head } from '../handshake.ts'
import { type Answer, OPENS, type RequestCase, refused } from '../request_case.ts'

const BROKEN = refused(400)

const PROTOCOLS: readonly (readonly [
  string,
  readonly string[],
  string | readonly string[] | undefined,
  Answer,
])[] = [
  ['agrees on no subprotocol where none is offered', ['chat'], undefined, OPENS],
  ['agrees on no subprotocol where it has none', [], 'chat', OPENS],
  ['agrees on the one that both have', ['chat'], 'chat', { kind: 'opens', protocol: 'chat' }],
  ['agrees on none where both have another', ['chat'], 'talk', OPENS],
  ['agrees on the first of its own that is offered', ['b', 'a'], 'a, b', { kind: 'opens', protocol: 'b' }],
  ['reads a list without spaces', ['b'], 'a,b,c', { kind: 'opens', protocol: 'b' }],
  ['reads a list with more spaces', ['b'], 'a ,\t b , c', { kind: 'opens', protocol: 'b' }],
  ['reads a list from two headers', ['b'], ['a', 'b'], { kind: 'opens', protocol: 'b' }],
  ['tells CHAT from chat', ['chat'], 'CHAT', OPENS],
  [
    'takes every character of a token',
    ["v1.2!#$%&'*+-^_`|~"],
    "v1.2!#$%&'*+-^_`|~",
    { kind: 'opens', protocol: "v1.2!#$%&'*+-^_`|~" },
  ],
  ['refuses a name twice', ['chat'], 'chat, chat', BROKEN],
  ['refuses a name in quotes', ['chat'], '"chat"', BROKEN],
  ['refuses a name with a space', ['chat'], 'chat room', BROKEN],
  ['refuses a name with a slash', ['chat'], 'chat/1', BROKEN],
  ['refuses an empty list', ['chat'], '', BROKEN],
  ['refuses a list of nothing but commas', ['chat'], ', ,', BROKEN],
  ['refuses a name twice with an empty place between', ['chat'], 'chat,,chat', BROKEN],
  ['passes over an empty place in a list', ['chat'], 'other,, chat', { kind: 'opens', protocol: 'chat' }],
  ['passes over a comma at the end of a list', ['chat'], 'chat,', { kind: 'opens', protocol: 'chat' }],
  ['passes over a comma at the start of a list', ['chat'], ' , chat', { kind: 'opens', protocol: 'chat' }],
  ['passes over an empty header beside another', ['chat'], ['', 'chat'], { kind: 'opens', protocol: 'chat' }],
]

const protocol_cases: RequestCase[] = PROTOCOLS.map(([name, protocols, offered, answer]) => ({
  name,
  clause: '§4.1, 10., §4.2.2, 5., RFC 2616 §2.1',
  options: { protocols: [...protocols] },
  request: path =>
    request_head({
      start: `GET ${path} HTTP/1.1`,
      protocols: [offered ?? []].flat().map(line => `Sec-WebSocket-Protocol: ${line}`),
    }),
  answer,
}))

const PMD = 'permessage-deflate'

/** Without context takeover on either side: that is what we always agree on (RFC 7692 §7.1.1). */
function agrees(...more: readonly string[]): Answer {
  const parameters = ['server_no_context_takeover', 'client_no_context_takeover', ...more]
  return { kind: 'opens', extensions: [PMD, ...parameters].join('; ') }
}

const OFFERS: readonly (readonly [string, string | readonly string[] | undefined, Answer])[] = [
  ['agrees on nothing where nothing is offered', undefined, OPENS],
  ['agrees on permessage-deflate', PMD, agrees()],
  ['agrees on server_no_context_takeover', `${PMD}; server_no_context_takeover`, agrees()],
  ['agrees on client_no_context_takeover', `${PMD}; client_no_context_takeover`, agrees()],
  ['agrees on both', `${PMD}; server_no_context_takeover; client_no_context_takeover`, agrees()],
  [
    'agrees on client_max_window_bits without a value, and makes no use of it',
    `${PMD}; client_max_window_bits`,
    agrees(),
  ],
  ...[8, 9, 10, 14, 15].map(
    bits =>
      [
        `agrees on client_max_window_bits=${bits}`,
        `${PMD}; client_max_window_bits=${bits}`,
        agrees(`client_max_window_bits=${bits}`),
      ] as const,
  ),
  ...[8, 9, 10, 14, 15].map(
    bits =>
      [
        `agrees on server_max_window_bits=${bits}`,
        `${PMD}; server_max_window_bits=${bits}`,
        agrees(`server_max_window_bits=${bits}`),
      ] as const,
  ),
  ['reads a value in quotes', `${PMD}; server_max_window_bits="10"`, agrees('server_max_window_bits=10')],
  ['reads an escaped value', `${PMD}; server_max_window_bits="1\\0"`, agrees('server_max_window_bits=10')],
  [
    'passes over spaces around an equals sign',
    `${PMD} ; server_max_window_bits =\t10`,
    agrees('server_max_window_bits=10'),
  ],
  ['passes over a comma at the end of a list', `${PMD},`, agrees()],
  ['passes over a comma at the start of a list', `, ${PMD}`, agrees()],
  ['passes over empty places in a list', `x-unknown,, ,${PMD}`, agrees()],
  ['passes over an empty header beside another', ['', PMD], agrees()],
  ['reads an offer without spaces', `${PMD};server_max_window_bits=10`, agrees('server_max_window_bits=10')],
  ['agrees on nothing that it does not know', 'x-unknown', OPENS],
  ['passes over what it does not know', `x-unknown; a=1; b, ${PMD}`, agrees()],
  [
    'passes over permessage-bzip2 and x-webkit-deflate-frame',
    `permessage-bzip2, x-webkit-deflate-frame, ${PMD}`,
    agrees(),
  ],
  ['reads offers from two headers', ['x-unknown', PMD], agrees()],
  [
    'takes the first of two offers',
    `${PMD}; server_max_window_bits=10, ${PMD}`,
    agrees('server_max_window_bits=10'),
  ],
  ['declines an unknown parameter', `${PMD}; unknown`, OPENS],
  ['declines an unknown parameter, and takes the next offer', `${PMD}; unknown=1, ${PMD}`, agrees()],
  ['declines server_no_context_takeover with a value', `${PMD}; server_no_context_takeover=1`, OPENS],
  ['declines client_no_context_takeover with a value', `${PMD}; client_no_context_takeover=true`, OPENS],
  ['declines server_max_window_bits without a value', `${PMD}; server_max_window_bits`, OPENS],
  ...['7', '16', '0', '-8', '08', '8.0', '1e1', '0xa', 'ten'].flatMap(value => [
    [`declines server_max_window_bits=${value}`, `${PMD}; server_max_window_bits=${value}`, OPENS] as const,
    [`declines client_max_window_bits=${value}`, `${PMD}; client_max_window_bits=${value}`, OPENS] as const,
  ]),
  [
    'declines a parameter that is there twice',
    `${PMD}; server_max_window_bits=10; server_max_window_bits=10`,
    OPENS,
  ],
  [
    'declines two broken offers, and takes the third',
    `${PMD}; a, ${PMD}; server_max_window_bits=7, ${PMD}`,
    agrees(),
  ],
  ['tells Permessage-Deflate from permessage-deflate', 'Permessage-Deflate', OPENS],
  ['refuses a list that is against the grammar', `${PMD};`, BROKEN],
  ['refuses an empty parameter', `${PMD};;server_no_context_takeover`, BROKEN],
  ['refuses a parameter without a name', `${PMD}; =10`, BROKEN],
  ['refuses a value in quotes that do not end', `${PMD}; server_max_window_bits="10`, BROKEN],
  ['refuses an empty header', '', BROKEN],
  ['refuses a list of nothing but commas', ', ,', BROKEN],
]

const offer_cases: RequestCase[] = OFFERS.map(([name, offered, answer]) => ({
  name,
  clause: 'RFC 7692 §5, §7; RFC 6455 §9.1, RFC 2616 §2.1',
  options: { compression: true },
  request: path =>
    request_head({
      start: `GET ${path} HTTP/1.1`,
      extensions: [offered ?? []].flat().map(line => `Sec-WebSocket-Extensions: ${line}`),
    }),
  answer,
}))

export const extension_cases: readonly RequestCase[] = [
  ...protocol_cases,
  ...offer_cases,
  {
    name: 'agrees on no extension without the option compression',
    clause: 'RFC 6455 §9.1',
    request: path =>
      request_head({ start: `GET ${path} HTTP/1.1`, extensions: `Sec-WebSocket-Extensions: ${PMD}` }),
    answer: OPENS,
  },
]
