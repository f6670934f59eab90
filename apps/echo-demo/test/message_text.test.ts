import { expect, it } from 'vitest'
import { quoted, shown, visible } from '../src/message_text.ts'

it('writes control characters as they are written in source code', () => {
  expect(visible('a\nb\tc\r\x1b[2J\x7f\x9b')).toBe('a\\nb\\tc\\r\\x1b[2J\\x7f\\x9b')
})

it('leaves all other text as it is', () => {
  expect(visible('收到 🎉 "x"')).toBe('收到 🎉 "x"')
})

it('shows bytes as hexadecimal numbers, and the beginning of many', () => {
  expect(shown(Uint8Array.of(0, 10, 255))).toBe('3 bytes: 00 0a ff')
  expect(shown(new Uint8Array(1_000))).toMatch(/^1000 bytes: (00 ){100}…$/)
})

it('quotes the beginning of a long text, and says how long it is', () => {
  expect(quoted('hello')).toBe("'hello'")
  expect(quoted('x'.repeat(5_000))).toBe(`'${'x'.repeat(100)}…' (5000 characters)`)
})
