import { binary, close, continuation, ping, pong, text, utf8 } from '../frame.ts'
import { type FrameCase, PROTOCOL_ERROR, peer_closed, STAYS_OPEN } from '../frame_case.ts'

const wrong = { mask: 'wrong' } as const

const refused: FrameCase[] = (
  [
    ['a text', [text('a', wrong)]],
    ['an empty text', [text('', wrong)]],
    ['a text of 126 bytes', [text('a'.repeat(126), wrong)]],
    ['a text of 65536 bytes', [text('a'.repeat(65_536), wrong)]],
    ['a binary frame', [binary(utf8('a'), wrong)]],
    ['a continuation', [text('a', { fin: false }), continuation('b', wrong)]],
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
      side === 'server'
        ? '§5.1: a server accepts no unmasked frame'
        : '§5.1: a client accepts no masked frame',
    side,
    options: { binary: true },
    sends,
    ends: PROTOCOL_ERROR,
  })),
)

export const masks: readonly FrameCase[] = [
  ...refused,
  {
    name: 'accepts a text with a zero mask',
    clause: '§5.3',
    side: 'server',
    sends: [text('unchanged', { mask: 'zero_key' })],
    messages: ['unchanged'],
    ends: STAYS_OPEN,
  },
  {
    name: 'accepts a ping with a zero mask',
    clause: '§5.3',
    side: 'server',
    sends: [ping('unchanged', { mask: 'zero_key' })],
    receives: [pong('unchanged')],
    ends: STAYS_OPEN,
  },
  {
    name: 'accepts a Close with a zero mask',
    clause: '§5.3',
    side: 'server',
    sends: [close(1000, 'unchanged', { mask: 'zero_key' })],
    ends: peer_closed(1000, 'unchanged'),
  },
  ...[1, 2, 3, 4, 5, 7, 8, 9, 47, 48, 49].map(
    (size): FrameCase => ({
      name: `unmasks ${size} bytes`,
      clause: '§5.3',
      side: 'server',
      options: { binary: true },
      sends: [binary(Uint8Array.from({ length: size }, (_, index) => 255 - index))],
      messages: [Uint8Array.from({ length: size }, (_, index) => 255 - index)],
      ends: STAYS_OPEN,
    }),
  ),
  {
    name: 'starts the mask again for each fragment',
    clause: '§5.3',
    side: 'server',
    sends: [text('abc', { fin: false }), continuation('defgh', { fin: false }), continuation('i')],
    messages: ['abcdefghi'],
    ends: STAYS_OPEN,
  },
]
