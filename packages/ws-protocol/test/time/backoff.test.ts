import { describe, expect, it } from 'vitest'
import { Backoff } from '../../src/time/backoff.js'
import { seeded_random, test_seed } from '../seeded_random.js'

/** The largest possible random number. */
const ALMOST_ONE = 1 - Number.EPSILON

const settings = { min_delay: 500, max_delay: 20_000, max_attempts: Infinity }

function delays(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.next_delay_ms())
}

describe('Backoff', () => {
  it('doubles the bound of delays with every attempt, from min_delay up to max_delay', () => {
    const backoff = new Backoff(settings, () => ALMOST_ONE)
    expect(delays(backoff, 9)).toEqual([499, 999, 1_999, 3_999, 7_999, 15_999, 19_999, 19_999, 19_999])
  })

  it.each([
    [0, [0, 0, 0]],
    [0.25, [125, 250, 500]],
    [0.5, [250, 500, 1_000]],
  ])('returns a delay of %d of its bound', (random, expected) => {
    expect(delays(new Backoff(settings, () => random), 3)).toEqual(expected)
  })

  it(`returns whole milliseconds from the whole range below the bound, different each time (seed ${test_seed})`, () => {
    const random = seeded_random(test_seed)
    const waits = Array.from({ length: 1_000 }, () => new Backoff(settings, random).next_delay_ms())
    expect(waits.filter(wait => !Number.isInteger(wait) || wait < 0 || wait >= 500)).toEqual([])
    const tenths = new Set(waits.map(wait => Math.floor(wait / 50)))
    expect(tenths.size).toBe(10)
  })

  it('returns a delay below max_delay for the thousandth attempt, too', () => {
    const backoff = new Backoff({ ...settings, max_delay: 2_147_483_647 }, () => ALMOST_ONE)
    const waits = delays(backoff, 2_000)
    expect(waits.at(-1)).toBe(2_147_483_646)
    expect(waits.every(Number.isInteger)).toBe(true)
  })

  it('has one bound if min_delay equals max_delay', () => {
    const backoff = new Backoff({ ...settings, min_delay: 20_000 }, () => ALMOST_ONE)
    expect(delays(backoff, 2)).toEqual([19_999, 19_999])
  })

  it('counts attempts, and allows max_attempts of them', () => {
    const backoff = new Backoff({ ...settings, max_attempts: 2 }, () => 0)
    expect([backoff.attempts, backoff.may_try]).toEqual([0, true])
    backoff.next_delay_ms()
    expect([backoff.attempts, backoff.may_try]).toEqual([1, true])
    backoff.next_delay_ms()
    expect([backoff.attempts, backoff.may_try]).toEqual([2, false])
  })

  it('allows any number of attempts if max_attempts is Infinity', () => {
    const backoff = new Backoff(settings, () => 0)
    delays(backoff, 10_000)
    expect(backoff.may_try).toBe(true)
  })

  it('starts over with the first bound after a reset', () => {
    const backoff = new Backoff({ ...settings, max_attempts: 2 }, () => ALMOST_ONE)
    delays(backoff, 2)
    backoff.reset()
    expect([backoff.attempts, backoff.may_try, backoff.next_delay_ms()]).toEqual([0, true, 499])
  })
})
