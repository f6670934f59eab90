import { describe, expect, it } from 'vitest'
import { backoff_ms } from '../../src/time/backoff.js'
import { seeded_random, test_seed } from '../seeded_random.js'

/** The largest possible random number. */
const ALMOST_ONE = 1 - Number.EPSILON

const settings = { min_delay: 500, max_delay: 20_000 }

/** The delays before the first attempts. */
function delays(random: number, count: number, changed: Partial<typeof settings> = {}): number[] {
  return Array.from({ length: count }, (_, attempts) =>
    backoff_ms({ ...settings, ...changed }, attempts, random),
  )
}

describe('backoff_ms', () => {
  it('doubles the bound of delays with every attempt, from min_delay up to max_delay', () => {
    expect(delays(ALMOST_ONE, 9)).toEqual([499, 999, 1_999, 3_999, 7_999, 15_999, 19_999, 19_999, 19_999])
  })

  it.each([
    [0, [0, 0, 0]],
    [0.25, [125, 250, 500]],
    [0.5, [250, 500, 1_000]],
  ])('returns a delay of %d of its bound', (random, expected) => {
    expect(delays(random, 3)).toEqual(expected)
  })

  it(`returns whole milliseconds from the whole range below the bound (seed ${test_seed})`, () => {
    const random = seeded_random(test_seed)
    const waits = Array.from({ length: 1_000 }, () => backoff_ms(settings, 0, random()))
    expect(waits.filter(wait => !Number.isInteger(wait) || wait < 0 || wait >= 500)).toEqual([])
    const tenths = new Set(waits.map(wait => Math.floor(wait / 50)))
    expect(tenths.size).toBe(10)
  })

  it('returns a delay below max_delay for the thousandth attempt, too', () => {
    const waits = delays(ALMOST_ONE, 2_000, { max_delay: 2_147_483_647 })
    expect(waits.at(-1)).toBe(2_147_483_646)
    expect(waits.every(Number.isInteger)).toBe(true)
  })

  it('has one bound if min_delay equals max_delay', () => {
    expect(delays(ALMOST_ONE, 2, { min_delay: 20_000 })).toEqual([19_999, 19_999])
  })
})
