import { describe, expect, test } from 'vitest'
import { mask, NOT_ASCII, release_words, rotate_key } from '../../src/frames/mask.js'
import { seeded_random, test_seed } from '../seeded_random.js'

const KEY = 0x89ab4dcf | 0
const KEY_BYTES = [0x89, 0xab, 0x4d, 0xcf]
const random = seeded_random(test_seed)
const random_bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => random() * 256)
const or = (bytes: Uint8Array): number => bytes.reduce((all, byte) => all | byte, 0)

describe('mask', () => {
  // Sizes on both sides of the 64 bytes from which on words are used, at any offset within a word.
  test.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'XORs exactly the bytes from start to end, with a start %i bytes into the memory',
    offset => {
      const wrong: string[] = []
      for (let count = 0; count <= 140; count += 1) {
        for (const start of [0, 1, 2, 3]) {
          const memory = random_bytes(offset + start + count + 9)
          const meant = memory.map((byte, at) => {
            const index = at - offset - start
            return index >= 0 && index < count ? byte ^ (KEY_BYTES[index % 4] as number) : byte
          })
          mask(memory.subarray(offset), start, start + count, KEY)
          if (Buffer.compare(memory, meant) !== 0) wrong.push(`${count} bytes from ${start}`)
        }
      }
      expect(wrong).toEqual([])
    },
  )

  test('masks large payloads in memory whose size is not a multiple of four', () => {
    for (const size of [100, 101, 102, 103]) {
      const bytes = new Uint8Array(size)
      mask(bytes, 0, size, KEY)
      expect(bytes).toEqual(Uint8Array.from({ length: size }, (_, at) => KEY_BYTES[at % 4] as number))
    }
  })

  test('returns for each single byte whether the result is ASCII', () => {
    const wrong: string[] = []
    for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 65, 66, 67, 68, 100]) {
      for (let place = 0; place < count; place += 1) {
        for (const byte of [0x7f, 0x80, 0xff]) {
          const bytes = new Uint8Array(count).fill(0x41)
          bytes[place] = byte
          mask(bytes, 0, count, KEY)
          const is_ascii = (mask(bytes, 0, count, KEY) & NOT_ASCII) === 0
          if (is_ascii !== byte < 0x80) wrong.push(`${byte} at ${place} of ${count}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  test('masks several buffers in turn, and one that was released', () => {
    const [first, second] = [new Uint8Array(64), new Uint8Array(64)]
    mask(first, 0, 64, KEY)
    mask(second, 0, 64, KEY)
    release_words()
    mask(first, 0, 64, KEY)
    expect([or(first), or(second)]).toEqual([0, KEY_BYTES.reduce((all, byte) => all | byte)])
  })
})

describe('rotate_key', () => {
  test('returns the key for a byte further on', () => {
    for (let count = 0; count <= 9; count += 1) {
      const bytes = new Uint8Array(4)
      mask(bytes, 0, 4, rotate_key(KEY, count))
      expect([...bytes]).toEqual([0, 1, 2, 3].map(at => KEY_BYTES[(at + count) % 4]))
    }
  })

  test('lets a payload be masked in two parts of any size', () => {
    for (let cut = 0; cut <= 70; cut += 1) {
      const whole = random_bytes(140)
      const parts = whole.slice()
      mask(whole, 0, 140, KEY)
      mask(parts, 0, cut, KEY)
      mask(parts, cut, 140, rotate_key(KEY, cut))
      expect(parts).toEqual(whole)
    }
  })
})
