import {
  BINARY,
  CLOSE,
  CONTINUATION,
  FIN,
  type FrameShape,
  frame_bytes,
  hex,
  PING,
  PONG,
  RSV1,
  TEXT,
} from '@bt/test-support/frames'
import fc from 'fast-check'
import { type DecoderSettings, max_compressed_bytes } from '../../src/frames/decoder.js'
import { cut } from './cut.js'
import type { Pause } from './recording_decoder.js'

/** The bytes that a peer sends, their segments, and the pauses of the decoder. */
export interface FrameStream {
  readonly settings: DecoderSettings
  readonly bytes: Buffer
  readonly segments: readonly Uint8Array[]
  readonly pauses: readonly Pause[]
}

/** A frame before the sending side is known. */
type Draft = Omit<FrameShape, 'key'> & {
  /** Whether it also has RSV1 if compression was negotiated. */
  readonly may_be_compressed?: boolean
  readonly is_masked_wrongly?: boolean
}

const SMALL_PAYLOADS = [1, 5, 125, 126, 300]
/** Larger than nearly all messages here. */
const MEDIUM_PAYLOAD = 2_000
/** Long enough for a length of eight bytes. */
const LARGE_PAYLOAD = 70_000

const settings_with = (max_payload: fc.Arbitrary<number>): fc.Arbitrary<DecoderSettings> =>
  fc.record({
    from: fc.constantFrom('client', 'server'),
    is_compressed: fc.boolean(),
    max_payload,
    max_fragments: fc.constantFrom(1, 2, 4, 100, 100, 100, 100, 100, 100),
  })

const USUAL_SETTINGS = settings_with(
  fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(...SMALL_PAYLOADS) },
    { weight: 4, arbitrary: fc.constant(MEDIUM_PAYLOAD) },
  ),
)

/** Text with characters of one to four bytes, including the first and last of each length. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'a',
        'ab',
        'abc',
        'hello world',
        'é',
        '\u0080\u07ff',
        '€',
        '\u0800',
        '\ud7ff\ue000',
        '\uffff',
      ),
      fc.constantFrom('\u{10000}', '\u{10ffff}', '👋🏽', 'x'.repeat(60), '日本'.repeat(11), 'ü'.repeat(33)),
    ),
    { maxLength: 5 },
  )
  .map(parts => Buffer.from(parts.join('')))

/** Invalid and truncated sequences by RFC 3629 §4. */
const NOT_UTF8 = [
  ...['80', 'bf', 'c0 80', 'c1 bf', 'c3 28', 'e0 80 80', 'e0 9f bf', 'ed a0 80', 'ed bf bf', 'e2 28 a1'],
  ...['f0 80 80 80', 'f0 8f bf bf', 'f4 90 80 80', 'f5 80 80 80', 'ff', 'c3', 'e2 82', 'f0 9f 91'],
].map(hex)

const broken_text = fc
  .tuple(text, fc.constantFrom(...NOT_UTF8), fc.oneof(text, fc.constant(Buffer.alloc(0))))
  .map(([before, broken, after]) => Buffer.concat([before, broken, after]))

const any_bytes = fc.uint8Array({ maxLength: 140 }).map(bytes => Buffer.from(bytes))
/** Returns payloads of sizes at which a header changes its form or a limit is reached. */
const sized = (sizes: readonly number[]): fc.Arbitrary<Buffer> =>
  fc.constantFrom(...sizes).map(size => Buffer.alloc(size, 'abcdefgh'))
const EDGE_SIZES = [0, 1, 2, 5, 6, 125, 126, 127, 300, 301]
const LARGE_SIZES = [65_535, 65_536, LARGE_PAYLOAD, LARGE_PAYLOAD + 1]

const control: fc.Arbitrary<Draft> = fc.record({
  first: fc.constantFrom(FIN | PING, FIN | PONG),
  payload: fc.oneof(any_bytes, text, sized([0, 125])).map(bytes => bytes.subarray(0, 125)),
})

/** Returns messages in fragments, with control frames between some of them. */
const message_of = (opcode: number, payload: fc.Arbitrary<Buffer>): fc.Arbitrary<Draft[]> =>
  fc
    .record({
      payload,
      places: fc.oneof(
        { weight: 2, arbitrary: fc.constant<number[]>([]) },
        { weight: 2, arbitrary: fc.array(fc.nat(20), { maxLength: 4 }) },
        { weight: 1, arbitrary: fc.array(fc.nat(140), { maxLength: 4 }) },
      ),
      between: fc.array(fc.oneof(fc.constant(undefined), control), { minLength: 5, maxLength: 5 }),
      may_be_compressed: fc.constantFrom(false, false, true),
    })
    .map(({ payload, places, between, may_be_compressed }) => {
      const starts = [0, ...places.map(place => Math.min(place, payload.length)).sort((a, b) => a - b)]
      return starts.flatMap((start, index): Draft[] => {
        const is_last = index === starts.length - 1
        const frame = {
          first: (is_last ? FIN : 0) | (index === 0 ? opcode : CONTINUATION),
          may_be_compressed: index === 0 && may_be_compressed,
          payload: payload.subarray(start, starts[index + 1]),
        }
        const control_frame = is_last ? undefined : between[index]
        return control_frame === undefined ? [frame] : [frame, control_frame]
      })
    })

const message = fc.oneof(
  { weight: 4, arbitrary: message_of(TEXT, text) },
  { weight: 3, arbitrary: message_of(BINARY, any_bytes) },
  { weight: 1, arbitrary: message_of(TEXT, sized(EDGE_SIZES)) },
  { weight: 1, arbitrary: message_of(BINARY, sized(EDGE_SIZES)) },
)

const close_payload = (codes: fc.Arbitrary<number>, reason: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(codes, reason)
    .map(([code, bytes]) => Buffer.concat([Uint8Array.of(code >> 8, code & 0xff), bytes.subarray(0, 123)]))

const close_of = (payload: fc.Arbitrary<Buffer>): fc.Arbitrary<Draft[]> =>
  payload.map(bytes => [{ first: FIN | CLOSE, payload: bytes }])

const VALID_CODES = fc.constantFrom(1000, 1001, 1003, 1007, 1014, 3000, 4999)
const INVALID_CODES = fc.constantFrom(0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535)
const close = close_of(fc.oneof(fc.constant(Buffer.alloc(0)), close_payload(VALID_CODES, text)))

const FRAGMENT_SIZES = fc.array(fc.nat(3), { minLength: 2, maxLength: 6 })

/** Frames that break a rule, a few of them only with some settings. */
const violation: fc.Arbitrary<Draft[]> = fc.oneof(
  // Segments and fragments can hide invalid UTF-8 best.
  { weight: 5, arbitrary: message_of(TEXT, broken_text) },
  // Any first byte: reserved bits and opcodes, fragmented control frames, continuations without a message.
  { weight: 2, arbitrary: fc.tuple(fc.nat(255), text).map(([first, payload]) => [{ first, payload }]) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(PING, PONG, CLOSE), text)
      .map(([first, payload]) => [{ first, payload: payload.subarray(0, 125) }]),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(CLOSE, PING, PONG).map(opcode => [{ first: FIN | opcode | RSV1 }]),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(CLOSE, PING, PONG), sized([126, 127, 300]))
      .map(([opcode, payload]) => [{ first: FIN | opcode, payload }]),
  },
  // A beginning within another message.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(TEXT, BINARY), fc.constantFrom(TEXT, BINARY, FIN | TEXT, FIN | BINARY))
      .map(([opened, first]) => [{ first: opened }, { first }]),
  },
  // RSV1 on a continuation.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(TEXT, BINARY), fc.constantFrom(0, RSV1))
      .map(([opened, rsv1]) => [{ first: opened | rsv1 }, { first: FIN | CONTINUATION | RSV1 }]),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(FIN | TEXT, FIN | BINARY, FIN | PING), text)
      .map(([first, payload]) => [{ first, payload: payload.subarray(0, 125), is_masked_wrongly: true }]),
  },
  // Lengths in more bytes than they need.
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(FIN | TEXT, FIN | BINARY, BINARY), sized([0, 1, 5, 125, 126, 300]), fc.boolean())
      .map(([first, payload, is_8]) => [
        { first, payload, length_bytes: is_8 || payload.length > 125 ? (8 as const) : (2 as const) },
      ]),
  },
  // Large lengths without a payload.
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom(FIN | TEXT, BINARY),
        fc.constantFrom(2n ** 16n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n),
      )
      .map(([first, length]) => [{ first, length, length_bytes: 8 as const }]),
  },
  { weight: 1, arbitrary: fc.constant<Draft[]>([{ first: FIN | CLOSE, payload: Uint8Array.of(3) }]) },
  { weight: 1, arbitrary: close_of(close_payload(INVALID_CODES, text)) },
  { weight: 1, arbitrary: close_of(close_payload(VALID_CODES, broken_text)) },
  // More fragments than some settings allow, in messages that are too large for some settings.
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(TEXT, BINARY, BINARY | RSV1), FRAGMENT_SIZES).map(([opcode, sizes]) =>
      sizes.map((size, index) => ({
        first: (index === 0 ? opcode : CONTINUATION) | (index === sizes.length - 1 ? FIN : 0),
        payload: Buffer.alloc(size, 'z'),
      })),
    ),
  },
  // Compressed data of about the size that `max_payload` allows.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...SMALL_PAYLOADS, MEDIUM_PAYLOAD), fc.constantFrom(0, 1, 2), fc.boolean())
      .map(([max_payload, more, is_ours]) => [
        {
          first: FIN | BINARY | RSV1,
          payload: Buffer.alloc(
            is_ours ? max_compressed_bytes(max_payload) - 1 + more : max_payload + more,
            'q',
          ),
        },
      ]),
  },
)

const drafts = (valid: fc.Arbitrary<Draft[]>): fc.Arbitrary<Draft[]> =>
  fc
    .record({
      before: fc.array(
        fc.oneof({ weight: 5, arbitrary: valid }, { weight: 1, arbitrary: control.map(one => [one]) }),
        {
          maxLength: 3,
        },
      ),
      broken: fc.oneof(
        { weight: 1, arbitrary: fc.constant<Draft[]>([]) },
        { weight: 2, arbitrary: violation },
      ),
      after: fc.array(fc.oneof({ weight: 4, arbitrary: valid }, { weight: 1, arbitrary: close }), {
        maxLength: 2,
      }),
    })
    .map(({ before, broken, after }) => [...before.flat(), ...broken, ...after.flat()])

/** Masking keys; a zero key changes nothing. */
const KEYS = fc.array(
  fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 5, arbitrary: fc.integer() }),
  {
    minLength: 1,
    maxLength: 4,
  },
)

/** A byte to replace, at a relative place from 0 to 1. */
const DAMAGE = fc.oneof(
  { weight: 9, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record({ place: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) }),
  },
)

const PAUSES: fc.Arbitrary<Pause[]> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Pause[]>([]) },
  {
    weight: 2,
    arbitrary: fc.array(fc.constantFrom<Pause[]>('none', 'stop', 'stop_and_resume'), {
      minLength: 1,
      maxLength: 5,
    }),
  },
)

const stream_of = (
  settings: fc.Arbitrary<DecoderSettings>,
  frames: fc.Arbitrary<Draft[]>,
  sizes: fc.Arbitrary<number[]>,
): fc.Arbitrary<FrameStream> =>
  fc
    .record({ settings, frames, keys: KEYS, damage: DAMAGE, sizes, pauses: PAUSES, cut_off: fc.nat(30) })
    .map(({ settings, frames, keys, damage, sizes, pauses, cut_off }) => {
      const sent = Buffer.concat(
        frames.map(({ is_masked_wrongly = false, may_be_compressed = false, ...frame }, index) => {
          const is_masked = (settings.from === 'client') !== is_masked_wrongly
          const first = frame.first | (may_be_compressed && settings.is_compressed ? RSV1 : 0)
          return frame_bytes({ ...frame, first, key: is_masked ? keys[index % keys.length] : undefined })
        }),
      )
      // One stream in three ends somewhere in its last frames.
      const bytes = sent.subarray(0, cut_off < 10 ? Math.max(0, sent.length - cut_off) : sent.length)
      if (damage !== undefined && bytes.length > 0)
        bytes[Math.floor(damage.place * (bytes.length - 1))] = damage.byte
      return { settings, bytes, segments: cut(bytes, sizes), pauses }
    })

const SEGMENT_SIZES = fc.oneof(
  fc.constant<number[]>([1]),
  fc.constant<number[]>([]),
  fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 }),
  fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 }),
)
/** Large messages would take too long byte by byte. */
const LARGE_SEGMENT_SIZES = fc.array(fc.integer({ min: 500, max: 70_000 }), { minLength: 1, maxLength: 6 })

/** Streams of frames, most of which break a rule, in segments of any size. */
export const frame_stream: fc.Arbitrary<FrameStream> = fc.oneof(
  {
    weight: 60,
    arbitrary: stream_of(USUAL_SETTINGS, drafts(message), SEGMENT_SIZES),
  },
  {
    weight: 1,
    arbitrary: stream_of(
      settings_with(fc.constant(LARGE_PAYLOAD)),
      fc
        .tuple(
          fc.oneof(message_of(TEXT, sized(LARGE_SIZES)), message_of(BINARY, sized(LARGE_SIZES))),
          drafts(message),
        )
        .map(([large, others]) => [...large, ...others]),
      LARGE_SEGMENT_SIZES,
    ),
  },
)
