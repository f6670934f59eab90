import { afterEach, expect, test, vi } from 'vitest'
import { type MaskedMemory, masked_memory } from '../../../src/node/memory/mask_program.js'

const KEY = 0xcf4dab89 | 0
const KEY_BYTES = [0x89, 0xab, 0x4d, 0xcf]

afterEach(() => vi.unstubAllGlobals())

test('masks exactly the bytes from start to end, and returns all that come out, OR-ed together', () => {
  const { memory, mask } = masked_memory() as MaskedMemory
  const wrong: string[] = []
  for (let start = 0; start < 17; start += 1)
    for (let count = 0; count < 70; count += 1) {
      const end = start + count
      for (let at = 0; at < 100; at += 1) memory[at] = at * 59
      const meant = Uint8Array.from(memory.subarray(0, 100), (byte, at) =>
        at >= start && at < end ? byte ^ (KEY_BYTES[(at - start) % 4] as number) : byte,
      )
      const word = mask(start, end, KEY)
      const all = (word | (word >>> 8) | (word >>> 16) | (word >>> 24)) & 0xff
      const is_right = all === meant.subarray(start, end).reduce((before, byte) => before | byte, 0)
      if (!is_right || memory.compare(meant, 0, 100, 0, 100) !== 0) wrong.push(`${start} to ${end}`)
    }
  expect(wrong).toEqual([])
})

test('masks all of its 64 KiB', () => {
  const { memory, mask } = masked_memory() as MaskedMemory
  expect(memory.length).toBe(65_536)
  mask(0, memory.length, KEY)
  expect(memory.equals(Buffer.alloc(65_536, Uint8Array.from(KEY_BYTES)))).toBe(true)
})

test('is unavailable without WebAssembly', () => {
  vi.stubGlobal('WebAssembly', undefined)
  expect(masked_memory()).toBeUndefined()
})
