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
import { describe, expect, test } from 'vitest'
import type { BrokenRule } from '../../src/frames/broken_rule.js'
import {
  type DecoderEvents,
  type DecoderMemory,
  type DecoderSettings,
  FrameDecoder,
  max_compressed_bytes,
} from '../../src/frames/decoder.js'
import { decoder_memory } from '../../src/node/memory/decoder_memory.js'
import { collect_garbage } from '../collect_garbage.js'
import { cut } from './cut.js'
import { decoder_event } from './decoder_event.js'
import { read_with } from './recording_decoder.js'

type From = DecoderSettings['from']
const SIDES: readonly From[] = ['client', 'server']
const KEY = 0x37fa213d
const LIMITS = { max_payload: 100_000, max_fragments: 10, is_compressed: false }

const utf8 = (text: string): Uint8Array => Buffer.from(text)

const encode = (frames: readonly FrameShape[], from: From): Buffer =>
  Buffer.concat(frames.map(frame => frame_bytes({ key: from === 'client' ? KEY : undefined, ...frame })))

const read = (
  bytes: Uint8Array,
  settings: Partial<DecoderSettings> = {},
  sizes: readonly number[] = [],
): string[] => read_with(FrameDecoder, cut(bytes, sizes), { from: 'server', ...LIMITS, ...settings })

/** Expects the same events in one segment, byte by byte, and in two segments cut at each of these places. */
function expect_however_cut(
  bytes: Buffer,
  settings: Partial<DecoderSettings>,
  events: readonly string[],
  places: Iterable<number> = bytes.keys(),
): void {
  expect(read(bytes, settings)).toEqual(events)
  expect(read(bytes, settings, [1])).toEqual(events)
  const wrong = Array.from(places).filter(
    place => read(bytes, settings, [place, bytes.length]).join() !== events.join(),
  )
  expect(wrong, 'cut in two at these places').toEqual([])
}

const text = (data: string): string => decoder_event.message(data, Buffer.byteLength(data))
const binary = (data: Uint8Array): string => decoder_event.message(data, data.length)
const letters = (count: number): Uint8Array => Buffer.alloc(count, 'abcdefghijklmnopqrstuvw')

describe.each(SIDES)('frames from a %s', from => {
  test.each<[name: string, frames: readonly FrameShape[], events: readonly string[]]>([
    ['text', [{ first: FIN | TEXT, payload: utf8('hello') }], [text('hello')]],
    ['text in characters of all lengths', [{ first: FIN | TEXT, payload: utf8('aé€👋') }], [text('aé€👋')]],
    ['bytes', [{ first: FIN | BINARY, payload: hex('00 80 ff') }], [binary(hex('0080ff'))]],
    ['empty text', [{ first: FIN | TEXT }], [text('')]],
    ['no bytes', [{ first: FIN | BINARY }], [binary(hex(''))]],
    [
      'text in fragments that cut characters',
      [
        { first: TEXT, payload: hex('61 f0 9f') },
        { first: CONTINUATION, payload: hex('91') },
        { first: FIN | CONTINUATION, payload: hex('8b e2 82 ac') },
      ],
      [text('a👋€')],
    ],
    [
      'ASCII in fragments',
      [
        { first: TEXT, payload: utf8('one ') },
        { first: FIN | CONTINUATION, payload: utf8('two') },
      ],
      [text('one two')],
    ],
    [
      'bytes in fragments',
      [
        { first: BINARY, payload: hex('00 ff') },
        { first: FIN | CONTINUATION, payload: hex('80') },
      ],
      [binary(hex('00ff80'))],
    ],
    [
      'fragments of which some are empty',
      [
        { first: TEXT },
        { first: CONTINUATION, payload: utf8('x') },
        { first: CONTINUATION },
        { first: FIN | CONTINUATION },
      ],
      [text('x')],
    ],
    ['fragments that are all empty', [{ first: BINARY }, { first: FIN | CONTINUATION }], [binary(hex(''))]],
    [
      'an empty fragment before the only one',
      [{ first: TEXT }, { first: FIN | CONTINUATION, payload: utf8('é') }],
      [text('é')],
    ],
    [
      'control frames between fragments',
      [
        { first: TEXT, payload: hex('c3') },
        { first: FIN | PING, payload: utf8('ping') },
        { first: FIN | PONG, payload: hex('ff') },
        { first: CONTINUATION, payload: hex('a9') },
        { first: FIN | PING },
        { first: FIN | CONTINUATION, payload: utf8('!') },
      ],
      [decoder_event.ping(utf8('ping')), 'pong', decoder_event.ping(hex('')), text('é!')],
    ],
    [
      'pings one after the other, of 125 bytes and less',
      [
        { first: FIN | PING, payload: letters(125) },
        { first: FIN | PING, payload: utf8('x') },
      ],
      [decoder_event.ping(letters(125)), decoder_event.ping(utf8('x'))],
    ],
    [
      'messages one after the other',
      [
        { first: FIN | TEXT, payload: utf8('é') },
        { first: FIN | BINARY, payload: hex('80') },
        { first: FIN | TEXT, payload: utf8('b') },
      ],
      [text('é'), binary(hex('80')), text('b')],
    ],
    ['a Close without a code', [{ first: FIN | CLOSE }], ['Close 1005: ""']],
    ['a Close with a code', [{ first: FIN | CLOSE, payload: hex('03e8') }], ['Close 1000: ""']],
    [
      'a Close with a reason, and no event after it',
      [
        { first: FIN | CLOSE, payload: Buffer.concat([hex('0fa1'), utf8('até')]) },
        { first: FIN | PING },
        { first: 0xff },
      ],
      ['Close 4001: "até"'],
    ],
    [
      'a Close between fragments',
      [{ first: TEXT, payload: utf8('a') }, { first: FIN | CLOSE }, { first: FIN | CONTINUATION }],
      ['Close 1005: ""'],
    ],
  ])('%s', (_, frames, events) => {
    expect_however_cut(encode(frames, from), { from }, events)
  })

  test.each([63, 64, 65, 125, 126, 127, 300])('text and bytes of %i bytes, cut at each byte', size => {
    const payload = letters(size)
    const bytes = encode(
      [
        { first: FIN | TEXT, payload },
        { first: FIN | BINARY, payload },
      ],
      from,
    )
    expect_however_cut(bytes, { from }, [text(payload.toString()), binary(payload)])
  })

  test.each([65_535, 65_536, 65_537])('text of %i bytes, cut within its header and beside it', size => {
    const payload = letters(size)
    const bytes = encode([{ first: FIN | TEXT, payload }], from)
    const places = [...Array.from({ length: 20 }, (_, place) => place), 40_000, bytes.length - 1]
    expect_however_cut(bytes, { from }, [text(payload.toString())], places)
  })

  test('text of 70 bytes with one character that is not ASCII, at any place', () => {
    for (let place = 0; place <= 70; place += 1) {
      const data = `${'a'.repeat(place)}é${'b'.repeat(70 - place)}`
      expect(read(encode([{ first: FIN | TEXT, payload: utf8(data) }], from), { from })).toEqual([text(data)])
    }
  })
})

/** A rule, a description and frames that break it, and settings. */
type Sample = readonly [BrokenRule, string, readonly FrameShape[], Partial<DecoderSettings>?]

describe('each broken rule', () => {
  const SAMPLES: readonly Sample[] = [
    ['reserved_bits', 'RSV2', [{ first: 0xa1 }]],
    ['reserved_bits', 'RSV3', [{ first: 0x91 }]],
    ['reserved_bits', 'RSV2 on a control frame', [{ first: 0xa9 }]],
    ['unexpected_rsv1', 'RSV1 on text', [{ first: FIN | RSV1 | TEXT }]],
    ['unexpected_rsv1', 'RSV1 on bytes', [{ first: FIN | RSV1 | BINARY }]],
    ...[CLOSE, PING, PONG].map(
      (opcode): Sample => [
        'unexpected_rsv1',
        `RSV1 on opcode ${opcode}, with compression`,
        [{ first: FIN | RSV1 | opcode }],
        { is_compressed: true },
      ],
    ),
    [
      'unexpected_rsv1',
      'RSV1 on a continuation, with compression',
      [{ first: RSV1 | TEXT }, { first: FIN | RSV1 | CONTINUATION }],
      { is_compressed: true },
    ],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
      (opcode): Sample => ['reserved_opcode', `opcode ${opcode}`, [{ first: FIN | opcode }]],
    ),
    ['unexpected_continuation', 'a continuation first', [{ first: CONTINUATION }]],
    [
      'unexpected_continuation',
      'a continuation after a whole message',
      [{ first: FIN | TEXT }, { first: FIN | CONTINUATION }],
    ],
    [
      'unexpected_continuation',
      'a continuation after the last fragment',
      [{ first: BINARY }, { first: FIN | CONTINUATION }, { first: FIN | CONTINUATION }],
    ],
    ['expected_continuation', 'text within a message', [{ first: BINARY }, { first: FIN | TEXT }]],
    ['expected_continuation', 'bytes within a message', [{ first: TEXT }, { first: BINARY }]],
    ...[CLOSE, PING, PONG].map(
      (opcode): Sample => ['fragmented_control', `opcode ${opcode} without FIN`, [{ first: opcode }]],
    ),
    ...[CLOSE, PING, PONG].map(
      (opcode): Sample => [
        'long_control',
        `opcode ${opcode} with 126 bytes`,
        [{ first: FIN | opcode, payload: letters(126) }],
      ],
    ),
    ['long_control', 'a ping of 70,000 bytes', [{ first: FIN | PING, length: 70_000n }]],
    ['long_length', '125 in two bytes', [{ first: FIN | BINARY, length: 125n, length_bytes: 2 }]],
    ['long_length', '0 in two bytes', [{ first: FIN | TEXT, length: 0n, length_bytes: 2 }]],
    ['long_length', '65,535 in eight bytes', [{ first: FIN | TEXT, length: 65_535n, length_bytes: 8 }]],
    ['long_length', '0 in eight bytes', [{ first: FIN | TEXT, length: 0n, length_bytes: 8 }]],
    ['negative_length', '2^63', [{ first: FIN | BINARY, length: 2n ** 63n }]],
    ['negative_length', '2^64 - 1', [{ first: FIN | TEXT, length: 2n ** 64n - 1n }]],
    ['close_of_one_byte', 'a Close of one byte', [{ first: FIN | CLOSE, payload: hex('03') }]],
    ...[0, 999, 1004, 1005, 1006, 1015, 1999, 2999, 5000, 65_535].map(
      (code): Sample => [
        'invalid_close_code',
        `a Close with ${code}`,
        [{ first: FIN | CLOSE, payload: Uint8Array.of(code >> 8, code & 0xff) }],
      ],
    ),
    ['invalid_utf8', 'text', [{ first: FIN | TEXT, payload: hex('61 80') }]],
    ['invalid_utf8', 'text of 80 bytes', [{ first: FIN | TEXT, payload: new Uint8Array(80).fill(0xbf) }]],
    ['invalid_utf8', 'text that ends within a character', [{ first: FIN | TEXT, payload: hex('61 e2 82') }]],
    [
      'invalid_utf8',
      'text whose last fragment ends within a character',
      [
        { first: TEXT, payload: hex('61') },
        { first: FIN | CONTINUATION, payload: hex('c3') },
      ],
    ],
    [
      'invalid_utf8',
      'text whose last fragment is empty',
      [{ first: TEXT, payload: hex('c3') }, { first: FIN | CONTINUATION }],
    ],
    [
      'invalid_utf8',
      'a character that the next fragment does not continue',
      [
        { first: TEXT, payload: hex('c3') },
        { first: FIN | CONTINUATION, payload: hex('61') },
      ],
    ],
    ['invalid_utf8', 'the reason of a Close', [{ first: FIN | CLOSE, payload: hex('03e8 ff') }]],
    ['message_too_large', '2^63 - 1 bytes', [{ first: FIN | BINARY, length: 2n ** 63n - 1n }]],
    ['message_too_large', '2^32 bytes', [{ first: FIN | BINARY, length: 2n ** 32n }]],
    ['message_too_large', 'one byte more', [{ first: BINARY, length: 6n }], { max_payload: 5 }],
    [
      'message_too_large',
      'one byte more in fragments',
      [
        { first: BINARY, payload: letters(3) },
        { first: CONTINUATION, length: 3n },
      ],
      { max_payload: 5 },
    ],
    [
      'too_many_fragments',
      'three of two',
      [{ first: BINARY }, { first: CONTINUATION }, { first: FIN | CONTINUATION }],
      { max_fragments: 2 },
    ],
  ]

  describe.each(SIDES)('from a %s', from => {
    for (const [rule, name, frames, settings = {}] of SAMPLES) {
      test(`${rule}: ${name}`, () => {
        const bytes = encode([...frames, { first: FIN | PING }], from)
        const all = read(bytes, { from, ...settings })
        expect(all.at(-1)).toBe(decoder_event.broken(rule))
        expect_however_cut(bytes, { from, ...settings }, all)
      })
    }
  })

  test.each([TEXT, BINARY, CLOSE, PING, PONG])('not_masked: opcode %i from a client', opcode => {
    const bytes = frame_bytes({ first: FIN | opcode })
    expect_however_cut(bytes, { from: 'client' }, [decoder_event.broken('not_masked')])
  })

  test.each([TEXT, BINARY, CLOSE, PING, PONG])('masked: opcode %i from a server', opcode => {
    const bytes = frame_bytes({ first: FIN | opcode, key: KEY })
    expect_however_cut(bytes, { from: 'server' }, [decoder_event.broken('masked')])
  })

  test.each([
    ['of a short frame', frame_bytes({ first: 0xf1 })],
    ['of a frame of 2^63 - 1 bytes', frame_bytes({ first: 0xf1, length: 2n ** 63n - 1n })],
  ])('is found in the first two bytes, %s', (_, bytes) => {
    expect(read(bytes.subarray(0, 2))).toEqual([decoder_event.broken('reserved_bits')])
  })

  test('is reported after earlier events, in order, and no event follows', () => {
    const frames = [
      { first: FIN | TEXT, payload: utf8('a') },
      { first: FIN | PING },
      { first: 0x83 },
      { first: FIN | PONG },
    ]
    expect(read(encode(frames, 'server'))).toEqual([
      text('a'),
      decoder_event.ping(hex('')),
      decoder_event.broken('reserved_opcode'),
    ])
  })
})

describe('limits', () => {
  test.each(SIDES)('a message of exactly max_payload bytes from a %s is accepted', from => {
    const whole = encode([{ first: FIN | TEXT, payload: letters(300) }], from)
    expect_however_cut(whole, { from, max_payload: 300 }, [text(letters(300).toString())])
    const fragments = encode(
      [
        { first: BINARY, payload: letters(100) },
        { first: CONTINUATION, payload: letters(200) },
        { first: FIN | CONTINUATION },
      ],
      from,
    )
    expect(read(fragments, { from, max_payload: 300 })).toHaveLength(1)
    expect(read(fragments, { from, max_payload: 299 })).toEqual([decoder_event.broken('message_too_large')])
  })

  test('exactly max_fragments are accepted in each message, and control frames do not count', () => {
    const message = [
      { first: TEXT, payload: utf8('a') },
      { first: FIN | PING },
      { first: CONTINUATION },
      { first: FIN | PONG },
      { first: FIN | CONTINUATION, payload: utf8('b') },
    ]
    const bytes = encode([...message, ...message], 'server')
    const events = [decoder_event.ping(hex('')), 'pong', text('ab')]
    expect(read(bytes, { max_fragments: 3 })).toEqual([...events, ...events])
    expect(read(bytes, { max_fragments: 2 })).toEqual([
      decoder_event.ping(hex('')),
      'pong',
      decoder_event.broken('too_many_fragments'),
    ])
  })

  test('a message that is too large is refused at its header, before its payload', () => {
    const { length } = frame_bytes({ first: FIN | BINARY, length: 101n, key: KEY })
    const bytes = frame_bytes({ first: FIN | BINARY, length: 101n, key: KEY, payload: letters(9) })
    const settings = { from: 'client', max_payload: 100 } as const
    expect(read(bytes.subarray(0, length), settings)).toEqual([decoder_event.broken('message_too_large')])
  })
})

describe('compressed messages', () => {
  const settings = { is_compressed: true, max_payload: 100 }
  const MAX_BYTES = max_compressed_bytes(100)

  test.each(SIDES)('from a %s are delivered unchanged, text or bytes, in one frame or several', from => {
    const bytes = encode(
      [
        { first: FIN | RSV1 | TEXT, payload: hex('80 ff') },
        { first: RSV1 | BINARY, payload: hex('c0') },
        { first: FIN | PING },
        { first: FIN | CONTINUATION, payload: hex('01') },
        { first: FIN | RSV1 | TEXT },
        { first: FIN | TEXT, payload: utf8('plain') },
      ],
      from,
    )
    expect_however_cut(bytes, { from, ...settings }, [
      decoder_event.compressed(hex('80 ff'), true),
      decoder_event.ping(hex('')),
      decoder_event.compressed(hex('c0 01'), false),
      decoder_event.compressed(hex(''), true),
      text('plain'),
    ])
  })

  test('may exceed max_payload by the overhead of compression, and no more', () => {
    const frame = (size: number): Buffer =>
      encode([{ first: FIN | RSV1 | BINARY, payload: letters(size) }], 'server')
    expect(read(frame(MAX_BYTES), settings)).toEqual([decoder_event.compressed(letters(MAX_BYTES), false)])
    expect(read(frame(MAX_BYTES + 1), settings)).toEqual([decoder_event.broken('message_too_large')])
    expect(read(frame(MAX_BYTES), settings, [7])).toHaveLength(1)
  })

  test('do not raise the limit for later messages', () => {
    const frames = [
      { first: FIN | RSV1 | BINARY, payload: letters(101) },
      { first: FIN | BINARY, payload: letters(101) },
    ]
    expect(read(encode(frames, 'server'), settings).at(-1)).toBe(decoder_event.broken('message_too_large'))
  })
})

describe('text that is not UTF-8 is found at its first invalid byte, before the message is complete', () => {
  // RFC 3629 §4; the number is how many of the bytes valid text may start with.
  const CASES: readonly [string, number][] = [
    ...(['80', 'bf', 'c0 80', 'c1 bf', 'f5 80 80 80', 'f8', 'fe', 'ff'] as const).map(
      digits => [digits, 0] as [string, number],
    ),
    ['c2 7f', 1],
    ['df c0', 1],
    ['e0 80 80', 1],
    ['e0 9f bf', 1],
    ['ed a0 80', 1],
    ['ed bf bf', 1],
    ['e1 80 7f', 2],
    ['ef bf c0', 2],
    ['f0 80 80 80', 1],
    ['f0 8f bf bf', 1],
    ['f4 90 80 80', 1],
    ['f1 80 80 7f', 3],
    ['f4 8f bf c0', 3],
    ['ed a0 bd ed b2 a9', 1],
  ]
  const BEFORE = utf8('aé€👋')

  for (const from of SIDES) {
    for (const is_fragmented of [false, true]) {
      const where = is_fragmented ? 'in a first fragment' : 'in the only frame'
      test.each(CASES)(`%s, ${where} from a ${from}`, (digits, may_start) => {
        const payload = Buffer.concat([BEFORE, hex(digits), Buffer.alloc(50, 'x')])
        const bytes = encode([{ first: is_fragmented ? TEXT : FIN | TEXT, payload }], from)
        const breaks_at = bytes.length - payload.length + BEFORE.length + may_start
        for (const sizes of [[1], [2], [3], [breaks_at], [breaks_at - 1], [breaks_at - 2]]) {
          expect(read(bytes.subarray(0, breaks_at), { from }, sizes)).toEqual([])
          expect(read(bytes.subarray(0, breaks_at + 1), { from }, sizes)).toEqual([
            decoder_event.broken('invalid_utf8'),
          ])
        }
      })
    }
  }

  test.each(SIDES)('every code point at an edge is accepted from a %s, cut at each byte', from => {
    const points = [0, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xcfff, 0xd000, 0xd7ff, 0xe000, 0xffff]
    const data = String.fromCodePoint(...points, 0x10000, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10ffff)
    expect_however_cut(encode([{ first: FIN | TEXT, payload: utf8(data) }], from), { from }, [text(data)])
    const payload = utf8(data)
    for (const place of payload.keys()) {
      const fragments = [
        { first: TEXT, payload: payload.subarray(0, place) },
        { first: FIN | CONTINUATION, payload: payload.subarray(place) },
      ]
      expect(read(encode(fragments, from), { from })).toEqual([text(data)])
    }
  })
})

/** A decoder, and the events that it has delivered. */
class Trial {
  readonly events: string[] = []
  readonly allocated: number[] = []
  readonly kept: Uint8Array[] = []
  readonly decoder: FrameDecoder

  constructor(
    settings: Partial<DecoderSettings> = {},
    delivered: (trial: Trial, index: number) => void = () => {},
  ) {
    const deliver = (event: string): void => {
      this.events.push(event)
      delivered(this, this.events.length - 1)
    }
    const memory: DecoderMemory = {
      ...decoder_memory,
      allocate: size_bytes => {
        this.allocated.push(size_bytes)
        return decoder_memory.allocate(size_bytes)
      },
    }
    const decoder_events: DecoderEvents = {
      on_message: (data, payload_bytes) => {
        if (typeof data !== 'string') this.kept.push(data)
        deliver(decoder_event.message(data, payload_bytes))
      },
      on_compressed: (payload, is_text) => deliver(decoder_event.compressed(payload, is_text)),
      on_ping: payload => deliver(decoder_event.ping(payload)),
      on_pong: () => deliver(decoder_event.pong()),
      on_close: (code, reason) => deliver(decoder_event.close(code, reason)),
      on_broken: rule => deliver(decoder_event.broken(rule)),
    }
    this.decoder = new FrameDecoder({ from: 'server', ...LIMITS, ...settings }, memory, decoder_events)
  }
}

/** Events of all kinds, without the last one. */
const EVENTFUL: readonly FrameShape[] = [
  { first: FIN | TEXT, payload: utf8('one') },
  { first: FIN | BINARY, payload: utf8('two') },
  { first: TEXT, payload: hex('c3') },
  { first: FIN | PING, payload: utf8('three') },
  { first: FIN | PONG },
  { first: FIN | CONTINUATION, payload: hex('a9') },
  { first: FIN | RSV1 | TEXT, payload: utf8('five') },
  { first: FIN | RSV1 | BINARY },
  { first: FIN | TEXT },
]
/** The indexes of the events that come from control frames or end the stream. */
const CONTROLS: readonly number[] = [2, 3, 8]
const ENDS: readonly (readonly [string, FrameShape])[] = [
  ['a Close', { first: FIN | CLOSE, payload: hex('03e8') }],
  ['a broken rule', { first: 0xf1 }],
]

describe.each(ENDS)('with %s at the end', (_, last) => {
  describe.each(SIDES)('frames from a %s', from => {
    const settings = { from, is_compressed: true }
    const stream = (): Buffer => encode([...EVENTFUL, last], from)
    const all = read(stream(), settings)
    const indexes = [...all.keys()]

    test.each(indexes)('a stop in callback %i holds back all later events until it is resumed', at => {
      const trial = new Trial(settings, ({ decoder }, index) => {
        if (index === at) decoder.stop()
      })
      trial.decoder.decode(stream())
      expect(trial.events).toEqual(all.slice(0, at + 1))
      expect(trial.decoder.has_unread_bytes).toBe(at < all.length - 1)
      trial.decoder.resume()
      expect(trial.events).toEqual(all)
      expect([trial.decoder.has_unread_bytes, trial.decoder.held_bytes]).toEqual([false, 0])
    })

    test.each(indexes)('a stop and a resume in callback %i change nothing', at => {
      const trial = new Trial(settings, ({ decoder }, index) => {
        if (index !== at) return
        decoder.stop()
        decoder.resume()
        // The next event is not delivered from within, but after the callback has returned.
        expect(trial.events).toHaveLength(at + 1)
      })
      trial.decoder.decode(stream())
      expect(trial.events).toEqual(all)
    })

    test.each(indexes)('nothing is delivered or held after the end in callback %i', at => {
      const trial = new Trial(settings, ({ decoder }, index) => {
        if (index === at) decoder.end()
      })
      trial.decoder.decode(stream())
      expect([trial.decoder.has_unread_bytes, trial.decoder.held_bytes]).toEqual([false, 0])
      trial.decoder.resume()
      trial.decoder.decode(stream())
      expect(trial.events).toEqual(all.slice(0, at + 1))
      expect([trial.decoder.has_unread_bytes, trial.decoder.held_bytes]).toEqual([false, 0])
    })

    test.each(indexes)(
      'only control frames and the end are delivered after messages are skipped in callback %i',
      at => {
        const expected = all.filter((_, index) => index <= at || CONTROLS.includes(index))
        for (const segments of [[stream()], cut(stream(), [1])]) {
          const trial = new Trial(settings, ({ decoder }, index) => {
            if (index === at) decoder.skip_messages()
          })
          for (const segment of segments) trial.decoder.decode(segment)
          expect(trial.events).toEqual(expected)
        }
      },
    )

    test.each(indexes)('a callback that throws loses no other event, %i', at => {
      const trial = new Trial(settings, (_, index) => {
        if (index === at) throw new Error('thrown by a callback')
      })
      expect(() => trial.decoder.decode(stream())).toThrow('thrown by a callback')
      expect(trial.events).toEqual(all.slice(0, at + 1))
      trial.decoder.resume()
      expect(trial.events).toEqual(all)
    })

    test('each event is delivered alone if each one stops the decoder', () => {
      const trial = new Trial(settings, ({ decoder }) => decoder.stop())
      trial.decoder.decode(stream())
      for (const index of indexes) {
        expect(trial.events).toEqual(all.slice(0, index + 1))
        trial.decoder.resume()
      }
      expect(trial.events).toEqual(all)
    })

    test('a stop between two segments holds back the second one, wherever they are cut', () => {
      for (const place of stream().keys()) {
        const trial = new Trial(settings)
        const [first, second] = [stream().subarray(0, place), stream().subarray(place)]
        trial.decoder.decode(first)
        const delivered = [...trial.events]
        trial.decoder.stop()
        trial.decoder.decode(second)
        expect(trial.events).toEqual(delivered)
        expect(trial.decoder.has_unread_bytes).toBe(delivered.length < all.length)
        trial.decoder.resume()
        expect(trial.events).toEqual(all)
      }
    })
  })
})

describe('pauses', () => {
  test('a resume without a stop or bytes does nothing', () => {
    const trial = new Trial()
    trial.decoder.resume()
    trial.decoder.decode(hex(''))
    expect([trial.events, trial.decoder.has_unread_bytes]).toEqual([[], false])
    trial.decoder.decode(hex('89 00'))
    expect(trial.events).toEqual([decoder_event.ping(hex(''))])
  })

  test('a stop that is undone in a later callback of the same segment has no effect', () => {
    const trial = new Trial({}, ({ decoder }, index) => {
      if (index === 0) decoder.stop()
      else decoder.end()
    })
    trial.decoder.decode(hex('89 00 8a 00 89 00'))
    expect(trial.events).toHaveLength(1)
    trial.decoder.resume()
    expect(trial.events).toHaveLength(2)
  })

  test('a decoder that is ended while it is stopped releases the rest', () => {
    const trial = new Trial({}, ({ decoder }) => decoder.stop())
    trial.decoder.decode(hex('89 00 8a 00'))
    trial.decoder.end()
    expect([trial.decoder.has_unread_bytes, trial.decoder.held_bytes]).toEqual([false, 0])
    trial.decoder.resume()
    expect(trial.events).toHaveLength(1)
  })

  test('a callback may run another decoder with its own keys', () => {
    const payload = letters(200)
    const message = (): Buffer =>
      encode(
        [
          { first: FIN | BINARY, payload },
          { first: FIN | BINARY, payload },
        ],
        'client',
      )
    const inner = new Trial({ from: 'client' })
    const outer = new Trial({ from: 'client' }, () => inner.decoder.decode(message()))
    outer.decoder.decode(message())
    expect(outer.events).toEqual([binary(payload), binary(payload)])
    expect(inner.events).toEqual(Array.from({ length: 4 }, () => binary(payload)))
  })
})

describe('memory', () => {
  const frame = frame_bytes({ first: FIN | BINARY, payload: letters(1_000) })

  test('nothing is held before the first segment, nor after whole messages', () => {
    const trial = new Trial()
    expect(trial.decoder.held_bytes).toBe(0)
    trial.decoder.decode(Buffer.from(frame))
    expect(trial.decoder.held_bytes).toBe(0)
  })

  test('a stopped decoder holds a copy of the unread part of a segment, and no more', () => {
    const trial = new Trial({}, ({ decoder }) => decoder.stop())
    const memory = Buffer.alloc(10_000)
    memory.set(frame, 100)
    memory.set(frame, 100 + frame.length)
    trial.decoder.decode(memory.subarray(100, 100 + 2 * frame.length))
    memory.fill(0)
    expect(trial.decoder.held_bytes).toBe(frame.length)
    trial.decoder.resume()
    expect(trial.events).toEqual(Array(2).fill(decoder_event.message(letters(1_000), 1_000)))
    expect(trial.decoder.held_bytes).toBe(0)
  })

  test.each<[string, number, number]>([
    ['of one frame', FIN | BINARY, 1],
    ['in fragments', BINARY, 0],
  ])('a message %s holds at most four times its received bytes', (_, first, messages) => {
    const trial = new Trial({ max_payload: 20_000 })
    trial.decoder.decode(frame_bytes({ first, length: 20_000n }))
    expect(trial.decoder.held_bytes).toBe(0)
    const wrong: number[] = []
    for (let arrived = 1; arrived < 20_000; arrived += 1) {
      trial.decoder.decode(Buffer.of(arrived))
      const { held_bytes } = trial.decoder
      if (held_bytes < arrived || held_bytes > Math.min(4 * arrived, 20_000)) wrong.push(arrived)
    }
    expect(wrong).toEqual([])
    trial.decoder.decode(Buffer.of(0))
    expect(trial.events).toHaveLength(messages)
    expect(trial.decoder.held_bytes).toBe(messages === 1 ? 0 : 20_000)
  })

  test('skipped messages hold no memory, complete or not, and have to keep to the same rules', () => {
    const trial = new Trial({ max_payload: 20_000 })
    trial.decoder.decode(frame_bytes({ first: TEXT, payload: hex('c3') }))
    const payload = Buffer.concat([hex('a9'), letters(8_999)])
    trial.decoder.decode(frame_bytes({ first: CONTINUATION, payload, length: 10_000n }))
    expect(trial.decoder.held_bytes).toBeGreaterThan(9_000)
    trial.decoder.skip_messages()
    expect(trial.decoder.held_bytes).toBe(0)
    // This is not UTF-8, which is no longer checked.
    trial.decoder.decode(Buffer.alloc(500, 0xff))
    trial.decoder.decode(Buffer.alloc(500, 0xff))
    trial.decoder.decode(frame_bytes({ first: FIN | CONTINUATION, payload: hex('ff') }))
    trial.decoder.decode(frame_bytes({ first: FIN | BINARY, payload: letters(9_000), length: 10_000n }))
    expect([trial.events, trial.decoder.held_bytes]).toEqual([[], 0])
    trial.decoder.decode(letters(1_000))
    trial.decoder.decode(frame_bytes({ first: FIN | PING }))
    trial.decoder.decode(frame_bytes({ first: FIN | BINARY, length: 20_001n }))
    expect(trial.events).toEqual([decoder_event.ping(hex('')), decoder_event.broken('message_too_large')])
  })

  test.each([
    ['of one frame', 1],
    ['in a thousand fragments', 1_000],
  ])('a message of 1 MB %s, byte by byte or nearly so, is copied at most twice', (_, fragments) => {
    const trial = new Trial({ max_payload: 1_000_000, max_fragments: 1_000 })
    const size = 1_000_000 / fragments
    for (let index = 0; index < fragments; index += 1) {
      const is_last = index === fragments - 1
      const first = (is_last ? FIN : 0) | (index === 0 ? BINARY : CONTINUATION)
      for (const segment of cut(frame_bytes({ first, payload: letters(size) }), [7]))
        trial.decoder.decode(segment)
    }
    expect(trial.events).toHaveLength(1)
    // Each growth copies the bytes so far, which are fewer than the new room.
    expect(trial.allocated.reduce((sum, bytes) => sum + bytes)).toBeLessThanOrEqual(2_000_000)
    expect(trial.allocated.length).toBeLessThanOrEqual(12)
    expect(trial.kept.map(({ buffer }) => buffer.byteLength)).toEqual([1_000_000])
  })

  test.each<[string, readonly FrameShape[], readonly number[]]>([
    ['of one frame and one segment', [{ first: FIN | BINARY, payload: letters(20) }], []],
    ['of one frame in segments', [{ first: FIN | BINARY, payload: letters(20) }], [7]],
    ['of one frame byte by byte', [{ first: FIN | BINARY, payload: letters(20) }], [1]],
    [
      'in fragments that do not fill its buffer',
      [
        { first: BINARY, payload: letters(10) },
        { first: FIN | CONTINUATION, payload: letters(10) },
      ],
      [],
    ],
    ['without a byte', [{ first: FIN | BINARY }], []],
  ])('a message %s keeps its own bytes alive, and no others', (_, frames, sizes) => {
    const trial = new Trial()
    const chunk = Buffer.alloc(65_536)
    const bytes = encode(frames, 'server')
    chunk.set(bytes)
    for (const segment of cut(chunk.subarray(0, bytes.length), sizes)) trial.decoder.decode(segment)
    const meant = Buffer.concat(frames.map(({ payload = hex('') }) => payload))
    chunk.fill(0xff)
    expect(trial.kept.map(message => Buffer.from(message).toString())).toEqual([meant.toString()])
    expect(trial.kept.map(({ buffer }) => buffer.byteLength)).toEqual([meant.length])
  })

  test('each fragmented message has memory of its own', () => {
    const trial = new Trial()
    for (const digit of ['1', '2', '3'])
      for (const segment of cut(frame_bytes({ first: FIN | BINARY, payload: utf8(digit.repeat(9)) }), [4]))
        trial.decoder.decode(segment)
    expect(trial.kept.map(message => Buffer.from(message).toString())).toEqual([
      '111111111',
      '222222222',
      '333333333',
    ])
  })

  test('an unfinished message is released at the first broken rule', () => {
    const trial = new Trial()
    trial.decoder.decode(frame_bytes({ first: BINARY, payload: letters(1_000) }))
    expect(trial.decoder.held_bytes).toBeGreaterThanOrEqual(1_000)
    trial.decoder.decode(hex('83 00'))
    expect([trial.events.at(-1), trial.decoder.held_bytes]).toEqual([
      decoder_event.broken('reserved_opcode'),
      0,
    ])
  })

  test.each<[string, (decoder: FrameDecoder) => void]>([
    ['was ended in a callback', decoder => decoder.end()],
    ['is stopped and then ended', decoder => decoder.stop()],
  ])('a segment is released by a decoder that %s', async (_, delivered) => {
    const { decoder } = new Trial({ from: 'client' }, trial => delivered(trial.decoder))
    const decode = (): WeakRef<ArrayBufferLike> => {
      const frames = [{ first: FIN | BINARY, payload: letters(200) }, { first: FIN | PING }]
      const bytes = encode(frames, 'client')
      const segment = Buffer.alloc(bytes.length)
      segment.set(bytes)
      decoder.decode(segment)
      decoder.end()
      return new WeakRef(segment.buffer)
    }
    const segment = decode()
    await collect_garbage()
    expect(segment.deref()).toBeUndefined()
  })

  test('whole messages in one segment need no memory for parts', () => {
    const trial = new Trial()
    trial.decoder.decode(
      Buffer.concat([frame, frame, frame_bytes({ first: FIN | PING, payload: letters(9) })]),
    )
    expect([trial.events.length, trial.allocated]).toEqual([3, []])
  })
})

test('a segment does not count as held memory while it is read', () => {
  const held: number[] = []
  const trial = new Trial({}, ({ decoder }) => held.push(decoder.held_bytes))
  trial.decoder.decode(encode([{ first: FIN | PING }, { first: FIN | PONG }], 'server'))
  expect(held).toEqual([0, 0])
})

describe('is_idle', () => {
  const text_frame = (): Buffer => encode([{ first: FIN | TEXT, payload: utf8('text') }], 'client')
  const ping = { first: FIN | PING, payload: utf8('ping') }

  test.each<[string, Buffer]>([
    ['a header', text_frame().subarray(0, 1)],
    ['a header of which the length is known', text_frame().subarray(0, 3)],
    ['a payload', text_frame().subarray(0, -1)],
    ['a control frame', encode([ping], 'client').subarray(0, -1)],
    ['a message in fragments', encode([{ first: TEXT, payload: utf8('te') }], 'client')],
    ['a control frame within such a message', encode([{ first: TEXT }, ping], 'client').subarray(0, -1)],
    ['the next message', Buffer.concat([text_frame(), text_frame().subarray(0, 2)])],
  ])('is false in the middle of %s', (_, bytes) => {
    const { decoder } = new Trial({ from: 'client' })
    expect(decoder.is_idle).toBe(true)
    decoder.decode(Buffer.from(bytes))
    expect(decoder.is_idle).toBe(false)
  })

  test.each<[string, (decoder: FrameDecoder) => void]>([
    ['stopped', decoder => decoder.stop()],
    ['skipping messages', decoder => decoder.skip_messages()],
    ['at its end', decoder => decoder.end()],
  ])('is false when it is %s', (_, change) => {
    const { decoder } = new Trial({ from: 'client' })
    decoder.decode(text_frame())
    expect(decoder.is_idle).toBe(true)
    change(decoder)
    expect(decoder.is_idle).toBe(false)
  })

  test('is false in a callback, and true again between messages', () => {
    const in_callbacks: boolean[] = []
    const trial = new Trial({ from: 'client' }, ({ decoder }) => in_callbacks.push(decoder.is_idle))
    for (const byte of encode([{ first: TEXT }, ping, { first: FIN | CONTINUATION }, ping], 'client'))
      trial.decoder.decode(Buffer.of(byte))
    expect(in_callbacks).toEqual([false, false, false])
    expect(trial.decoder.is_idle).toBe(true)
  })
})
