import { AsyncLocalStorage } from 'node:async_hooks'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { hex } from '@bt/test-support/frames'
import { afterEach, describe, expect, it } from 'vitest'
import { max_compressed_bytes } from '../../../src/frames/decoder.js'
import { MessageDeflate, type MessageDeflateSettings } from '../../../src/node/deflate/deflate.js'
import {
  accept_deflate,
  agreed_deflate,
  type DeflateParameters,
} from '../../../src/node/deflate/deflate_agreement.js'
import type { Inflated } from '../../../src/node/deflate/inflate_progress.js'
import { seeded_random, test_seed } from '../../seeded_random.js'
import { plain_inflate } from './plain_inflate.js'
import { ws_deflate_agreed } from './ws_deflate.js'

const MIB = 1 << 20
const WITHOUT_CONTEXT: DeflateParameters = {
  own_no_context_takeover: true,
  peer_no_context_takeover: true,
  own_window_bits: 15,
  peer_window_bits: 15,
}
const WITH_CONTEXT: DeflateParameters = {
  ...WITHOUT_CONTEXT,
  own_no_context_takeover: false,
  peer_no_context_takeover: false,
}
const BITS = [8, 9, 10, 11, 12, 13, 14, 15]
const LEVELS = [0, 1, 6, 9]
/** On this thread, on another, and on another in several chunks. */
const SIZES = [0, 1, 100, 1_024, 1_025, 4_096, 4_097, 32_768, 32_769, 70_000, 200_000]

const open: MessageDeflate[] = []

afterEach(() => {
  for (const each of open.splice(0)) each.end()
})

function message_deflate(
  parameters: DeflateParameters = WITHOUT_CONTEXT,
  settings: Partial<MessageDeflateSettings> = {},
): MessageDeflate {
  const made = new MessageDeflate(parameters, { level: 6, max_payload: MIB, ...settings })
  open.push(made)
  return made
}

const inflate = (by: MessageDeflate, payload: Uint8Array): Promise<Inflated> =>
  new Promise(resolve => by.inflate(payload, resolve))
const deflate = (by: MessageDeflate, payload: Uint8Array): Promise<Uint8Array> =>
  new Promise(resolve => by.deflate(payload, resolve))

/** Text of words that come again and again, far apart and near. */
const words = prefixes_of((size, random) => {
  let text = ''
  while (text.length < size)
    text += `"${Math.floor(random() ** 2 * 2_000).toString(36)}":${Math.floor(random() * 99)},`
  return Buffer.from(text)
})

const noise = prefixes_of((size, random) => {
  const bytes = Buffer.allocUnsafeSlow(size)
  for (let at = 0; at < size; at += 1) bytes[at] = random() * 256
  return bytes
})

/**
 * Copies the beginning of data that are made once for each seed: making them takes longer than packing them.
 */
function prefixes_of(
  make: (size: number, random: () => number) => Buffer,
): (size: number, seed?: number) => Buffer {
  const made = new Map<number, Buffer>()
  return (size, seed = 1) => {
    let data = made.get(seed)
    if (data === undefined || data.length < size) {
      data = make(size, seeded_random(seed))
      made.set(seed, data)
    }
    return Buffer.from(data.subarray(0, size))
  }
}

const TAIL = hex('00 00 ff ff')
/** RFC 7692 §7.2.1, by zlib itself. */
const packed_by_zlib = (data: string | Uint8Array, options = {}): Buffer =>
  deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, ...options }).subarray(0, -4)
const unpacked_by_zlib = (packed: Uint8Array, options = {}): Buffer =>
  inflateRawSync(Buffer.concat([packed, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH, ...options })
/** Blocks the last of which has BFINAL set. */
const final_blocks = (data: string | Uint8Array): Buffer => deflateRawSync(data)

/** Comparing large buffers byte by byte takes long, and shows too much. */
function expect_same(result: Inflated, expected: Uint8Array): void {
  if (typeof result === 'string') expect(result).toBe(`${expected.length} bytes`)
  else expect([result.length, Buffer.compare(result, expected)]).toEqual([expected.length, 0])
}

describe('MessageDeflate compresses messages that zlib decompresses', () => {
  describe.each(LEVELS)('at level %i', level => {
    it.each(SIZES)('%i bytes, text and noise', async size => {
      const side = message_deflate(WITHOUT_CONTEXT, { level })
      for (const message of [words(size), noise(size), Buffer.alloc(size)]) {
        const packed = await deflate(side, message)
        expect_same(unpacked_by_zlib(packed), message)
        expect(packed.buffer.byteLength).toBe(packed.length)
        expect_same(await inflate(side, packed), message)
      }
    })
  })

  it.each([WITHOUT_CONTEXT, WITH_CONTEXT])('and an empty message to one 0 (§7.2.3.6)', async parameters => {
    const side = message_deflate(parameters)
    for (let count = 0; count < 3; count += 1) {
      expect(await deflate(side, Buffer.alloc(0))).toEqual(hex('00'))
      expect(await inflate(side, hex('00'))).toEqual(Buffer.alloc(0))
      await deflate(side, Buffer.from('Hello'))
    }
  })

  it('and makes text smaller, at a better level more so', async () => {
    const text = words(20_000)
    const sizes = []
    for (const level of [1, 6, 9]) {
      sizes.push((await deflate(message_deflate(WITHOUT_CONTEXT, { level }), text)).length)
    }
    expect(sizes[0]).toBeLessThan(10_000)
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
  })
})

describe.each(BITS)('MessageDeflate with windows of %i bits', bits => {
  it.each([1_000, 4_000, 40_000])(
    'refers back no farther than negotiated, in %i bytes (§7.1.2)',
    async size => {
      for (const level of [1, 6, 9]) {
        const parameters = { ...WITHOUT_CONTEXT, own_window_bits: bits }
        const message = words(size)
        const packed = await deflate(message_deflate(parameters, { level }), message)
        const { bytes, farthest } = plain_inflate(Buffer.concat([packed, TAIL]))
        expect_same(Buffer.from(bytes), message)
        expect(farthest).toBeLessThanOrEqual(1 << bits)
        expect(farthest).toBeGreaterThan(0)
      }
    },
  )

  it('refers back no farther than negotiated, with context takeover', async () => {
    const side = message_deflate({ ...WITH_CONTEXT, own_window_bits: bits })
    let before = Buffer.alloc(0)
    for (let seed = 0; seed < 8; seed += 1) {
      const message = words(seed === 4 ? 40_000 : 500, seed)
      const packed = await deflate(side, message)
      const { bytes, farthest } = plain_inflate(Buffer.concat([packed, TAIL]), before)
      expect_same(Buffer.from(bytes), message)
      expect(farthest).toBeLessThanOrEqual(1 << bits)
      before = Buffer.concat([before, message])
    }
  })

  it.each([1_000, 100_000])('decompresses %i bytes of a peer with that window', async size => {
    const message = words(size)
    const packed = packed_by_zlib(message, { windowBits: bits })
    expect_same(
      await inflate(message_deflate({ ...WITHOUT_CONTEXT, peer_window_bits: bits }), packed),
      message,
    )
  })

  it.each(['client', 'server'] as const)(
    'exchanges messages with a %s of ws, with and without context takeover',
    async side => {
      for (const context of [
        '',
        '; server_no_context_takeover',
        '; client_no_context_takeover',
        '; server_no_context_takeover; client_no_context_takeover',
      ]) {
        const header = `permessage-deflate${context}; server_max_window_bits=${bits}; client_max_window_bits=${bits}`
        const peer = ws_deflate_agreed(side, header)
        const read_as_client = agreed_deflate(header) as DeflateParameters
        const own = message_deflate(side === 'server' ? read_as_client : other_side(read_as_client))
        for (let count = 0; count < 6; count += 1) {
          const message = words(count === 3 ? 60_000 : 2_000, count >> 1)
          const packed = await new Promise<Buffer>((resolve, reject) => {
            peer.compress(message, true, (error, data) => (error ? reject(error) : resolve(data)))
          })
          expect_same(await inflate(own, packed), message)
          const answer = await deflate(own, message)
          const unpacked = await new Promise<Buffer>((resolve, reject) => {
            peer.decompress(answer, true, (error, data) => (error ? reject(error) : resolve(data)))
          })
          expect_same(unpacked, message)
        }
        peer.cleanup()
      }
    },
  )
})

function other_side(parameters: DeflateParameters): DeflateParameters {
  return {
    own_no_context_takeover: parameters.peer_no_context_takeover,
    peer_no_context_takeover: parameters.own_no_context_takeover,
    own_window_bits: parameters.peer_window_bits,
    peer_window_bits: parameters.own_window_bits,
  }
}

describe('MessageDeflate decompresses', () => {
  const HELLO = Buffer.from('Hello')
  it.each([
    ['a block with fixed codes (§7.2.3.1)', 'f2 48 cd c9 c9 07 00', 'Hello'],
    ['a stored block (§7.2.3.3)', '00 05 00 fa ff 48 65 6c 6c 6f 00', 'Hello'],
    ['a block with BFINAL set (§7.2.3.4)', 'f3 48 cd c9 c9 07 00 00', 'Hello'],
    ['two blocks (§7.2.3.5)', 'f2 48 05 00 00 00 ff ff ca c9 c9 07 00', 'Hello'],
    ['a block with BFINAL set, without the empty one behind it', 'f3 48 cd c9 c9 07 00', 'Hello'],
    [
      'an empty block with BFINAL set that the tail belongs to',
      'f2 48 cd c9 c9 07 00 00 00 ff ff 01',
      'Hello',
    ],
    ['two blocks with BFINAL set', 'f3 48 cd c9 c9 07 00 0b cf 2f ca 49 01 00 00', 'HelloWorld'],
    ['a block behind one with BFINAL set', 'f3 48 cd c9 c9 07 00 0a cf 2f ca 49 01 00', 'HelloWorld'],
    ['a block behind two with BFINAL set', 'f3 48 cd c9 c9 07 00 03 00 0a cf 2f ca 49 01 00', 'HelloWorld'],
    ['a block behind one that says nothing', '03 00 f2 48 cd c9 c9 07 00', 'Hello'],
    ['an empty message (§7.2.3.6)', '00', ''],
    ['no byte at all', '', ''],
    ['an empty block with BFINAL set', '03 00', ''],
    ['an empty block with BFINAL set that is stored', '01', ''],
    ['several empty blocks', '00 00 00 ff ff 00 00 00 ff ff 02 00', ''],
    ['several empty blocks with BFINAL set', '03 00 03 00 01 00 00 ff ff 03 00 00', ''],
  ])('%s', async (_, packed, expected) => {
    for (const parameters of [WITHOUT_CONTEXT, WITH_CONTEXT]) {
      const side = message_deflate(parameters)
      expect(String(await inflate(side, hex(packed)))).toBe(expected)
      expect(await inflate(side, packed_by_zlib(HELLO))).toEqual(HELLO)
    }
  })

  it('blocks after one with BFINAL set, on another thread, too', async () => {
    const parts = [words(100_000, 1), noise(50_000, 2), words(10, 3), words(200_000, 4)]
    const packed = [...parts.map(final_blocks), hex('00')]
    expect_same(await inflate(message_deflate(), Buffer.concat(packed)), Buffer.concat(parts))
  })

  it('blocks that refer to data before one with BFINAL set', async () => {
    for (const size of [300, 20_000]) {
      const [first, second] = [noise(size, 1), noise(size, 1)]
      const packed = Buffer.concat([final_blocks(first), packed_by_zlib(second, { dictionary: first })])
      expect(packed.length).toBeLessThan(1.2 * size)
      expect_same(await inflate(message_deflate(), packed), Buffer.concat([first, second]))
    }
  })

  it('up to 32 parts that end with BFINAL set, and refuses more', async () => {
    const part = final_blocks('Hello')
    for (const size of [0, 100_000]) {
      const rest = packed_by_zlib(words(size))
      const at_most = Buffer.concat([...Array<Buffer>(31).fill(part), rest])
      expect_same(
        await inflate(message_deflate(), at_most),
        Buffer.concat([Buffer.from('Hello'.repeat(31)), words(size)]),
      )
    }
    const more = Buffer.concat([...Array<Buffer>(33).fill(part), hex('00')])
    expect(await inflate(message_deflate(), more)).toBe('broken_compression')
    const many = Buffer.concat(Array<Buffer>(20_000).fill(hex('03 00')))
    expect(await inflate(message_deflate(), many)).toBe('broken_compression')
  })

  it('each message into a buffer of its own', async () => {
    for (const size of SIZES) {
      const result = await inflate(message_deflate(), packed_by_zlib(words(size)))
      expect([size, (result as Buffer).buffer.byteLength]).toEqual([size, size])
    }
  })
})

describe('MessageDeflate keeps contexts (§7.1.1)', () => {
  it('refers to earlier messages if negotiated, which makes messages far smaller', async () => {
    const [with_context, without] = [message_deflate(WITH_CONTEXT), message_deflate()]
    const message = noise(3_000)
    const first = await deflate(with_context, message)
    const second = await deflate(with_context, message)
    expect(second.length).toBeLessThan(first.length / 20)
    expect_same(unpacked_by_zlib(second, { dictionary: message }), message)
    await deflate(without, message)
    expect_same(unpacked_by_zlib(await deflate(without, message)), message)
  })

  it('accepts references to earlier messages if negotiated, and refuses them otherwise', async () => {
    const again = hex('f2 00 11 00 00')
    const with_context = message_deflate(WITH_CONTEXT)
    expect(String(await inflate(with_context, hex('f2 48 cd c9 c9 07 00')))).toBe('Hello')
    expect(String(await inflate(with_context, again))).toBe('Hello')
    const without = message_deflate()
    expect(String(await inflate(without, hex('f2 48 cd c9 c9 07 00')))).toBe('Hello')
    expect(await inflate(without, again)).toBe('broken_compression')
  })

  it('keeps them over messages with BFINAL set, empty ones, and large ones', async () => {
    const side = message_deflate(WITH_CONTEXT)
    const messages = [noise(1_000, 1), Buffer.alloc(0), noise(90_000, 2), noise(1_000, 3), noise(20_000, 4)]
    let before = Buffer.alloc(0)
    for (const message of [...messages, ...messages]) {
      const dictionary = before.subarray(-32_768)
      const options = dictionary.length > 0 ? { dictionary } : {}
      const packed = Buffer.concat([deflateRawSync(message, options), hex('00')])
      expect_same(await inflate(side, packed), message)
      before = Buffer.concat([before, message])
    }
  })

  it('never lets a message refer to one of another connection that uses the same stream', async () => {
    const secret = noise(20_000)
    const thief = packed_by_zlib(noise(20_000), { dictionary: secret })
    expect(thief.length).toBeLessThan(2_000)
    // Stored blocks in front make it long enough for another thread.
    const long = Buffer.concat([packed_by_zlib(noise(8_000, 2)), TAIL, thief])
    for (let count = 0; count < 4; count += 1) {
      await inflate(message_deflate(), packed_by_zlib(secret))
      expect(await inflate(message_deflate(), long)).toBe('broken_compression')
      expect(await inflate(message_deflate(), thief)).toBe('broken_compression')
      const packed = await Promise.all([secret, secret].map(data => deflate(message_deflate(), data)))
      expect(packed.map(each => each.length > 20_000)).toEqual([true, true])
    }
  })

  it('is not affected by changes to a delivered message', async () => {
    const side = message_deflate(WITH_CONTEXT)
    const result = await inflate(side, hex('f2 48 cd c9 c9 07 00'))
    ;(result as Buffer).fill(0)
    expect(String(await inflate(side, hex('f2 00 11 00 00')))).toBe('Hello')
  })
})

describe('MessageDeflate refuses', () => {
  it.each([
    ['a reserved type of block', 'ff ff ff ff'],
    ['a length that does not match its complement', '00 05 00 00 00 48'],
    ['a distance that leads before the start', '02 03 00'],
    ['a table of codes that is wrong', '04 ff ff ff ff ff ff ff'],
    ['a stored block that is cut off', '00 05 00 fa ff 48 65'],
    ['a stored block that is cut off within the tail', '00 07 00 f8 ff 48 65 6c 6c 6f'],
    ['a block with BFINAL set that is cut off', 'f3 48 cd c9'],
    ['a broken block behind one with BFINAL set', 'f3 48 cd c9 c9 07 00 ff ff'],
    ['a block that is cut off behind one with BFINAL set', 'f3 48 cd c9 c9 07 00 0a cf 2f'],
  ])('%s', async (_, packed) => {
    for (const parameters of [WITHOUT_CONTEXT, WITH_CONTEXT]) {
      expect(await inflate(message_deflate(parameters), hex(packed))).toBe('broken_compression')
    }
  })

  it('every message that is cut off within a block', async () => {
    for (const data of [words(500), noise(500), words(60_000)]) {
      for (const packed of [packed_by_zlib(data), deflateRawSync(data)]) {
        const side = message_deflate()
        const step = Math.ceil(packed.length / 100)
        for (let size = 1; size < packed.length - 6; size += step) {
          const result = await inflate(side, packed.subarray(0, size))
          // Between two blocks, all before is a message of its own.
          if (typeof result === 'string') expect(result).toBe('broken_compression')
          else expect_same(result, unpacked_plainly(packed.subarray(0, size)))
        }
        expect(await inflate(side, packed.subarray(0, 40))).toBe('broken_compression')
      }
    }
  })

  it(`no valid message, and hangs on none that is damaged (seed ${test_seed})`, async () => {
    const random = seeded_random(test_seed)
    const side = message_deflate()
    for (let round = 0; round < 500; round += 1) {
      const packed = Buffer.from(packed_by_zlib(words(Math.floor(random() ** 3 * 10_000), round)))
      for (let count = random() * 3; count > 0; count -= 1) {
        packed[Math.floor(random() * packed.length)] = random() * 256
      }
      const result = await inflate(side, packed)
      if (typeof result !== 'string') expect_same(result, unpacked_plainly(packed))
    }
  })

  it.each([
    ['within this thread', 1_000],
    ['on another', 100_000],
    ['of 1 MiB', MIB],
  ])('one byte more than max_payload, but not max_payload bytes, %s', async (_, max_payload) => {
    const side = message_deflate(WITHOUT_CONTEXT, { max_payload })
    for (const make of [words, noise, Buffer.alloc]) {
      const message = Buffer.concat([make(max_payload)])
      expect_same(await inflate(side, packed_by_zlib(message)), message)
      const larger = packed_by_zlib(Buffer.concat([message, hex('61')]))
      expect(await inflate(side, larger)).toBe('message_too_large')
    }
  })

  it('parts with BFINAL set that are too large together', async () => {
    for (const size of [1_000, 100_000]) {
      const side = message_deflate(WITHOUT_CONTEXT, { max_payload: 2 * size })
      const parts = [final_blocks(words(size)), final_blocks(words(size))]
      expect_same(
        await inflate(side, Buffer.concat([...parts, hex('03 00')])),
        Buffer.concat([words(size), words(size)]),
      )
      expect(await inflate(side, Buffer.concat([...parts, final_blocks('a')]))).toBe('message_too_large')
    }
  })

  it('a zip bomb before it is decompressed to more than max_payload and one chunk', async () => {
    const bomb = packed_by_zlib(Buffer.alloc(64 * MIB))
    const side = message_deflate(WITHOUT_CONTEXT, { max_payload: 4 * MIB })
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, side.held_bytes)
    })
    const before = process.memoryUsage().arrayBuffers
    const result = await inflate(side, bomb)
    clearInterval(watch)
    expect(result).toBe('message_too_large')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(6 * MIB)
    expect(most).toBeLessThan(2 * bomb.length + 4.25 * MIB)
    expect(side.held_bytes).toBe(0)
  })
})

const unpacked_plainly = (packed: Uint8Array): Uint8Array =>
  plain_inflate(Buffer.concat([packed, TAIL])).bytes

describe(`MessageDeflate, at random (seed ${test_seed})`, () => {
  it('returns the original messages on the other side', async () => {
    const random = seeded_random(test_seed)
    const pick = (count: number): number => Math.floor(random() * count)
    for (let round = 0; round < 40; round += 1) {
      const parameters: DeflateParameters = {
        own_no_context_takeover: random() < 0.5,
        peer_no_context_takeover: random() < 0.5,
        own_window_bits: 8 + pick(8),
        peer_window_bits: 8 + pick(8),
      }
      const own = message_deflate(parameters, { level: pick(10) })
      const peer = message_deflate(other_side(parameters), { level: pick(10) })
      await Promise.all(
        [
          [own, peer],
          [peer, own],
        ].map(async ([from, to]) => {
          for (let count = 0; count < 6; count += 1) {
            const size = Math.floor(random() ** 4 * 150_000)
            const message = [words, noise, (length: number) => Buffer.alloc(length)][pick(3)]?.(size, pick(3))
            if (from === undefined || to === undefined || message === undefined) throw new Error('no side')
            expect_same(await inflate(to, await deflate(from, message)), message)
          }
        }),
      )
    }
  })
})

describe('MessageDeflate takes turns', () => {
  it('among 60 connections with messages of all sizes, and gives each its own', async () => {
    const connections = Array.from({ length: 60 }, (_, index) => ({
      side: message_deflate(index % 2 === 0 ? WITHOUT_CONTEXT : WITH_CONTEXT),
      index,
    }))
    await Promise.all(
      connections.map(async ({ side, index }) => {
        for (let count = 0; count < 3; count += 1) {
          const message = words([50, 3_000, 40_000, 120_000][(index + count) % 4] ?? 0, index)
          expect_same(await inflate(side, await deflate(side, message)), message)
        }
      }),
    )
    // Only contexts are left.
    const held = connections.map(({ side, index }) => [index % 2, side.held_bytes])
    expect(held.filter(([has_context, bytes]) => has_context === 0 && bytes !== 0)).toEqual([])
    expect(held.filter(([, bytes]) => Number(bytes) > 400_000)).toEqual([])
  })

  it('so that a connection with many messages does not keep others waiting', async () => {
    const packed = packed_by_zlib(words(500))
    const order: string[] = []
    const run = (name: string, count: number): Promise<void> =>
      new Promise(resolve => {
        const side = message_deflate()
        const next = (left: number): void => {
          side.inflate(packed, () => {
            order.push(name)
            if (left > 1) next(left - 1)
            else resolve()
          })
        }
        next(count)
      })
    await Promise.all([run('busy', 100), run('a', 2), run('b', 2)])
    expect(order.slice(0, 6)).toEqual(['busy', 'a', 'b', 'busy', 'a', 'b'])
  })

  it('so that neither timers nor sockets wait for many short messages', async () => {
    const packed = packed_by_zlib(words(20_000))
    let left = 2_000
    let turns = 0
    const count_turn = (): void => {
      turns += 1
      if (left > 0) setImmediate(count_turn)
    }
    setImmediate(count_turn)
    await Promise.all(
      Array.from({ length: 2_000 }, async () => {
        await inflate(message_deflate(), packed)
        left -= 1
      }),
    )
    // Each takes some 30 µs or more, and a turn a millisecond.
    expect(turns).toBeGreaterThan(10)
  })

  it('so that short and middling messages do not wait for large ones', async () => {
    const large = noise(MIB)
    const ended: string[] = []
    const run = async (name: string, size: number): Promise<void> => {
      await deflate(message_deflate(), large.subarray(0, size))
      ended.push(name)
    }
    await Promise.all([
      ...Array.from({ length: 12 }, () => run('large', MIB)),
      ...Array.from({ length: 6 }, () => run('middling', 10_000)),
      ...Array.from({ length: 6 }, () => run('short', 1_000)),
    ])
    const last_of_others = Math.max(ended.lastIndexOf('middling'), ended.lastIndexOf('short'))
    expect(ended.slice(last_of_others).length).toBeGreaterThan(6)
  })

  it('so that large messages do not wait for a flood of middling ones', async () => {
    let is_over = false
    const flood = Array.from({ length: 20 }, async () => {
      const side = message_deflate()
      while (!is_over) await deflate(side, noise(10_000))
    })
    await deflate(message_deflate(), noise(MIB))
    is_over = true
    await Promise.all(flood)
  })

  it('and calls back later, even for an empty message', () => {
    let called = 0
    message_deflate().inflate(hex('00'), () => (called += 1))
    message_deflate().deflate(Buffer.alloc(0), () => (called += 1))
    expect(called).toBe(0)
  })

  it('and calls back in the asynchronous context in which it was made', async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: string[] = []
    const sides = ['a', 'b', 'c'].map(name => storage.run(name, () => message_deflate()))
    const packed = [100, 50_000].map(size => packed_by_zlib(words(size)))
    const note = (): number => seen.push(String(storage.getStore()))
    await storage.run('a caller', () =>
      Promise.all(
        sides.map(async side => {
          for (const payload of packed) {
            await new Promise<void>(resolve => {
              side.inflate(payload, () => {
                note()
                resolve()
              })
            })
          }
        }),
      ),
    )
    expect(seen.sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
  })
})

describe('MessageDeflate.end', () => {
  it.each([
    ['short', 1_000],
    ['long', 300_000],
  ])('drops %s messages that wait or are in progress, without a callback', async (_, size) => {
    const message = noise(size)
    const packed = packed_by_zlib(message)
    let called = 0
    const sides = Array.from({ length: 20 }, () => message_deflate(WITH_CONTEXT))
    await Promise.all(sides.map(side => deflate(side, message)))
    for (const side of sides) {
      side.inflate(packed, () => (called += 1))
      side.deflate(message, () => (called += 1))
    }
    // Some have begun, some have not.
    await new Promise(resolve => setImmediate(resolve))
    const before = called
    for (const side of sides) side.end()
    expect(sides.map(side => side.held_bytes)).toEqual(Array(20).fill(0))
    for (const side of sides) side.inflate(packed, () => (called += 1))
    for (const side of sides) side.deflate(message, () => (called += 1))
    // The turns of those that ended are free for others.
    await Promise.all(Array.from({ length: 8 }, () => deflate(message_deflate(), message)))
    expect(called).toBe(before)
  })

  it('may be called from the callback', async () => {
    for (const size of [100, 100_000]) {
      const side = message_deflate(WITH_CONTEXT)
      await new Promise<void>(resolve => {
        side.inflate(packed_by_zlib(words(size)), () => {
          side.end()
          resolve()
        })
      })
      expect(side.held_bytes).toBe(0)
    }
  })
})

describe('MessageDeflate.held_bytes', () => {
  it('counts waiting messages, those in progress, and contexts', async () => {
    const side = message_deflate(WITH_CONTEXT)
    expect(side.held_bytes).toBe(0)
    const message = noise(200_000)
    const packing = deflate(side, message)
    expect(side.held_bytes).toBeGreaterThanOrEqual(200_000 + 262_144)
    await packing
    const own_context = side.held_bytes
    expect(own_context).toBeGreaterThan(262_144)
    expect(own_context).toBeLessThan(400_000)
    const packed = packed_by_zlib(message)
    const unpacked = inflate(side, packed)
    expect(side.held_bytes).toBeGreaterThanOrEqual(own_context + packed.length + 32_768)
    await unpacked
    expect(side.held_bytes).toBe(own_context + 32_768)
  })

  it('is nothing between messages without context takeover, and 10,000 connections take up little', async () => {
    const before = process.memoryUsage()
    const sides = Array.from({ length: 10_000 }, () => message_deflate())
    for (const side of sides.slice(0, 100)) await inflate(side, await deflate(side, words(2_000)))
    expect(sides.filter(side => side.held_bytes > 0)).toEqual([])
    const after = process.memoryUsage()
    expect(after.external - before.external).toBeLessThan(8 * MIB)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(16 * MIB)
  })
})

it('max_compressed_bytes is enough for the worst case of zlib, flushed after every KiB', () => {
  for (const size of [1, 1_000, 100_000, MIB]) {
    for (const options of [
      { level: 0 },
      { level: 1, memLevel: 1, windowBits: 9 },
      { strategy: constants.Z_FIXED },
    ]) {
      const message = noise(size)
      const flushes = 5 * Math.ceil(size / 1_024)
      expect(packed_by_zlib(message, options).length + flushes).toBeLessThan(max_compressed_bytes(size))
    }
  }
  expect(max_compressed_bytes(MIB)).toBeLessThan(1.2 * MIB)
})

it('accepted parameters work against the peer that offered', async () => {
  const accepted = accept_deflate(['permessage-deflate; server_max_window_bits=9; client_max_window_bits=8'])
  const server = message_deflate(accepted?.parameters)
  const client = message_deflate(agreed_deflate(String(accepted?.answer)))
  const message = words(5_000)
  expect_same(await inflate(client, await deflate(server, message)), message)
  expect_same(await inflate(server, await deflate(client, message)), message)
})
