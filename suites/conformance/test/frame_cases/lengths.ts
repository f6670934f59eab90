import { hex } from '@bt/test-support/frames'
import { binary, continuation, type Frame, ping, text, utf8 } from '../frame.ts'
import {
  BINARY_DECLINED,
  type Ending,
  type FrameCase,
  PROTOCOL_ERROR,
  STAYS_OPEN,
  TOO_LARGE,
} from '../frame_case.ts'

const MAX_PAYLOAD = 1_000
const DEFAULT_MAX_PAYLOAD = 1_048_576

const boundaries: FrameCase[] = [0, 1, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537].flatMap(
  size => {
    const payload = new Uint8Array(size).fill(0x61)
    const characters = 'a'.repeat(size)
    return [
      {
        name: `accepts a text of ${size} bytes`,
        clause: '§5.2',
        sends: [text(characters)],
        messages: [characters],
        ends: STAYS_OPEN,
      },
      {
        name: `accepts a binary message of ${size} bytes`,
        clause: '§5.2',
        options: { binary: true },
        sends: [binary(payload)],
        messages: [payload],
        ends: STAYS_OPEN,
      },
      {
        name: `accepts a last fragment of ${size} bytes`,
        clause: '§5.4',
        sends: [text('b', { fin: false }), continuation(characters)],
        messages: [`b${characters}`],
        ends: STAYS_OPEN,
      },
    ]
  },
)

/** §5.2: a length must be written in as few bytes as possible. */
const not_minimal: FrameCase[] = (
  [
    [0, 16],
    [0, 64],
    [1, 16],
    [1, 64],
    [125, 16],
    [125, 64],
    [126, 64],
    [65_535, 64],
  ] as const
).map(([size, length_bits]) => ({
  name: `refuses a length of ${size} that is written in ${length_bits} bits`,
  clause: '§5.2',
  sends: [text('a'.repeat(size), { length_bits })],
  ends: PROTOCOL_ERROR,
}))

const limited: FrameCase[] = (
  [
    ['accepts a text of max_payload bytes', [text('a'.repeat(MAX_PAYLOAD))], STAYS_OPEN],
    ['refuses a text of max_payload + 1 bytes', [text('a'.repeat(MAX_PAYLOAD + 1))], TOO_LARGE],
    [
      'accepts fragments of max_payload bytes together',
      [text('a'.repeat(600), { fin: false }), continuation('a'.repeat(400))],
      STAYS_OPEN,
    ],
    [
      'refuses fragments of max_payload + 1 bytes together',
      [text('a'.repeat(600), { fin: false }), continuation('a'.repeat(401))],
      TOO_LARGE,
    ],
    [
      'refuses a first fragment of max_payload + 1 bytes',
      [text('a'.repeat(MAX_PAYLOAD + 1), { fin: false })],
      TOO_LARGE,
    ],
    ['counts bytes, not characters, against max_payload', [text('é'.repeat(MAX_PAYLOAD / 2))], STAYS_OPEN],
    [
      'refuses fewer characters than max_payload in more bytes',
      [text('é'.repeat(MAX_PAYLOAD / 2 + 1))],
      TOO_LARGE,
    ],
  ] as const satisfies readonly (readonly [string, readonly Frame[], Ending])[]
).map(([name, sends, ends]) => ({
  name,
  clause: '§10.4',
  options: { max_payload: MAX_PAYLOAD },
  sends,
  messages:
    ends === STAYS_OPEN
      ? [Buffer.concat(sends.map(frame => frame.payload ?? new Uint8Array())).toString()]
      : [],
  ends,
}))

/** Only the header is sent, because a message that is too large is refused before its payload arrives. */
const announced: FrameCase[] = (
  [
    ['the default max_payload + 1', BigInt(DEFAULT_MAX_PAYLOAD) + 1n],
    ['2^31', 2n ** 31n],
    ['2^32', 2n ** 32n],
    ['2^53 - 1', 2n ** 53n - 1n],
    ['2^53', 2n ** 53n],
    ['2^63 - 1', 2n ** 63n - 1n],
  ] as const
).map(([name, length]) => ({
  name: `refuses a text with a length of ${name} in its header`,
  clause: '§5.2, §10.4',
  sends: [text('', { length })],
  ends: TOO_LARGE,
}))

const negative: FrameCase[] = [2n ** 63n, 2n ** 64n - 1n].map(length => ({
  name: `refuses a length of ${length}, because its highest bit is set`,
  clause: '§5.2',
  sends: [text('', { length })],
  ends: PROTOCOL_ERROR,
}))

export const lengths: readonly FrameCase[] = [
  ...boundaries,
  ...not_minimal,
  ...limited,
  ...announced,
  ...negative,
  {
    name: 'counts bytes per message',
    clause: '§10.4',
    options: { max_payload: 10 },
    sends: [text('0123456789'), text('0123456789'), text('01234', { fin: false }), continuation('56789')],
    messages: ['0123456789', '0123456789', '0123456789'],
    ends: STAYS_OPEN,
  },
  {
    name: 'does not count a ping between fragments as part of the message',
    clause: '§5.4, §10.4',
    options: { max_payload: 10 },
    sends: [text('01234', { fin: false }), ping('between the fragments'), continuation('56789')],
    receives: [{ opcode: 10, payload: utf8('between the fragments') }],
    messages: ['0123456789'],
    ends: STAYS_OPEN,
  },
  {
    name: 'accepts the default max_payload of 1 MiB',
    clause: '§10.4',
    sends: [text('a'.repeat(DEFAULT_MAX_PAYLOAD))],
    messages: ['a'.repeat(DEFAULT_MAX_PAYLOAD)],
    ends: STAYS_OPEN,
  },
  {
    name: 'delivers the messages before one that is too large',
    clause: '§10.4',
    options: { max_payload: 10 },
    sends: [text('before'), text('more than ten bytes'), text('after')],
    messages: ['before'],
    ends: TOO_LARGE,
  },
  {
    name: 'accepts every byte value in a binary message',
    clause: '§5.6',
    options: { binary: true },
    sends: [binary(Uint8Array.from({ length: 256 }, (_, index) => index))],
    messages: [Uint8Array.from({ length: 256 }, (_, index) => index)],
    ends: STAYS_OPEN,
  },
  {
    name: 'closes with 1003 for a binary message if only text is accepted',
    clause: '§7.4.1',
    sends: [binary(hex('00 ff'))],
    ends: BINARY_DECLINED,
  },
  {
    name: 'closes with 1003 for an empty binary message if only text is accepted',
    clause: '§7.4.1',
    sends: [binary(hex(''))],
    ends: BINARY_DECLINED,
  },
]
