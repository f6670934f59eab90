import { describe, expect, test } from 'vitest'
import { portable_text } from '../src/portable_text.js'

const encoder = new TextEncoder()

function written(text: string): Uint8Array {
  const bytes = new Uint8Array(portable_text.byte_length(text))
  portable_text.write(text, bytes, 0)
  return bytes
}

/** Every code point of a block of 4,096, lone surrogates included, each between two letters that no surrogate pairs with. */
function block_of(first: number): string {
  let text = ''
  for (let point = first; point < first + 0x1000; point += 1) text += `a${String.fromCodePoint(point)}`
  return text
}

describe('portable_text', () => {
  test.each(Array.from({ length: 0x11 }, (_, plane) => plane))(
    'writes every code point of plane %i as TextEncoder does',
    plane => {
      for (let first = plane * 0x1_0000; first < (plane + 1) * 0x1_0000; first += 0x1000) {
        const text = block_of(first)
        const [expected, actual] = [encoder.encode(text), written(text)]
        expect(Buffer.compare(actual, expected), `from U+${first.toString(16)} on`).toBe(0)
      }
    },
  )

  // RFC 3629 §3: the first and the last of each length.
  test.each([
    ['\u0000', [0x00]],
    ['\u007f', [0x7f]],
    ['\u0080', [0xc2, 0x80]],
    ['\u07ff', [0xdf, 0xbf]],
    ['\u0800', [0xe0, 0xa0, 0x80]],
    ['\ud7ff', [0xed, 0x9f, 0xbf]],
    ['\ue000', [0xee, 0x80, 0x80]],
    ['\uffff', [0xef, 0xbf, 0xbf]],
    ['\u{10000}', [0xf0, 0x90, 0x80, 0x80]],
    ['\u{10ffff}', [0xf4, 0x8f, 0xbf, 0xbf]],
  ])('writes %j as %j', (text, bytes) => {
    expect([...written(text)]).toEqual(bytes)
    expect(portable_text.byte_length(text)).toBe(bytes.length)
  })

  test.each([
    ['a high surrogate alone', '\ud800'],
    ['a low surrogate alone', '\udfff'],
    ['a high surrogate at the end', 'x\udbff'],
    ['a high surrogate before a letter', '\ud83dx'],
    ['two high surrogates', '\ud83d\ud83d'],
    ['a pair the wrong way round', '\ude00\ud83d'],
    ['a high surrogate before a pair', '\ud83d\ud83d\ude00'],
    ['a low surrogate behind a pair', '\ud83d\ude00\ude00'],
  ])('writes %s with U+FFFD, as TextEncoder does', (_, text) => {
    expect(written(text)).toEqual(encoder.encode(text))
    expect(Buffer.from(written(text)).toString()).toContain('\ufffd')
  })

  test('takes no byte for no text', () => {
    expect(portable_text.byte_length('')).toBe(0)
    expect(written('')).toEqual(new Uint8Array(0))
  })

  test('writes from the offset on, and nothing else', () => {
    const target = new Uint8Array(8).fill(0xaa)
    portable_text.write('é中', target, 2)
    expect([...target]).toEqual([0xaa, 0xaa, 0xc3, 0xa9, 0xe4, 0xb8, 0xad, 0xaa])
  })

  test('writes up to the last byte of the target', () => {
    const target = new Uint8Array(5)
    portable_text.write('😀', target, 1)
    expect([...target]).toEqual([0, 0xf0, 0x9f, 0x98, 0x80])
  })

  test('allocates at least as many bytes as it is asked for', () => {
    const sizes = [0, 1, 512, 200_000]
    expect(sizes.filter(size => portable_text.allocate(size).length < size)).toEqual([])
  })
})
