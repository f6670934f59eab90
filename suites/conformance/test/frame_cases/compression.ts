import { constants, deflateRawSync } from 'node:zlib'
import { hex } from '@bt/test-support/frames'
import { binary, continued, type Frame, ping, pong, text, utf8 } from '../frame.ts'
import {
  DOES_NOT_UNPACK,
  type FrameCase,
  INVALID_UTF8,
  LIVES_ON,
  PROTOCOL_ERROR,
  TOO_LARGE,
} from '../frame_case.ts'

/** RSV1 says that a message is compressed (RFC 7692 §6). */
const COMPRESSED = { rsv: 4 } as const
const HELLO = hex('f2 48 cd c9 c9 07 00')

/** RFC 7692 §7.2.1: deflated up to a byte's border, without the four bytes that end it. */
function packed(data: string | Uint8Array): Uint8Array {
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

/** The examples of RFC 7692 §7.2.3, and other ways to write the same. */
const ways_to_write: FrameCase[] = (
  [
    ['one block with fixed codes', [text(HELLO, COMPRESSED)]],
    [
      'two fragments',
      [text(HELLO.subarray(0, 3), { ...COMPRESSED, fin: false }), continued(HELLO.subarray(3))],
    ],
    [
      'a fragment for each byte',
      [...HELLO].map((byte, index) => {
        const fin = index === HELLO.length - 1
        return index === 0
          ? text(Uint8Array.of(byte), { ...COMPRESSED, fin })
          : continued(Uint8Array.of(byte), { fin })
      }),
    ],
    ['a block that is not compressed', [text(hex('00 05 00 fa ff 48 65 6c 6c 6f 00'), COMPRESSED)]],
    ['a block that says it is the last', [text(hex('f3 48 cd c9 c9 07 00 00'), COMPRESSED)]],
    ['two blocks', [text(hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00'), COMPRESSED)]],
    ['what zlib makes of it', [text(packed('Hello'), COMPRESSED)]],
    ['an empty last fragment', [text(HELLO, { ...COMPRESSED, fin: false }), continued('')]],
    ['an empty first fragment', [text('', { ...COMPRESSED, fin: false }), continued(HELLO)]],
    ['an uncompressed frame', [text('Hello')]],
    ['uncompressed fragments', [text('He', { fin: false }), continued('llo')]],
  ] as const satisfies readonly (readonly [string, readonly Frame[]])[]
).map(([name, sends]) => ({
  name: `unpacks a text from ${name}`,
  clause: 'RFC 7692 §7.2.3',
  options: { compression: true },
  sends,
  messages: ['Hello'],
  ends: LIVES_ON,
}))

const taken: FrameCase[] = [
  {
    name: 'unpacks a binary message',
    options: { compression: true, binary: true },
    sends: [binary(packed(hex('00 ff 00 ff')), COMPRESSED)],
    messages: [hex('00 ff 00 ff')],
  },
  {
    name: 'unpacks an empty message from one byte',
    sends: [text(hex('00'), COMPRESSED)],
    messages: [''],
  },
  {
    name: 'unpacks an empty message from a block that is the last',
    sends: [text(hex('03 00'), COMPRESSED)],
    messages: [''],
  },
  {
    name: 'delivers compressed and uncompressed messages in the order in which they came',
    sends: [text('plain'), text(HELLO, COMPRESSED), text('plain again'), text(HELLO, COMPRESSED)],
    messages: ['plain', 'Hello', 'plain again', 'Hello'],
  },
  {
    name: 'answers a ping between compressed fragments',
    sends: [
      text(HELLO.subarray(0, 3), { ...COMPRESSED, fin: false }),
      ping('p'),
      continued(HELLO.subarray(3)),
    ],
    seen: [pong('p')],
    messages: ['Hello'],
  },
  {
    name: 'unpacks 60,000 bytes from less than a hundred',
    sends: [text(packed('a'.repeat(60_000)), COMPRESSED)],
    messages: ['a'.repeat(60_000)],
  },
  {
    name: 'unpacks max_payload bytes',
    options: { compression: true, max_payload: 10_000 },
    sends: [text(packed('a'.repeat(10_000)), COMPRESSED)],
    messages: ['a'.repeat(10_000)],
  },
  {
    name: 'unpacks letters that are cut between fragments',
    sends: [
      text(packed(utf8('中文')).subarray(0, 4), { ...COMPRESSED, fin: false }),
      continued(packed(utf8('中文')).subarray(4)),
    ],
    messages: ['中文'],
  },
].map(each => ({ clause: 'RFC 7692 §6.2', options: { compression: true }, ends: LIVES_ON, ...each }))

const against_the_rules: FrameCase[] = (
  [
    ['RSV1 on a continuation', [text('a', { fin: false }), continued('b', COMPRESSED)]],
    [
      'RSV1 on a continuation of a compressed message',
      [text(HELLO.subarray(0, 3), { ...COMPRESSED, fin: false }), continued(HELLO.subarray(3), COMPRESSED)],
    ],
    ['RSV1 on a ping', [ping('p', COMPRESSED)]],
    ['RSV1 on a pong', [pong('p', COMPRESSED)]],
    ['RSV1 on a Close', [{ opcode: 8, ...COMPRESSED, payload: Uint8Array.of(3, 232) }]],
    ['RSV2', [text('a', { rsv: 2 })]],
    ['RSV3', [text('a', { rsv: 1 })]],
    ['RSV1 with RSV2', [text(HELLO, { rsv: 6 })]],
    ['RSV1 with RSV3', [text(HELLO, { rsv: 5 })]],
  ] as const satisfies readonly (readonly [string, readonly Frame[]])[]
).map(([name, sends]) => ({
  name: `refuses ${name}, though compression was agreed on`,
  clause: 'RFC 7692 §6, RFC 6455 §5.2',
  options: { compression: true },
  sends,
  ends: PROTOCOL_ERROR,
}))

const broken: FrameCase[] = (
  [
    ['a reserved type of block', 'ff ff ff ff'],
    ['a length that does not match its complement', '00 05 00 00 00 48'],
    ['a distance that leads before the start', '02 03 00'],
    ['text that is not compressed', '48 65 6c 6c 6f'],
    ['a table of codes that is wrong', '04 ff ff ff ff ff ff ff'],
  ] as const
).flatMap(([name, digits]) => [
  {
    name: `refuses a compressed text of ${name}`,
    clause: 'RFC 7692 §7.2.2, our choice of 1007',
    options: { compression: true },
    sends: [text('before'), text(hex(digits), COMPRESSED), text('behind')],
    messages: ['before'],
    ends: DOES_NOT_UNPACK,
  },
  {
    name: `refuses compressed fragments of ${name}`,
    clause: 'RFC 7692 §7.2.2, our choice of 1007',
    options: { compression: true },
    sends: [text(hex(digits), { ...COMPRESSED, fin: false }), continued('')],
    ends: DOES_NOT_UNPACK,
  },
])

const too_large: FrameCase[] = [
  {
    name: 'refuses what unpacks to max_payload + 1 bytes',
    sends: [text(packed('a'.repeat(10_001)), COMPRESSED)],
  },
  {
    name: 'refuses what unpacks to a thousand times max_payload',
    sends: [text(packed(new Uint8Array(10_000_000)), COMPRESSED)],
  },
  {
    name: 'refuses fragments that unpack to a thousand times max_payload',
    sends: cut_in_two(packed(new Uint8Array(10_000_000))),
  },
  {
    name: 'refuses fragments that unpack to max_payload + 1 bytes only together',
    sends: cut_in_two(packed(`${'ab'.repeat(5_000)}c`)),
  },
  {
    name: 'takes more compressed bytes than max_payload, and refuses far more before they are unpacked',
    sends: [text('', { ...COMPRESSED, length: 30_000n })],
  },
].map(each => ({
  clause: 'RFC 7692 §8, RFC 6455 §10.4',
  options: { compression: true, binary: true, max_payload: 10_000 },
  ends: TOO_LARGE,
  ...each,
}))

function cut_in_two(payload: Uint8Array): Frame[] {
  const middle = payload.length >> 1
  return [
    binary(payload.subarray(0, middle), { ...COMPRESSED, fin: false }),
    continued(payload.subarray(middle)),
  ]
}

const context: FrameCase[] = [
  {
    name: 'keeps the context between messages where the server did not agree to do without',
    clause: 'RFC 7692 §7.1.1.1, §7.2.3.2',
    side: 'client',
    options: { compression: true },
    extension: 'permessage-deflate; client_no_context_takeover',
    sends: [text(HELLO, COMPRESSED), text(hex('f2 00 11 00 00'), COMPRESSED)],
    messages: ['Hello', 'Hello'],
    ends: LIVES_ON,
  },
  {
    name: 'starts each message without context where that was agreed on',
    clause: 'RFC 7692 §7.1.1, §7.2.3.2',
    options: { compression: true },
    sends: [text(HELLO, COMPRESSED), text(hex('f2 00 11 00 00'), COMPRESSED)],
    messages: ['Hello'],
    ends: DOES_NOT_UNPACK,
  },
]

const sent: FrameCase[] = [
  {
    name: 'compresses a message of as many bytes as the threshold',
    user_sends: ['a'.repeat(100)],
    seen: [text('a'.repeat(100), COMPRESSED)],
  },
  {
    name: 'does not compress a message of fewer bytes than the threshold',
    user_sends: ['a'.repeat(99)],
    seen: [text('a'.repeat(99))],
  },
  {
    name: 'compresses each message for itself',
    user_sends: ['a'.repeat(200), new Uint8Array(200), 'a'.repeat(200)],
    seen: [
      text('a'.repeat(200), COMPRESSED),
      binary(new Uint8Array(200), COMPRESSED),
      text('a'.repeat(200), COMPRESSED),
    ],
  },
  {
    name: 'keeps the order of compressed and uncompressed messages',
    user_sends: ['a'.repeat(200), 'short', 'b'.repeat(200), ''],
    seen: [text('a'.repeat(200), COMPRESSED), text('short'), text('b'.repeat(200), COMPRESSED), text('')],
  },
  {
    name: 'compresses 300,000 bytes',
    user_sends: ['a'.repeat(300_000)],
    seen: [text('a'.repeat(300_000), COMPRESSED)],
  },
].map(each => ({
  clause: 'RFC 7692 §6.1, §7.2.1',
  options: { compression: { threshold: 100 } },
  sends: [],
  ends: LIVES_ON,
  ...each,
}))

export const compression: readonly FrameCase[] = [
  ...ways_to_write,
  ...taken,
  ...against_the_rules,
  ...broken,
  ...too_large,
  ...context,
  ...sent,
  {
    name: 'refuses a compressed text that unpacks to what is not UTF-8',
    clause: 'RFC 6455 §8.1',
    options: { compression: true },
    sends: [text(packed(hex('61 ff')), COMPRESSED)],
    ends: INVALID_UTF8,
  },
  {
    name: 'sends nothing compressed where the peer did not agree',
    clause: 'RFC 7692 §6.1',
    options: { compression: { threshold: 1 } },
    extension: '',
    sends: [],
    user_sends: ['a'.repeat(2_000)],
    seen: [text('a'.repeat(2_000))],
    ends: LIVES_ON,
  },
  {
    name: 'refuses RSV1 where the peer did not agree',
    clause: 'RFC 7692 §6, RFC 6455 §5.2',
    options: { compression: true },
    extension: '',
    sends: [text(HELLO, COMPRESSED)],
    ends: PROTOCOL_ERROR,
  },
]
