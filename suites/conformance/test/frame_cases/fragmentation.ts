import { OPCODE } from '@bt/test-support/frames'
import { binary, close, continued, fragments, ping, pong, text, utf8 } from '../frame.ts'
import {
  BINARY_DECLINED,
  type FrameCase,
  LIVES_ON,
  LOST,
  PROTOCOL_ERROR,
  peer_closed,
  TOO_MANY_FRAGMENTS,
} from '../frame_case.ts'

const { TEXT, BINARY } = OPCODE

const in_pieces: FrameCase[] = [
  ['one fragment', ['whole']],
  ['two fragments', ['first ', 'second']],
  ['three fragments', ['first ', 'second ', 'third']],
  ['a fragment for each letter', [...'letters']],
  ['an empty first fragment', ['', 'second']],
  ['an empty last fragment', ['first', '']],
  ['an empty fragment between', ['first', '', 'third']],
  ['nothing but two empty fragments', ['', '']],
  ['nothing but five empty fragments', ['', '', '', '', '']],
].flatMap(([name, parts]) => {
  const pieces = parts as string[]
  return [
    {
      name: `puts a text together from ${name}`,
      clause: '§5.4',
      sends: fragments(TEXT, ...pieces),
      messages: [pieces.join('')],
      ends: LIVES_ON,
    },
    {
      name: `puts a binary message together from ${name}`,
      clause: '§5.4',
      options: { binary: true },
      sends: fragments(BINARY, ...pieces),
      messages: [utf8(pieces.join(''))],
      ends: LIVES_ON,
    },
  ]
})

const too_many: FrameCase[] = [
  {
    name: 'takes max_fragments fragments',
    clause: '§5.4, §10.4',
    options: { max_fragments: 3 },
    sends: fragments(TEXT, 'a', 'b', 'c'),
    messages: ['abc'],
    ends: LIVES_ON,
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
    name: 'counts the fragments of each message for itself, and no control frame',
    clause: '§5.4, §10.4',
    options: { max_fragments: 2 },
    sends: [
      ...fragments(TEXT, 'a', 'b'),
      text('c', { fin: false }),
      pong(),
      pong(),
      pong(),
      continued('d'),
      text('e'),
    ],
    messages: ['ab', 'cd', 'e'],
    ends: LIVES_ON,
  },
]

const between: FrameCase[] = [
  {
    name: 'answers a ping between two fragments',
    clause: '§5.4',
    sends: [text('a', { fin: false }), ping('now'), continued('b')],
    seen: [pong('now')],
    messages: ['ab'],
    ends: LIVES_ON,
  },
  {
    name: 'answers pings between all of five fragments, in order',
    clause: '§5.4',
    sends: [...'abcd']
      .flatMap((letter, index) => [
        index === 0 ? text(letter, { fin: false }) : continued(letter, { fin: false }),
        ping(letter),
      ])
      .concat(continued('e')),
    seen: [...'abcd'].map(letter => pong(letter)),
    messages: ['abcde'],
    ends: LIVES_ON,
  },
  {
    name: 'ignores a pong between two fragments',
    clause: '§5.4, §5.5.3',
    sends: [text('a', { fin: false }), pong('unasked'), continued('b')],
    messages: ['ab'],
    ends: LIVES_ON,
  },
  {
    name: 'keeps a ping of 125 bytes apart from the message around it',
    clause: '§5.4',
    sends: [text('a', { fin: false }), ping('p'.repeat(125)), continued('b')],
    seen: [pong('p'.repeat(125))],
    messages: ['ab'],
    ends: LIVES_ON,
  },
  {
    name: 'obeys a Close between two fragments, and drops the message',
    clause: '§5.4, §5.5.1',
    sends: [text('a', { fin: false }), close(1000), continued('b')],
    ends: peer_closed(1000),
  },
  {
    name: 'obeys a Close behind an unfinished binary message, where only text is taken',
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
  ['a continuation of nothing', [continued('a')]],
  ['an empty continuation of nothing', [continued('')]],
  ['a continuation of nothing that is not the last', [continued('a', { fin: false })]],
  ['a text within a fragmented text', [text('a', { fin: false }), text('b')]],
  ['a fragmented text within a fragmented text', [text('a', { fin: false }), text('b', { fin: false })]],
  ['a binary frame within a fragmented text', [text('a', { fin: false }), binary(utf8('b'))]],
  ['a text within a fragmented binary message', [binary(utf8('a'), { fin: false }), text('b')]],
  ['a text within a fragmented text, behind a pong', [text('a', { fin: false }), pong(), text('b')]],
].map(([name, sends]) => ({
  name: `refuses ${name}`,
  clause: '§5.4',
  options: { binary: true },
  sends: sends as FrameCase['sends'],
  ends: PROTOCOL_ERROR,
}))

export const fragmentation: readonly FrameCase[] = [
  ...in_pieces,
  ...too_many,
  ...between,
  ...out_of_order,
  {
    name: 'delivers a fragmented message, then refuses one more continuation',
    clause: '§5.4',
    sends: [...fragments(TEXT, 'a', 'b'), continued('c')],
    messages: ['ab'],
    ends: PROTOCOL_ERROR,
  },
  {
    name: 'delivers two fragmented messages one behind the other',
    clause: '§5.4',
    options: { binary: true },
    sends: [...fragments(TEXT, 'a', 'b'), ...fragments(BINARY, 'c', 'd')],
    messages: ['ab', utf8('cd')],
    ends: LIVES_ON,
  },
  {
    name: 'closes with 1003 for a fragmented binary message where only text is taken',
    clause: '§7.4.1',
    sends: fragments(BINARY, 'a', 'b'),
    ends: BINARY_DECLINED,
  },
]
