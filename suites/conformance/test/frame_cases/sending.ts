import { binary, text, utf8 } from '../frame.ts'
import { type FrameCase, LIVES_ON } from '../frame_case.ts'

/** What comes out: whole frames, lengths as short as they go, masked by the client alone. The runners look at that in every frame. */
export const sending: readonly FrameCase[] = [
  ...[0, 1, 125, 126, 127, 65_535, 65_536, 300_000].flatMap((size): FrameCase[] => {
    const payload = new Uint8Array(size).map((_, index) => index % 251)
    return [
      {
        name: `sends a text of ${size} bytes`,
        clause: '§5.2, §6.1',
        sends: [],
        user_sends: ['a'.repeat(size)],
        seen: [text('a'.repeat(size))],
        ends: LIVES_ON,
      },
      {
        name: `sends a binary message of ${size} bytes, though it takes none`,
        clause: '§5.2, §6.1',
        sends: [],
        user_sends: [payload],
        seen: [binary(payload)],
        ends: LIVES_ON,
      },
    ]
  }),
  {
    name: 'sends letters of every length as UTF-8',
    clause: '§5.6, §8.1',
    sends: [],
    user_sends: ['aé中\u{1f600}'],
    seen: [text(utf8('aé中\u{1f600}'))],
    ends: LIVES_ON,
  },
  {
    name: 'sends half a surrogate pair as U+FFFD, never as what is not UTF-8',
    clause: '§8.1, our choice',
    sends: [],
    user_sends: ['a\ud83db'],
    seen: [text('a\ufffdb')],
    ends: LIVES_ON,
  },
  {
    name: 'sends messages in the order of the calls',
    clause: '§6.1',
    sends: [],
    user_sends: ['one', utf8('two'), 'three', ''],
    seen: [text('one'), binary(utf8('two')), text('three'), text('')],
    ends: LIVES_ON,
  },
]
