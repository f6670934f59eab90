import { expect, test } from 'vitest'
import { decoder_memory } from '../../../src/node/memory/decoder_memory.js'

const bytes = Buffer.from('..héllo👋..')

test('allocates exactly the requested bytes, in a buffer of their own', () => {
  const memory = decoder_memory.allocate(5)
  expect([memory.byteLength, memory.buffer.byteLength]).toEqual([5, 5])
})

test('copies a part into a buffer of its own', () => {
  const source = Buffer.from('..abc..')
  const copy = decoder_memory.copy(source.subarray(1), 1, 4)
  source.fill(0)
  expect([...copy]).toEqual([0x61, 0x62, 0x63])
  expect(copy.buffer.byteLength).toBe(3)
})

test('copies an empty range', () => {
  expect(decoder_memory.copy(bytes, 3, 3).byteLength).toBe(0)
})

test('reads a part as text', () => {
  expect(decoder_memory.utf8_text(bytes, 2, bytes.length - 2)).toBe('héllo👋')
  expect(decoder_memory.ascii_text(bytes, 0, 3)).toBe('..h')
  expect(decoder_memory.ascii_text(bytes, 1, 1)).toBe('')
})

test('distinguishes ASCII and UTF-8 from other bytes', () => {
  const { is_ascii, is_utf8 } = decoder_memory
  expect([is_ascii(Buffer.from('a\x7f')), is_ascii(Buffer.from('é'))]).toEqual([true, false])
  expect([is_utf8(bytes), is_utf8(bytes.subarray(0, 4))]).toEqual([true, false])
})

test('reads text from memory that it allocated', () => {
  const memory = decoder_memory.allocate(3)
  memory.set(Buffer.from('a€').subarray(1))
  expect(decoder_memory.utf8_text(memory, 0, 3)).toBe('€')
})
