import { OPCODE } from '@bt/test-support/frames'
import { binary, close, continuation, fragments, ping, pong, text, utf8 } from '../frame.ts'
import {
  BINARY_DECLINED,
  type FrameCase,
  LOST,
  PROTOCOL_ERROR,
  peer_closed,
  STAYS_OPEN,
  TOO_MANY_FRAGMENTS,
} from '../frame_case.ts'

const { TEXT, BINARY } = OPCODE

const valid: FrameCase[] = [
  ['one fragment', ['whole']],
  ['two fragments', ['first ', 'second']],
  ['three fragments', ['first ', 'second ', 'third']],
  ['a fragment for each character', [...'letters']],
  ['an empty first fragment', ['', 'second']],
  ['an empty last fragment', ['first', '']],
  ['an empty fragment in the middle', ['first', '', 'third']],
  ['two empty fragments', ['', '']],
  ['five empty fragments', ['', '', '', '', '']],
].flatMap(([name, parts]) => {
  const pieces = parts as string[]
  return [
    {
      name: `assembles a text from ${name}`,
      clause: '§5.4',
      sends: fragments(TEXT, ...pieces),
      messages: [pieces.join('')],
      ends: STAYS_OPEN,
    },
    {
      name: `assembles a binary message from ${name}`,
      clause: '§5.4',
      options: { binary: true },
      sends: fragments(BINARY, ...pieces),
      messages: [utf8(pieces.join(''))],
      ends: STAYS_OPEN,
    },
  ]
})

const too_many: FrameCase[] = [
  {
    name: 'accepts max_fragments fragments',
    clause: '§5.4, §10.4',
    options: { max_fragments: 3 },
    sends: fragments(TEXT, 'a', 'b', 'c'),
    messages: ['abc'],
    ends: STAYS_OPEN,
  },
  {
    name: 'refuses max_fragments + 1 fragments with 1008',
    clause: '§5.4, §10.4',
    options: { max_fragments: 3 },
    sends: fragments(TEXT, 'a', 'b', 'c', 'd'),
    ends: TOO_MANY_FRAGMENTS,
  },
  {
    name: 'counts empty fragments against max_fragments',
    clause: '§5.4, §10.4',
    options: { max_fragments: 3 },
    sends: fragments(TEXT, '', '', '', ''),
    ends: TOO_MANY_FRAGMENTS,
  },
  {
    name: 'counts fragments per message, without control frames',
    clause: '§5.4, §10.4',
    options: { max_fragments: 2 },
    sends: [
      ...fragments(TEXT, 'a', 'b'),
      text('c', { fin: false }),
      pong(),
      pong(),
      pong(),
      continuation('d'),
      text('e'),
    ],
    messages: ['ab', 'cd', 'e'],
    ends: STAYS_OPEN,
  },
]

const between: FrameCase[] = [
  {
    name: 'answers a ping between two fragments',
    clause: '§5.4',
    sends: [text('a', { fin: false }), ping('now'), continuation('b')],
    receives: [pong('now')],
    messages: ['ab'],
    ends: STAYS_OPEN,
  },
  {
    name: 'answers pings between five fragments, in order',
    clause: '§5.4',
    sends: [...'abcd']
      .flatMap((letter, index) => [
        index === 0 ? text(letter, { fin: false }) : continuation(letter, { fin: false }),
        ping(letter),
      ])
      .concat(continuation('e')),
    receives: [...'abcd'].map(letter => pong(letter)),
    messages: ['abcde'],
    ends: STAYS_OPEN,
  },
  {
    name: 'ignores a pong between two fragments',
    clause: '§5.4, §5.5.3',
    sends: [text('a', { fin: false }), pong('unsolicited'), continuation('b')],
    messages: ['ab'],
    ends: STAYS_OPEN,
  },
  {
    name: 'does not mix a ping of 125 bytes with the message around it',
    clause: '§5.4',
    sends: [text('a', { fin: false }), ping('p'.repeat(125)), continuation('b')],
    receives: [pong('p'.repeat(125))],
    messages: ['ab'],
    ends: STAYS_OPEN,
  },
  {
    name: 'obeys a Close between two fragments, and drops the message',
    clause: '§5.4, §5.5.1',
    sends: [text('a', { fin: false }), close(1000), continuation('b')],
    ends: peer_closed(1000),
  },
  {
    name: 'obeys a Close after an unfinished binary message, if only text is accepted',
    clause: '§5.4, §5.5.1',
    sends: [binary(utf8('a'), { fin: false }), close(4000, 'enough')],
    ends: peer_closed(4000, 'enough'),
  },
  {
    name: 'drops an unfinished message when TCP ends',
    clause: '§5.4, §7.1.5',
    sends: [text('a', { fin: false })],
    ends: LOST,
  },
]

const out_of_order: FrameCase[] = [
  ['a continuation of nothing', [continuation('a')]],
  ['an empty continuation of nothing', [continuation('')]],
  ['a continuation of nothing without FIN', [continuation('a', { fin: false })]],
  ['a text within a fragmented text', [text('a', { fin: false }), text('b')]],
  ['a fragmented text within a fragmented text', [text('a', { fin: false }), text('b', { fin: false })]],
  ['a binary frame within a fragmented text', [text('a', { fin: false }), binary(utf8('b'))]],
  ['a text within a fragmented binary message', [binary(utf8('a'), { fin: false }), text('b')]],
  ['a text within a fragmented text, after a pong', [text('a', { fin: false }), pong(), text('b')]],
].map(([name, sends]) => ({
  name: `refuses ${name}`,
  clause: '§5.4',
  options: { binary: true },
  sends: sends as FrameCase['sends'],
  ends: PROTOCOL_ERROR,
}))

export const fragmentation: readonly FrameCase[] = [
  ...valid,
  ...too_many,
  ...between,
  ...out_of_order,
  {
    name: 'delivers a fragmented message, then refuses one more continuation',
    clause: '§5.4',
    sends: [...fragments(TEXT, 'a', 'b'), continuation('c')],
    messages: ['ab'],
    ends: PROTOCOL_ERROR,
  },
  {
    name: 'delivers two fragmented messages in a row',
    clause: '§5.4',
    options: { binary: true },
    sends: [...fragments(TEXT, 'a', 'b'), ...fragments(BINARY, 'c', 'd')],
    messages: ['ab', utf8('cd')],
    ends: STAYS_OPEN,
  },
  {
    name: 'closes with 1003 for a fragmented binary message if only text is accepted',
    clause: '§7.4.1',
    sends: fragments(BINARY, 'a', 'b'),
    ends: BINARY_DECLINED,
  },
]
