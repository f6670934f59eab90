import { describe, expect, test } from 'vitest'
import { compression_level, compression_threshold } from '../../../src/node/wire/wire_options.js'

describe('compression', () => {
  test.each([
    ['true', true, 1_024, 6],
    ['no wish', {}, 1_024, 6],
    ['a threshold', { threshold: 10 }, 10, 6],
    ['a threshold of 0, which compresses everything', { threshold: 0 }, 0, 6],
    ['a level', { level: 9 }, 1_024, 9],
    ['both', { threshold: 10, level: 1 }, 10, 1],
    ['undefined for both', { threshold: undefined, level: undefined }, 1_024, 6],
  ])('has a threshold and a level for %s', (_, compression, threshold, level) => {
    expect([compression_threshold(compression), compression_level(compression)]).toEqual([threshold, level])
  })
})
