import { describe, expect, test } from 'vitest'
import { utf8_length } from '../../src/frames/utf8.js'

const encoder = new TextEncoder()
const target = new Uint8Array(64)
const encoded_length = (text: string): number => encoder.encodeInto(text, target).written

describe('utf8_length', () => {
  test.each(Array.from({ length: 0x11 }, (_, plane) => plane))(
    'counts every code point of plane %i like TextEncoder, including lone surrogates',
    plane => {
      const wrong: string[] = []
      for (let point = plane * 0x1_0000; point < (plane + 1) * 0x1_0000; point += 1) {
        // The letters prevent lone surrogates from pairing.
        const text = `a${String.fromCodePoint(point)}a`
        if (utf8_length(text) !== encoded_length(text)) wrong.push(point.toString(16))
      }
      expect(wrong).toEqual([])
    },
  )

  // RFC 3629 §3: the first and the last of each length.
  test.each([
    ['\u0000', 1],
    ['\u007f', 1],
    ['\u0080', 2],
    ['\u07ff', 2],
    ['\u0800', 3],
    ['\ud7ff', 3],
    ['\ue000', 3],
    ['\uffff', 3],
    ['\u{10000}', 4],
    ['\u{10ffff}', 4],
  ])('counts %j as %i bytes', (text, bytes) => {
    expect(utf8_length(text)).toBe(bytes)
  })

  test.each([
    ['a high surrogate alone', '\ud800', 3],
    ['a low surrogate alone', '\udfff', 3],
    ['a high surrogate at the end', 'x\udbff', 4],
    ['a high surrogate before a letter', '\ud83dx', 4],
    ['two high surrogates', '\ud83d\ud83d', 6],
    ['a pair the wrong way round', '\ude00\ud83d', 6],
    ['a high surrogate before a pair', '\ud83d\ud83d\ude00', 7],
    ['a low surrogate behind a pair', '\ud83d\ude00\ude00', 7],
  ])('counts %s as the U+FFFD that TextEncoder writes for it', (_, text, bytes) => {
    expect(utf8_length(text)).toBe(bytes)
    expect(encoded_length(text)).toBe(bytes)
  })

  test('counts no bytes for empty text', () => {
    expect(utf8_length('')).toBe(0)
  })

  test('adds up characters of all lengths', () => {
    expect(utf8_length('aé中😀'.repeat(1_000))).toBe(10_000)
  })
})
