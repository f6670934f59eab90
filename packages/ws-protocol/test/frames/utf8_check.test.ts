import { isUtf8 } from 'node:buffer'
import { hex } from '@bt/test-support/frames'
import { describe, expect, test } from 'vitest'
import { Utf8Check } from '../../src/frames/utf8_check.js'
import { may_become_utf8 } from './plain_decoder.js'

/** The first and last byte of each range of RFC 3629 §4, and their neighbours. */
const EDGES = [
  ...[0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee],
  ...[0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff],
]

/** Returns the number of bytes in the accepted pieces. */
function accepted(check: Utf8Check, bytes: Buffer, cuts: readonly number[]): number {
  const ends = [...cuts, bytes.length]
  let start = 0
  for (const end of ends) {
    if (!check.accepts(bytes, start, end, isUtf8)) return start
    start = end
  }
  return start
}

/** Returns all sequences of `count` edges. */
function* sequences(count: number): Generator<number[]> {
  if (count === 0) yield []
  else for (const rest of sequences(count - 1)) for (const byte of EDGES) yield [...rest, byte]
}

describe('UTF-8 in pieces', () => {
  test('is valid if the platform finds it valid in one piece: all edges, three bytes, cut anywhere', () => {
    const wrong: string[] = []
    for (const sequence of sequences(3)) {
      const bytes = Buffer.from(sequence)
      for (const cuts of [[], [1], [2], [1, 2]]) {
        const check = new Utf8Check()
        const is_utf8 = accepted(check, bytes, cuts) === bytes.length && check.is_complete
        if (is_utf8 !== isUtf8(bytes)) wrong.push(`${bytes.toString('hex')} cut at ${cuts}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('is valid likewise with characters of four bytes between others', () => {
    const wrong: string[] = []
    for (const lead of [0xef, 0xf0, 0xf1, 0xf4, 0xf5]) {
      for (const [second = 0, third = 0] of sequences(2)) {
        for (const fourth of [0x7f, 0x80, 0xbf, 0xc2]) {
          const bytes = Buffer.from([0x61, lead, second, third, fourth, 0x62])
          for (const cuts of [[], [2], [3], [4], [5], [2, 4], [1, 2, 3, 4, 5]]) {
            const check = new Utf8Check()
            const is_utf8 = accepted(check, bytes, cuts) === bytes.length && check.is_complete
            if (is_utf8 !== isUtf8(bytes)) wrong.push(`${bytes.toString('hex')} cut at ${cuts}`)
          }
        }
      }
    }
    expect(wrong).toEqual([])
  })

  test('is refused at the first byte that makes it invalid', () => {
    const wrong: string[] = []
    for (const sequence of sequences(3)) {
      const bytes = Buffer.from(sequence)
      const place = accepted(new Utf8Check(), bytes, [1, 2])
      const prefixes = [1, 2, 3].filter(end => may_become_utf8(bytes.subarray(0, end)))
      if (place !== (prefixes.at(-1) ?? 0)) wrong.push(`${bytes.toString('hex')} at ${place}`)
    }
    expect(wrong).toEqual([])
  })

  test.each(['c3', 'e2', 'e2 82', 'f0', 'f0 9f', 'f0 9f 91'])('is incomplete after %s', digits => {
    const check = new Utf8Check()
    expect(check.is_complete).toBe(true)
    expect(check.accepts(hex(digits), 0, hex(digits).length, isUtf8)).toBe(true)
    expect(check.is_complete).toBe(false)
  })

  test('is always accepted if empty', () => {
    const check = new Utf8Check()
    check.accepts(hex('e2'), 0, 1, isUtf8)
    expect(check.accepts(hex('ff'), 0, 0, isUtf8)).toBe(true)
    expect(check.is_complete).toBe(false)
  })
})
