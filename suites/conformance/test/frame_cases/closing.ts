import { hex, OPCODE } from '@bt/test-support/frames'
import { close, ping, pong, text, utf8 } from '../frame.ts'
import { type FrameCase, INVALID_UTF8, LOST, PROTOCOL_ERROR, peer_closed } from '../frame_case.ts'

/** §7.4.1, §7.4.2, and 1012 to 1014 from the IANA registry. */
const VALID_CODES = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4001, 4999,
]
/** Out of range, never sent on the wire, reserved, or not allowed by §7.4.2. */
const INVALID_CODES = [
  0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 32_768, 65_535,
]

/** A reason of 123 bytes, whose last character has two bytes. */
const LONGEST_REASON = `${'r'.repeat(121)}é`

const by_peer: FrameCase[] = [
  ...VALID_CODES.flatMap(code => [
    {
      name: `answers a Close of code ${code} with the same code`,
      clause: '§5.5.1, §7.4',
      sends: [close(code)],
      ends: peer_closed(code),
    },
    {
      name: `reports the reason of a Close of code ${code}`,
      clause: '§7.1.6',
      sends: [close(code, 'as agreed')],
      ends: peer_closed(code, 'as agreed'),
    },
  ]),
  {
    name: 'answers a Close without a code with the same, and reports 1005',
    clause: '§5.5.1, §7.1.5',
    sends: [close()],
    ends: peer_closed(1005),
  },
  {
    name: 'accepts a reason of 123 bytes',
    clause: '§5.5.1',
    sends: [close(1000, LONGEST_REASON)],
    ends: peer_closed(1000, LONGEST_REASON),
  },
  {
    name: 'accepts a reason of one byte',
    clause: '§5.5.1',
    sends: [close(1000, 'r')],
    ends: peer_closed(1000, 'r'),
  },
  {
    name: 'accepts a reason with characters of two, three and four bytes',
    clause: '§5.5.1, §8.1',
    sends: [close(4001, 'é中\u{1f600}')],
    ends: peer_closed(4001, 'é中\u{1f600}'),
  },
]

const refused: FrameCase[] = [
  ...INVALID_CODES.flatMap(code => [
    {
      name: `refuses a Close of code ${code}`,
      clause: '§7.4',
      sends: [close(code)],
      ends: PROTOCOL_ERROR,
    },
    {
      name: `refuses a Close of code ${code} with a reason`,
      clause: '§7.4',
      sends: [close(code, 'as agreed')],
      ends: PROTOCOL_ERROR,
    },
  ]),
  {
    name: 'refuses a Close whose payload is one byte',
    clause: '§5.5.1',
    sends: [{ opcode: OPCODE.CLOSE, payload: Uint8Array.of(3) }],
    ends: PROTOCOL_ERROR,
  },
  {
    name: 'refuses a reason of 124 bytes',
    clause: '§5.5',
    sends: [close(1000, 'r'.repeat(124))],
    ends: PROTOCOL_ERROR,
  },
  ...(
    [
      ['is a continuation byte', '80'],
      ['contains a surrogate', 'ed a0 80'],
      ['is overlong', 'c0 af'],
      ['ends within a character', '61 c3'],
      ['contains the byte FF', '61 ff 62'],
      ['is beyond U+10FFFF', 'f4 90 80 80'],
    ] as const
  ).map(([name, digits]) => ({
    name: `refuses a reason that ${name}`,
    clause: '§5.5.1, §8.1',
    sends: [close(1000, hex(digits))],
    ends: INVALID_UTF8,
  })),
  {
    name: 'refuses a reason of 123 bytes that ends within a character',
    clause: '§5.5.1, §8.1',
    sends: [close(1000, hex(`${'61'.repeat(122)}c3`))],
    ends: INVALID_UTF8,
  },
]

const after_close: FrameCase[] = (
  [
    ['a text', [text('late')]],
    ['a ping', [ping('late')]],
    ['a pong', [pong('late')]],
    ['another Close', [close(1001)]],
    ['a reserved opcode', [{ opcode: 3 }]],
    ['a text that is not UTF-8', [text(hex('ff'))]],
    ['half a frame', [hex('81')]],
    ['bytes that are not frames', [utf8('these are not frames')]],
    ['100,000 bytes', [new Uint8Array(100_000)]],
  ] as const
).map(([name, late]) => ({
  name: `ignores ${name} after a Close`,
  clause: '§5.5.1, §7.1.1',
  sends: [text('before'), close(1000, 'done'), ...late],
  messages: ['before'],
  ends: peer_closed(1000, 'done'),
}))

const without_close: FrameCase[] = [
  ['nothing', [], []],
  ['a message', [text('before')], ['before']],
  ['half a header', [hex('81')], []],
  ['a header without its payload', [text('', { length: 5n })], []],
  ['a message and half a frame', [text('before'), hex('81')], ['before']],
].map(([name, sends, messages]) => ({
  name: `reports 1006 when TCP ends after ${name}`,
  clause: '§7.1.5, §7.4.1',
  sends: sends as FrameCase['sends'],
  messages: messages as string[],
  ends: LOST,
}))

const by_user: FrameCase[] = (
  [
    ['closes with 1000 by default', [], [close(1000)], 1000, '', true],
    ['closes with 1000 and a reason', [1000, 'good bye'], [close(1000, 'good bye')], 1000, 'good bye', true],
    ['closes with 3000', [3000], [close(3000)], 3000, '', true],
    ['closes with 4999 and a reason', [4999, 'é中'], [close(4999, 'é中')], 4999, 'é中', true],
    ['closes with a reason of 123 bytes', [4000, LONGEST_REASON], [close(4000)], 4000, '', true],
    ['reports the code of the reply, if it differs', [4000], [close(4001, 'mine')], 4001, 'mine', true],
    ['reports 1005 if the reply has no code', [4000], [close()], 1005, '', true],
    ['reads and drops messages after its Close', [], [text('late'), close(1000)], 1000, '', true],
    ['does not answer a ping after its Close', [], [ping('late'), close(1000)], 1000, '', true],
    ['reports 1006 if TCP ends without a reply', [], [], 1006, '', false],
  ] as const
).map(([name, args, reply, code, reason, clean]) => ({
  name,
  clause: '§5.5.1, §7.1',
  sends: [],
  ends: { kind: 'user_closed', with: args, reply, code, reason, clean },
}))

export const closing: readonly FrameCase[] = [
  ...by_peer,
  ...refused,
  ...after_close,
  ...without_close,
  ...by_user,
  {
    name: 'answers a ping before a Close, then the Close',
    clause: '§5.5.1, §5.5.2',
    sends: [ping('p'), close(1000)],
    receives: [pong('p')],
    ends: peer_closed(1000),
  },
  {
    name: 'sends the messages of the user, then its Close',
    clause: '§7.1.2',
    sends: [],
    user_sends: ['one', 'two'],
    receives: [text('one'), text('two')],
    ends: { kind: 'user_closed', with: [1000], reply: [close(1000)], code: 1000, reason: '', clean: true },
  },
]
