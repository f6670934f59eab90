import { hex, OPCODE } from '@bt/test-support/frames'
import { continuation, fragments, ping, pong, text } from '../frame.ts'
import { type FrameCase, INVALID_UTF8, STAYS_OPEN } from '../frame_case.ts'

/** Valid UTF-8 (RFC 3629). */
const VALID: readonly (readonly [string, string])[] = [
  ['U+0000', '00'],
  ['U+007F, the last of one byte', '7f'],
  ['U+0080, the first of two bytes', 'c2 80'],
  ['U+07FF, the last of two bytes', 'df bf'],
  ['U+0800, the first of three bytes', 'e0 a0 80'],
  ['U+D7FF, the last before the surrogates', 'ed 9f bf'],
  ['U+E000, the first after the surrogates', 'ee 80 80'],
  ['U+FEFF at the start, which is kept', 'ef bb bf 61'],
  ['U+FFFD', 'ef bf bd'],
  ['U+FFFE, a noncharacter', 'ef bf be'],
  ['U+FFFF, the last of three bytes', 'ef bf bf'],
  ['U+10000, the first of four bytes', 'f0 90 80 80'],
  ['U+1F600', 'f0 9f 98 80'],
  ['U+10FFFF, the last code point', 'f4 8f bf bf'],
  ['Greek with a character of three bytes', 'ce ba e1 bd b9 cf 83 ce bc ce b5'],
  ['characters of all lengths', '61 c3 a9 e4 b8 ad f0 9f 98 80'],
  ['combining marks, not composed', '65 cc 81'],
  ['thirty-two bytes of two-byte characters', 'c3 a9 '.repeat(16)],
]

/** Invalid UTF-8 (RFC 3629 §3, §4). */
const INVALID: readonly (readonly [string, string])[] = [
  ['a continuation byte alone', '80'],
  ['the last continuation byte alone', 'bf'],
  ['two continuation bytes alone', '80 bf'],
  ['a continuation byte after a letter', '61 80'],
  ['a two-byte sequence without its end', 'c3'],
  ['a three-byte sequence without its end', 'e4 b8'],
  ['only the first byte of a three-byte sequence', 'e4'],
  ['a four-byte sequence without its end', 'f0 9f 98'],
  ['only two bytes of a four-byte sequence', 'f0 9f'],
  ['a two-byte sequence whose second byte is a letter', 'c3 28'],
  ['a three-byte sequence whose second byte is a letter', 'e4 28 ad'],
  ['a three-byte sequence whose third byte is a letter', 'e4 b8 28'],
  ['a four-byte sequence whose second byte is a letter', 'f0 28 98 80'],
  ['a four-byte sequence whose third byte is a letter', 'f0 9f 28 80'],
  ['a four-byte sequence whose fourth byte is a letter', 'f0 9f 98 28'],
  ['a slash in two bytes', 'c0 af'],
  ['U+0000 in two bytes', 'c0 80'],
  ['U+007F in two bytes', 'c1 bf'],
  ['U+0000 in three bytes', 'e0 80 80'],
  ['U+07FF in three bytes', 'e0 9f bf'],
  ['U+0000 in four bytes', 'f0 80 80 80'],
  ['U+FFFF in four bytes', 'f0 8f bf bf'],
  ['U+D800, the first surrogate', 'ed a0 80'],
  ['U+DBFF, the last high surrogate', 'ed af bf'],
  ['U+DC00, the first low surrogate', 'ed b0 80'],
  ['U+DFFF, the last surrogate', 'ed bf bf'],
  ['a pair of surrogates', 'ed a0 bd ed b8 80'],
  ['U+110000, the first beyond the last code point', 'f4 90 80 80'],
  ['U+13FFFF', 'f4 bf bf bf'],
  ['U+140000', 'f5 80 80 80'],
  ['a five-byte sequence', 'f8 88 80 80 80'],
  ['a six-byte sequence', 'fc 84 80 80 80 80'],
  ['the byte FE', 'fe'],
  ['the byte FF', 'ff'],
  ['Greek, then a surrogate, then letters', 'ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64'],
  ['more than thirty-two bytes, the last of which is invalid', `${'c3 a9 '.repeat(16)}ff`],
  ['more than thirty-two bytes, the first of which is invalid', `ff ${'c3 a9 '.repeat(16)}`],
]

/** Returns all ways to cut a payload in two. */
function cuts(payload: Uint8Array): (readonly [Uint8Array, Uint8Array])[] {
  return Array.from({ length: payload.length - 1 }, (_, index) => [
    payload.subarray(0, index + 1),
    payload.subarray(index + 1),
  ])
}

const whole: FrameCase[] = VALID.map(([name, digits]) => ({
  name: `accepts ${name}`,
  clause: '§8.1',
  sends: [text(hex(digits))],
  messages: [Buffer.from(hex(digits)).toString()],
  ends: STAYS_OPEN,
}))

const whole_invalid: FrameCase[] = INVALID.flatMap(([name, digits]) => [
  {
    name: `refuses ${name}`,
    clause: '§8.1',
    sends: [text(hex(digits)), text('after')],
    ends: INVALID_UTF8,
  },
  {
    name: `refuses ${name} in the last of two fragments`,
    clause: '§5.6, §8.1',
    sends: [text('valid so far: ', { fin: false }), continuation(hex(digits))],
    ends: INVALID_UTF8,
  },
])

const cut_between_fragments: FrameCase[] = VALID.filter(([, digits]) => hex(digits).length <= 11).flatMap(
  ([name, digits]) =>
    cuts(hex(digits)).map(([before, after]) => ({
      name: `accepts ${name} in fragments of ${before.length} and ${after.length} bytes`,
      clause: '§5.6: the message must be valid, not each fragment',
      sends: [text(before, { fin: false }), continuation(after)],
      messages: [Buffer.from(hex(digits)).toString()],
      ends: STAYS_OPEN,
    })),
)

const invalid_cut_between_fragments: FrameCase[] = INVALID.filter(
  ([, digits]) => hex(digits).length <= 4,
).flatMap(([name, digits]) =>
  cuts(hex(digits)).map(([before, after]) => ({
    name: `refuses ${name} in fragments of ${before.length} and ${after.length} bytes`,
    clause: '§5.6, §8.1',
    sends: [text(before, { fin: false }), continuation(after)],
    ends: INVALID_UTF8,
  })),
)

export const texts: readonly FrameCase[] = [
  ...whole,
  ...whole_invalid,
  ...cut_between_fragments,
  ...invalid_cut_between_fragments,
  {
    name: 'assembles a character of four bytes from four fragments with pings between them',
    clause: '§5.4, §8.1',
    sends: fragments(OPCODE.TEXT, hex('f0'), hex('9f'), hex('98'), hex('80')).flatMap((frame, index) =>
      index === 3 ? [frame] : [frame, ping(String(index))],
    ),
    receives: [pong('0'), pong('1'), pong('2')],
    messages: ['\u{1f600}'],
    ends: STAYS_OPEN,
  },
  {
    name: 'does not complete a character with the next message',
    clause: '§8.1',
    sends: [text('before'), text(hex('c3')), text(hex('a9'))],
    messages: ['before'],
    ends: INVALID_UTF8,
  },
  {
    name: 'does not check UTF-8 in a binary message',
    clause: '§5.6',
    options: { binary: true },
    sends: [{ opcode: OPCODE.BINARY, payload: hex('ed a0 80 ff') }],
    messages: [hex('ed a0 80 ff')],
    ends: STAYS_OPEN,
  },
]
