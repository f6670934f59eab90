import { binary, close, continued, ping, pong, text, utf8 } from '../frame.ts'
import { type FrameCase, LIVES_ON, PROTOCOL_ERROR, peer_closed } from '../frame_case.ts'

const wrong = { mask: 'wrong' } as const

const refused: FrameCase[] = (
  [
    ['a text', [text('a', wrong)]],
    ['an empty text', [text('', wrong)]],
    ['a text of 126 bytes', [text('a'.repeat(126), wrong)]],
    ['a text of 65536 bytes', [text('a'.repeat(65_536), wrong)]],
    ['a binary frame', [binary(utf8('a'), wrong)]],
    ['a continuation', [text('a', { fin: false }), continued('b', wrong)]],
    ['a ping', [ping('a', wrong)]],
    ['an empty ping', [ping('', wrong)]],
    ['a pong', [pong('a', wrong)]],
    ['a Close', [close(1000, '', wrong)]],
    ['an empty Close', [close(undefined, '', wrong)]],
  ] as const
).flatMap(([name, sends]) =>
  (['server', 'client'] as const).map(side => ({
    name: `refuses ${name} ${side === 'server' ? 'without' : 'with'} a mask`,
    clause:
      side === 'server' ? '§5.1: a server takes nothing unmasked' : '§5.1: a client takes nothing masked',
    side,
    options: { binary: true },
    sends,
    ends: PROTOCOL_ERROR,
  })),
)

export const masks: readonly FrameCase[] = [
  ...refused,
  {
    name: 'takes a text whose mask is zero',
    clause: '§5.3',
    side: 'server',
    sends: [text('as it is', { mask: 'zero_key' })],
    messages: ['as it is'],
    ends: LIVES_ON,
  },
  {
    name: 'takes a ping whose mask is zero',
    clause: '§5.3',
    side: 'server',
    sends: [ping('as it is', { mask: 'zero_key' })],
    seen: [pong('as it is')],
    ends: LIVES_ON,
  },
  {
    name: 'takes a Close whose mask is zero',
    clause: '§5.3',
    side: 'server',
    sends: [close(1000, 'as it is', { mask: 'zero_key' })],
    ends: peer_closed(1000, 'as it is'),
  },
  ...[1, 2, 3, 4, 5, 7, 8, 9, 47, 48, 49].map(
    (size): FrameCase => ({
      name: `takes the mask off ${size} bytes`,
      clause: '§5.3',
      side: 'server',
      options: { binary: true },
      sends: [binary(Uint8Array.from({ length: size }, (_, index) => 255 - index))],
      messages: [Uint8Array.from({ length: size }, (_, index) => 255 - index)],
      ends: LIVES_ON,
    }),
  ),
  {
    name: 'starts the mask anew for each fragment',
    clause: '§5.3',
    side: 'server',
    sends: [text('abc', { fin: false }), continued('defgh', { fin: false }), continued('i')],
    messages: ['abcdefghi'],
    ends: LIVES_ON,
  },
]
