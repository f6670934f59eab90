import { describe, expect, it } from 'vitest'
import {
  BINARY,
  CLOSE,
  close_payload,
  FIN,
  FrameReader,
  frame_bytes,
  hex,
  PONG,
  RSV1,
  TEXT,
} from '../src/frames.ts'

/** Frames with their bytes, from RFC 6455 §5.7 or encoded by hand. */
const ENCODED_FRAMES = [
  ['a text', { first: FIN | TEXT, payload: Buffer.from('Hello') }, '81 05 48 65 6c 6c 6f'],
  [
    'a masked text',
    { first: FIN | TEXT, payload: Buffer.from('Hello'), key: 0x37fa213d },
    '81 85 37 fa 21 3d 7f 9f 4d 51 58',
  ],
  ['a Close', { first: FIN | CLOSE, payload: close_payload(1000, 'é') }, '88 04 03 e8 c3 a9'],
  ['an empty payload', { first: FIN | PONG, key: 0 }, '8a 80 00 00 00 00'],
  ['a reserved bit without FIN', { first: RSV1 | BINARY, payload: hex('00 ff') }, '42 02 00 ff'],
  ['a length that is not minimal', { first: TEXT, payload: hex('61'), length_bytes: 2 }, '01 7e 00 01 61'],
  ['a length that is not the payload’s', { first: TEXT, length: 2n ** 63n }, '01 7f 80 00 00 00 00 00 00 00'],
] as const

describe('frame_bytes', () => {
  it.each(ENCODED_FRAMES)('writes %s', (_, shape, bytes) => {
    expect(frame_bytes(shape)).toEqual(hex(bytes))
  })

  it.each([
    [125, '7d'],
    [126, '7e 00 7e'],
    [65_535, '7e ff ff'],
    [65_536, '7f 00 00 00 00 00 01 00 00'],
  ])('writes a length of %i bytes in as few bytes as possible', (length, written) => {
    const header = frame_bytes({ first: TEXT, payload: Buffer.alloc(length) }).subarray(1)
    expect(header.subarray(0, hex(written).length)).toEqual(hex(written))
  })
})

describe('FrameReader', () => {
  const FRAMES = [0, 1, 125, 126, 65_535, 65_536].flatMap(length =>
    [undefined, 0, 0x0102_0304].map(key => ({
      first: FIN | BINARY,
      key,
      payload: Buffer.alloc(length, 'ab'),
    })),
  )
  const bytes = Buffer.concat(FRAMES.map(frame_bytes))

  it.each([1, 2, 3, 7, 1_000, bytes.length])('reads frames that arrive in chunks of %i bytes', size => {
    const reader = new FrameReader()
    const seen = []
    for (let at = 0; at < bytes.length; at += size) seen.push(...reader.read(bytes.subarray(at, at + size)))
    expect(reader.rest).toHaveLength(0)
    expect(seen).toHaveLength(FRAMES.length)
    for (const [index, frame] of seen.entries()) {
      const { payload, key } = FRAMES[index] as (typeof FRAMES)[number]
      expect(frame.payload.equals(payload)).toBe(true)
      expect(frame).toMatchObject({ opcode: BINARY, fin: true, rsv: 0, is_masked: key !== undefined })
      expect(frame.length_bytes).toBe(payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8)
    }
  })

  it('reads an invalid frame without rejecting it', () => {
    const reader = new FrameReader()
    expect(reader.read(hex('73 fe 00 01 00 00 00 00 61'))).toEqual([
      { opcode: 3, fin: false, rsv: 7, is_masked: true, length_bytes: 2, payload: Buffer.from('a') },
    ])
  })

  it('keeps the bytes of an incomplete frame', () => {
    const reader = new FrameReader()
    expect(reader.read(hex('81 01 61 81'))).toHaveLength(1)
    expect(reader.rest).toEqual(hex('81'))
    expect(reader.read(hex('02 61'))).toEqual([])
    expect(reader.rest).toEqual(hex('81 02 61'))
  })
})
