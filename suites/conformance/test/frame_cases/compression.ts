import { constants, deflateRawSync } from 'node:zlib'
import { hex } from '@bt/test-support/frames'
import { binary, continuation, type Frame, ping, pong, text, utf8 } from '../frame.ts'
import {
  type FrameCase,
  INVALID_DEFLATE,
  INVALID_UTF8,
  PROTOCOL_ERROR,
  STAYS_OPEN,
  TOO_LARGE,
} from '../frame_case.ts'

/** RSV1 marks a message as compressed (RFC 7692 §6). */
const COMPRESSED = { rsv: 4 } as const
const HELLO = hex('f2 48 cd c9 c9 07 00')

/** Compresses data, without the four bytes at the end that RFC 7692 §7.2.1 removes. */
function deflated(data: string | Uint8Array): Uint8Array {
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

/** The examples of RFC 7692 §7.2.3, and other encodings of the same text. */
const encodings: FrameCase[] = (
  [
    ['one block with fixed codes', [text(HELLO, COMPRESSED)]],
    [
      'two fragments',
      [text(HELLO.subarray(0, 3), { ...COMPRESSED, fin: false }), continuation(HELLO.subarray(3))],
    ],
    [
      'a fragment for each byte',
      [...HELLO].map((byte, index) => {
        const fin = index === HELLO.length - 1
        return index === 0
          ? text(Uint8Array.of(byte), { ...COMPRESSED, fin })
          : continuation(Uint8Array.of(byte), { fin })
      }),
    ],
    ['a block that is not compressed', [text(hex('00 05 00 fa ff 48 65 6c 6c 6f 00'), COMPRESSED)]],
    ['a final block', [text(hex('f3 48 cd c9 c9 07 00 00'), COMPRESSED)]],
    ['two blocks', [text(hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00'), COMPRESSED)]],
    ['the output of zlib', [text(deflated('Hello'), COMPRESSED)]],
    ['an empty last fragment', [text(HELLO, { ...COMPRESSED, fin: false }), continuation('')]],
    ['an empty first fragment', [text('', { ...COMPRESSED, fin: false }), continuation(HELLO)]],
    ['an uncompressed frame', [text('Hello')]],
    ['uncompressed fragments', [text('He', { fin: false }), continuation('llo')]],
  ] as const satisfies readonly (readonly [string, readonly Frame[]])[]
).map(([name, sends]) => ({
  name: `decompresses a text from ${name}`,
  clause: 'RFC 7692 §7.2.3',
  options: { compression: true },
  sends,
  messages: ['Hello'],
  ends: STAYS_OPEN,
}))

const valid: FrameCase[] = [
  {
    name: 'decompresses a binary message',
    options: { compression: true, binary: true },
    sends: [binary(deflated(hex('00 ff 00 ff')), COMPRESSED)],
    messages: [hex('00 ff 00 ff')],
  },
  {
    name: 'decompresses an empty message from one byte',
    sends: [text(hex('00'), COMPRESSED)],
    messages: [''],
  },
  {
    name: 'decompresses an empty message from a final block',
    sends: [text(hex('03 00'), COMPRESSED)],
    messages: [''],
  },
  {
    name: 'delivers compressed and uncompressed messages in order',
    sends: [text('plain'), text(HELLO, COMPRESSED), text('plain again'), text(HELLO, COMPRESSED)],
    messages: ['plain', 'Hello', 'plain again', 'Hello'],
  },
  {
    name: 'answers a ping between compressed fragments',
    sends: [
      text(HELLO.subarray(0, 3), { ...COMPRESSED, fin: false }),
      ping('p'),
      continuation(HELLO.subarray(3)),
    ],
    receives: [pong('p')],
    messages: ['Hello'],
  },
  {
    name: 'decompresses 60,000 bytes from less than a hundred',
    sends: [text(deflated('a'.repeat(60_000)), COMPRESSED)],
    messages: ['a'.repeat(60_000)],
  },
  {
    name: 'decompresses max_payload bytes',
    options: { compression: true, max_payload: 10_000 },
    sends: [text(deflated('a'.repeat(10_000)), COMPRESSED)],
    messages: ['a'.repeat(10_000)],
  },
  {
    name: 'decompresses characters that are split between fragments',
    sends: [
      text(deflated(utf8('中文')).subarray(0, 4), { ...COMPRESSED, fin: false }),
      continuation(deflated(utf8('中文')).subarray(4)),
    ],
    messages: ['中文'],
  },
].map(test_case => ({
  clause: 'RFC 7692 §6.2',
  options: { compression: true },
  ends: STAYS_OPEN,
  ...test_case,
}))

const invalid_bits: FrameCase[] = (
  [
    ['RSV1 on a continuation', [text('a', { fin: false }), continuation('b', COMPRESSED)]],
    [
      'RSV1 on a continuation of a compressed message',
      [
        text(HELLO.subarray(0, 3), { ...COMPRESSED, fin: false }),
        continuation(HELLO.subarray(3), COMPRESSED),
      ],
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
  name: `refuses ${name}, even with compression`,
  clause: 'RFC 7692 §6, RFC 6455 §5.2',
  options: { compression: true },
  sends,
  ends: PROTOCOL_ERROR,
}))

const invalid_deflate: FrameCase[] = (
  [
    ['a reserved block type', 'ff ff ff ff'],
    ['a length that does not match its complement', '00 05 00 00 00 48'],
    ['a distance beyond the start', '02 03 00'],
    ['text that is not compressed', '48 65 6c 6c 6f'],
    ['an invalid code table', '04 ff ff ff ff ff ff ff'],
  ] as const
).flatMap(([name, digits]) => [
  {
    name: `refuses a compressed text of ${name}`,
    clause: 'RFC 7692 §7.2.2, our choice of 1007',
    options: { compression: true },
    sends: [text('before'), text(hex(digits), COMPRESSED), text('after')],
    messages: ['before'],
    ends: INVALID_DEFLATE,
  },
  {
    name: `refuses compressed fragments of ${name}`,
    clause: 'RFC 7692 §7.2.2, our choice of 1007',
    options: { compression: true },
    sends: [text(hex(digits), { ...COMPRESSED, fin: false }), continuation('')],
    ends: INVALID_DEFLATE,
  },
])

const too_large: FrameCase[] = [
  {
    name: 'refuses a message that decompresses to max_payload + 1 bytes',
    sends: [text(deflated('a'.repeat(10_001)), COMPRESSED)],
  },
  {
    name: 'refuses a message that decompresses to a thousand times max_payload',
    sends: [text(deflated(new Uint8Array(10_000_000)), COMPRESSED)],
  },
  {
    name: 'refuses fragments that decompress to a thousand times max_payload',
    sends: cut_in_two(deflated(new Uint8Array(10_000_000))),
  },
  {
    name: 'refuses fragments that decompress to max_payload + 1 bytes together',
    sends: cut_in_two(deflated(`${'ab'.repeat(5_000)}c`)),
  },
  {
    name: 'refuses far more compressed bytes than max_payload before decompressing them',
    sends: [text('', { ...COMPRESSED, length: 30_000n })],
  },
].map(test_case => ({
  clause: 'RFC 7692 §8, RFC 6455 §10.4',
  options: { compression: true, binary: true, max_payload: 10_000 },
  ends: TOO_LARGE,
  ...test_case,
}))

function cut_in_two(payload: Uint8Array): Frame[] {
  const middle = payload.length >> 1
  return [
    binary(payload.subarray(0, middle), { ...COMPRESSED, fin: false }),
    continuation(payload.subarray(middle)),
  ]
}

const context: FrameCase[] = [
  {
    name: 'keeps the context between messages if the server did not agree to reset it',
    clause: 'RFC 7692 §7.1.1.1, §7.2.3.2',
    side: 'client',
    options: { compression: true },
    extension: 'permessage-deflate; client_no_context_takeover',
    sends: [text(HELLO, COMPRESSED), text(hex('f2 00 11 00 00'), COMPRESSED)],
    messages: ['Hello', 'Hello'],
    ends: STAYS_OPEN,
  },
  {
    name: 'starts each message without context if that was negotiated',
    clause: 'RFC 7692 §7.1.1, §7.2.3.2',
    options: { compression: true },
    sends: [text(HELLO, COMPRESSED), text(hex('f2 00 11 00 00'), COMPRESSED)],
    messages: ['Hello'],
    ends: INVALID_DEFLATE,
  },
]

const sending: FrameCase[] = [
  {
    name: 'compresses a message of exactly the threshold',
    user_sends: ['a'.repeat(100)],
    receives: [text('a'.repeat(100), COMPRESSED)],
  },
  {
    name: 'does not compress a message below the threshold',
    user_sends: ['a'.repeat(99)],
    receives: [text('a'.repeat(99))],
  },
  {
    name: 'compresses each message without context',
    user_sends: ['a'.repeat(200), new Uint8Array(200), 'a'.repeat(200)],
    receives: [
      text('a'.repeat(200), COMPRESSED),
      binary(new Uint8Array(200), COMPRESSED),
      text('a'.repeat(200), COMPRESSED),
    ],
  },
  {
    name: 'keeps the order of compressed and uncompressed messages',
    user_sends: ['a'.repeat(200), 'short', 'b'.repeat(200), ''],
    receives: [text('a'.repeat(200), COMPRESSED), text('short'), text('b'.repeat(200), COMPRESSED), text('')],
  },
  {
    name: 'compresses 300,000 bytes',
    user_sends: ['a'.repeat(300_000)],
    receives: [text('a'.repeat(300_000), COMPRESSED)],
  },
].map(test_case => ({
  clause: 'RFC 7692 §6.1, §7.2.1',
  options: { compression: { threshold: 100 } },
  sends: [],
  ends: STAYS_OPEN,
  ...test_case,
}))

export const compression: readonly FrameCase[] = [
  ...encodings,
  ...valid,
  ...invalid_bits,
  ...invalid_deflate,
  ...too_large,
  ...context,
  ...sending,
  {
    name: 'refuses a compressed text that is not UTF-8',
    clause: 'RFC 6455 §8.1',
    options: { compression: true },
    sends: [text(deflated(hex('61 ff')), COMPRESSED)],
    ends: INVALID_UTF8,
  },
  {
    name: 'sends nothing compressed if the peer did not agree',
    clause: 'RFC 7692 §6.1',
    options: { compression: { threshold: 1 } },
    extension: '',
    sends: [],
    user_sends: ['a'.repeat(2_000)],
    receives: [text('a'.repeat(2_000))],
    ends: STAYS_OPEN,
  },
  {
    name: 'refuses RSV1 if the peer did not agree',
    clause: 'RFC 7692 §6, RFC 6455 §5.2',
    options: { compression: true },
    extension: '',
    sends: [text(HELLO, COMPRESSED)],
    ends: PROTOCOL_ERROR,
  },
]
