import { expect, it } from 'vitest'
import { DeflateContext, dictionary_of } from '../../../src/node/deflate/deflate_context.js'
import { seeded_random, test_seed } from '../../seeded_random.js'

it(`DeflateContext keeps the last bytes of all messages (seed ${test_seed})`, () => {
  const random = seeded_random(test_seed)
  for (let round = 0; round < 50; round += 1) {
    const bits = 8 + Math.floor(random() * 8)
    const context = new DeflateContext(bits)
    let all = Buffer.alloc(0)
    for (let count = 0; count < 20; count += 1) {
      const size = Math.floor(random() ** 3 * 3 * (1 << bits))
      const message = Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)))
      context.add(message)
      all = Buffer.concat([all, message])
      const expected = all.subarray(Math.max(0, all.length - (1 << bits)))
      expect(Buffer.from(context.bytes ?? []).equals(expected)).toBe(true)
      expect(context.held_bytes).toBeLessThanOrEqual(1 << bits)
      expect(context.held_bytes).toBeGreaterThanOrEqual(expected.length)
    }
  }
})

it('DeflateContext is empty at first, and once it is cleared', () => {
  const context = new DeflateContext(15)
  expect([context.bytes, context.held_bytes]).toEqual([undefined, 0])
  context.add(new Uint8Array(0))
  expect([context.bytes, context.held_bytes]).toEqual([undefined, 0])
  context.add(new Uint8Array(100))
  context.clear()
  expect([context.bytes, context.held_bytes]).toEqual([undefined, 0])
})

it('dictionary_of joins as many of the last parts as a window holds', () => {
  const parts = [1, 2, 3].map(value => new Uint8Array(200).fill(value))
  expect([...dictionary_of(parts, 8)]).toEqual([...Array(56).fill(2), ...Array(200).fill(3)])
  expect([...dictionary_of([], 8)]).toEqual([])
})
