import { binary, text, utf8 } from '../frame.ts'
import { type FrameCase, STAYS_OPEN } from '../frame_case.ts'

/** Messages of the user. `check_frames` also checks the length and the mask of every frame. */
export const sending: readonly FrameCase[] = [
  ...[0, 1, 125, 126, 127, 65_535, 65_536, 300_000].flatMap((size): FrameCase[] => {
    const payload = new Uint8Array(size).map((_, index) => index % 251)
    return [
      {
        name: `sends a text of ${size} bytes`,
        clause: '§5.2, §6.1',
        sends: [],
        user_sends: ['a'.repeat(size)],
        receives: [text('a'.repeat(size))],
        ends: STAYS_OPEN,
      },
      {
        name: `sends a binary message of ${size} bytes, even without the option binary`,
        clause: '§5.2, §6.1',
        sends: [],
        user_sends: [payload],
        receives: [binary(payload)],
        ends: STAYS_OPEN,
      },
    ]
  }),
  {
    name: 'sends characters of every length as UTF-8',
    clause: '§5.6, §8.1',
    sends: [],
    user_sends: ['aé中\u{1f600}'],
    receives: [text(utf8('aé中\u{1f600}'))],
    ends: STAYS_OPEN,
  },
  {
    name: 'sends a lone surrogate as U+FFFD, so that the text is UTF-8',
    clause: '§8.1, our choice',
    sends: [],
    user_sends: ['a\ud83db'],
    receives: [text('a\ufffdb')],
    ends: STAYS_OPEN,
  },
  {
    name: 'sends messages in the order of the calls',
    clause: '§6.1',
    sends: [],
    user_sends: ['one', utf8('two'), 'three', ''],
    receives: [text('one'), binary(utf8('two')), text('three'), text('')],
    ends: STAYS_OPEN,
  },
]
