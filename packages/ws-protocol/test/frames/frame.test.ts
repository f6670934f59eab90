import { describe, expect, test } from 'vitest'
import { header_size, mask_frames, OPCODE, read_frames, write_header } from '../../src/frames/frame.js'
import { collect_garbage } from '../collect_garbage.js'
import { seeded_random, test_seed } from '../seeded_random.js'

const PING = 0x9
const PONG = 0xa

interface Message {
  readonly opcode: number
  readonly payload: Uint8Array
}

const text = (content: string): Message => ({
  opcode: OPCODE.TEXT,
  payload: new TextEncoder().encode(content),
})
const binary = (payload: Uint8Array): Message => ({ opcode: OPCODE.BINARY, payload })

/** Returns messages as lines, which compare faster than bytes for large batches. */
function shown(messages: Iterable<Message>): string[] {
  return Array.from(messages, ({ opcode, payload }) => `${opcode} ${Buffer.from(payload).toString('base64')}`)
}

/** Returns bytes that differ from their neighbours, so that misplaced ones are detected. */
function pattern(size_bytes: number): Uint8Array {
  return Uint8Array.from({ length: size_bytes }, (_, index) => (index * 7 + (index >>> 8)) & 0xff)
}

function frames_of(messages: readonly Message[], is_masked: boolean): Uint8Array<ArrayBuffer> {
  const sizes = messages.map(({ payload }) => header_size(payload.length, is_masked) + payload.length)
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0))
  let at = 0
  for (const { opcode, payload } of messages) {
    at = write_header(bytes, at, opcode, payload.length, is_masked)
    bytes.set(payload, at)
    at += payload.length
  }
  return bytes
}

function header_of(opcode: number, payload_bytes: number, is_masked: boolean): number[] {
  const bytes = new Uint8Array(20).fill(0xee)
  const end = write_header(bytes, 0, opcode, payload_bytes, is_masked)
  return [...bytes.subarray(0, end)]
}

/** Returns a function that returns the keys of a list in order, and throws after the last one. */
function keys(...list: number[]): () => number {
  const rest = [...list]
  return () => {
    const key = rest.shift()
    if (key === undefined) throw new Error('asked for one key too many')
    return key
  }
}

// RFC 6455 §5.2: a length has to be written in its shortest form.
describe('the length of a payload', () => {
  const zero_key = [0, 0, 0, 0]
  test.each([
    [0, [0]],
    [1, [1]],
    [125, [125]],
    [126, [126, 0, 126]],
    [127, [126, 0, 127]],
    [255, [126, 0, 255]],
    [256, [126, 1, 0]],
    [65_535, [126, 0xff, 0xff]],
    [65_536, [127, 0, 0, 0, 0, 0, 1, 0, 0]],
    [16_777_216, [127, 0, 0, 0, 0, 1, 0, 0, 0]],
    [2_147_483_647, [127, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]],
    [2_147_483_648, [127, 0, 0, 0, 0, 0x80, 0, 0, 0]],
    [4_294_967_295, [127, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]],
    [4_294_967_296, [127, 0, 0, 0, 1, 0, 0, 0, 0]],
    [4_294_967_297 + 0x2_0000_0000, [127, 0, 0, 0, 3, 0, 0, 0, 1]],
    [Number.MAX_SAFE_INTEGER, [127, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ])('of %i bytes is written as %j', (payload_bytes, length) => {
    const [first, ...others] = length as [number, ...number[]]
    expect(header_of(OPCODE.TEXT, payload_bytes, false)).toEqual([0x81, first, ...others])
    expect(header_of(OPCODE.TEXT, payload_bytes, true)).toEqual([0x81, 0x80 | first, ...others, ...zero_key])
    expect(header_size(payload_bytes, false)).toBe(1 + length.length)
    expect(header_size(payload_bytes, true)).toBe(5 + length.length)
  })
})

describe('write_header', () => {
  test('writes at the offset, and nothing before or after the header', () => {
    const bytes = new Uint8Array(12).fill(0xee)
    expect(write_header(bytes, 3, OPCODE.BINARY, 5, true)).toBe(9)
    expect([...bytes]).toEqual([0xee, 0xee, 0xee, 0x82, 0x85, 0, 0, 0, 0, 0xee, 0xee, 0xee])
  })

  test.each([
    [OPCODE.TEXT, 0x81],
    [OPCODE.BINARY, 0x82],
  ])('marks a message of opcode %i as final (RFC 6455 §5.2)', (opcode, first) => {
    expect(header_of(opcode, 0, false)).toEqual([first, 0])
  })
})

describe('the examples of RFC 6455 §5.7', () => {
  const hello = [0x48, 0x65, 0x6c, 0x6c, 0x6f]
  const example_key = 0x37fa213d
  const masked_hello = [0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]

  test('an unmasked text message', () => {
    expect([...frames_of([text('Hello')], false)]).toEqual([0x81, 0x05, ...hello])
  })

  test('a masked text message', () => {
    const bytes = frames_of([text('Hello')], true)
    mask_frames(bytes, keys(example_key))
    expect([...bytes]).toEqual([0x81, 0x85, ...masked_hello])
  })

  test('an unmasked ping', () => {
    expect([...frames_of([{ ...text('Hello'), opcode: PING }], false)]).toEqual([0x89, 0x05, ...hello])
  })

  test('a masked pong', () => {
    const bytes = frames_of([{ ...text('Hello'), opcode: PONG }], true)
    mask_frames(bytes, keys(example_key))
    expect([...bytes]).toEqual([0x8a, 0x85, ...masked_hello])
  })

  test('256 bytes in an unmasked binary message', () => {
    const payload = pattern(256)
    expect([...frames_of([binary(payload)], false)]).toEqual([0x82, 0x7e, 0x01, 0x00, ...payload])
  })

  test('64 KiB in an unmasked binary message', () => {
    const payload = pattern(65_536)
    const bytes = frames_of([binary(payload)], false)
    expect([...bytes.subarray(0, 10)]).toEqual([0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0])
    expect(Buffer.compare(bytes.subarray(10), payload)).toBe(0)
  })
})

describe('read_frames', () => {
  const sizes = [0, 1, 2, 3, 4, 5, 125, 126, 127, 65_535, 65_536, 65_537]

  test.each(sizes)('reads a message of %i bytes, unmasked or with a zero key', size => {
    for (const is_masked of [false, true]) {
      const message = binary(pattern(size))
      expect(shown(read_frames(frames_of([message], is_masked)))).toEqual(shown([message]))
    }
  })

  test.each([
    ['unmasked', false],
    ['masked', true],
  ])('reads several %s frames of one batch, in order', (_, is_masked) => {
    const messages = [
      text(''),
      ...sizes.map(size => binary(pattern(size))),
      text('中文 😀'),
      binary(pattern(0)),
    ]
    expect(shown(read_frames(frames_of(messages, is_masked)))).toEqual(shown(messages))
  })

  test('finds no frames in an empty batch', () => {
    expect([...read_frames(new Uint8Array(0))]).toEqual([])
  })

  test('returns views of payloads', () => {
    const bytes = frames_of([text('ab'), text('cd')], false)
    const [, second] = [...read_frames(bytes)]
    bytes[bytes.length - 1] = 0x21
    expect(Buffer.from(second?.payload ?? []).toString()).toBe('c!')
  })

  test('reads a batch within a larger buffer', () => {
    const bytes = frames_of([text('one'), binary(pattern(300))], false)
    const larger = new Uint8Array(bytes.length + 20).fill(0xee)
    larger.set(bytes, 7)
    const part = larger.subarray(7, 7 + bytes.length)
    expect([...read_frames(part)]).toEqual([text('one'), binary(pattern(300))])
  })
})

describe('mask_frames', () => {
  const several = [
    text('Hello'),
    binary(pattern(0)),
    binary(pattern(300)),
    text('中文'),
    binary(pattern(65_536)),
  ]

  // RFC 6455 §5.3: octet i of the payload is combined with octet i modulo 4 of the key.
  test.each([0, 1, 2, 3, 4, 5, 125, 126, 127, 1_021, 65_535, 65_536, 65_537])(
    'combines each byte of a payload of %i bytes with the right byte of the key',
    size => {
      const payload = pattern(size)
      const bytes = frames_of([binary(payload)], true)
      mask_frames(bytes, keys(0x89ab_cdef))
      const key = [0x89, 0xab, 0xcd, 0xef]
      const expected = payload.map((byte, index) => byte ^ (key[index % 4] as number))
      expect([...bytes.subarray(-size - 4, bytes.length - size)]).toEqual(key)
      expect(Buffer.compare(bytes.subarray(bytes.length - size), expected)).toBe(0)
    },
  )

  test.each([0, 1, 2, 3, 4, 5, 6, 7])('gives the same result at offset %i of a buffer', offset => {
    for (const size of [511, 512, 513, 514, 515, 516]) {
      const payload = pattern(size)
      const frame = frames_of([binary(payload)], true)
      const bytes = new Uint8Array(offset + frame.length).subarray(offset)
      bytes.set(frame)
      mask_frames(bytes, keys(0x89ab_cdef))
      mask_frames(frame, keys(0x89ab_cdef))
      const expected = payload.map((byte, index) => byte ^ ([0x89, 0xab, 0xcd, 0xef][index % 4] as number))
      expect(Buffer.compare(bytes.subarray(-size), expected)).toBe(0)
      expect(Buffer.compare(bytes, frame)).toBe(0)
    }
  })

  test('is undone by the same keys', () => {
    const list = [0x1234_5678, 0xffff_ffff, 0x8000_0001, 0x0000_00ff, 0x7f00_0000]
    const bytes = frames_of(several, true)
    mask_frames(bytes, keys(...list))
    expect(shown(read_frames(bytes))).not.toEqual(shown(several))
    mask_frames(bytes, keys(...list))
    expect(shown(read_frames(bytes))).toEqual(shown(several))
  })

  test('uses a new key for each frame', () => {
    let asked = 0
    const bytes = frames_of([text('same'), text('same'), text('same')], true)
    mask_frames(bytes, () => {
      asked += 1
      return asked * 0x0101_0101
    })
    expect(asked).toBe(3)
    const size = bytes.length / 3
    const keys_written = [0, 1, 2].map(index => [...bytes.subarray(index * size + 2, index * size + 6)])
    expect(keys_written).toEqual([
      [1, 1, 1, 1],
      [2, 2, 2, 2],
      [3, 3, 3, 3],
    ])
  })

  test('does not change payloads with a zero key', () => {
    const bytes = frames_of(several, true)
    const before = bytes.slice()
    mask_frames(bytes, () => 0)
    expect(Buffer.compare(bytes, before)).toBe(0)
  })

  test.each([100, 100_000])('keeps no reference to a buffer with a frame of %i bytes', async size => {
    const masked = (): WeakRef<ArrayBuffer> => {
      const bytes = frames_of([binary(pattern(size))], true)
      mask_frames(bytes, () => 1)
      return new WeakRef(bytes.buffer)
    }
    const buffer = masked()
    await collect_garbage()
    expect(buffer.deref()).toBeUndefined()
  })

  test('uses no key for an empty batch', () => {
    expect(() => mask_frames(new Uint8Array(0), keys())).not.toThrow()
  })
})

test(`frames of random messages are read back in order, masked and unmasked again (seed ${test_seed})`, () => {
  const random = seeded_random(test_seed)
  for (let round = 0; round < 50; round += 1) {
    const messages = Array.from({ length: 1 + Math.floor(random() * 20) }, () => {
      const payload = pattern(Math.floor(random() ** 4 * 70_000))
      return { opcode: random() < 0.5 ? OPCODE.TEXT : OPCODE.BINARY, payload }
    })
    const list = messages.map(() => Math.floor(random() * 0x1_0000_0000))
    const bytes = frames_of(messages, true)
    mask_frames(bytes, keys(...list))
    mask_frames(bytes, keys(...list))
    expect(shown(read_frames(bytes)), `round ${round}`).toEqual(shown(messages))
  }
})
