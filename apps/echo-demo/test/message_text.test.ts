import { expect, it } from 'vitest'
import { quoted, shown, visible } from '../src/shared/message_text.ts'

it('escapes control characters as in source code', () => {
  expect(visible('a\nb\tc\r\x1b[2J\x7f\x9b')).toBe('a\\nb\\tc\\r\\x1b[2J\\x7f\\x9b')
})

it.each([
  ['an Arabic letter mark', '\u061c', '\\u{61c}'],
  ['a zero-width space', '\u200b', '\\u{200b}'],
  ['a right-to-left override', '\u202e', '\\u{202e}'],
  ['a line separator', '\u2028', '\\u{2028}'],
  ['an isolate', '\u2066', '\\u{2066}'],
  ['a lone surrogate', '\ud800', '\\u{d800}'],
  ['a tag', '\u{e0041}', '\\u{e0041}'],
  ['NUL', '\0', '\\x00'],
])('writes %s as its code point', (_name, character, shown) => {
  expect(visible(`a${character}b`)).toBe(`a${shown}b`)
})

it('leaves all other text unchanged', () => {
  expect(visible('收到 🎉 "x"')).toBe('收到 🎉 "x"')
})

it('shows bytes as hexadecimal numbers, and only the first 100', () => {
  expect(shown(Uint8Array.of(0, 10, 255))).toBe('3 bytes: 00 0a ff')
  expect(shown(new Uint8Array(1_000))).toMatch(/^1000 bytes: (00 ){100}…$/)
})

it('quotes the beginning of a long text, with its length', () => {
  expect(quoted('hello')).toBe("'hello'")
  expect(quoted('x'.repeat(5_000))).toBe(`'${'x'.repeat(100)}…' (5000 characters)`)
})
