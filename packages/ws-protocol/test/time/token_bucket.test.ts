import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../src/testing/fake_clock.js'
import { TokenBucket } from '../../src/time/token_bucket.js'

/** Returns how many of the given number of tries succeed now. */
function taken(bucket: TokenBucket, tries: number): number {
  return Array.from({ length: tries }, () => bucket.take()).filter(Boolean).length
}

describe('TokenBucket', () => {
  it('lets a second’s worth through at once, and then as many a second', () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(4, clock)
    expect(taken(bucket, 10)).toBe(4)
    clock.advance(249)
    expect(taken(bucket, 10)).toBe(0)
    clock.advance(1)
    expect(taken(bucket, 10)).toBe(1)
    clock.advance(500)
    expect(taken(bucket, 10)).toBe(2)
  })

  it('saves up no more than a second’s worth', () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(4, clock)
    clock.advance(3_600_000)
    expect(taken(bucket, 10)).toBe(4)
  })

  it('loses nothing of the time between tries that fail', () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(1, clock)
    bucket.take()
    for (let i = 0; i < 1_000; i += 1) {
      clock.advance(0.5)
      if (i < 999) bucket.take()
    }
    expect(bucket.take()).toBe(false)
    clock.advance(500)
    expect(bucket.take()).toBe(true)
  })

  it('of one a second lets one through', () => {
    const bucket = new TokenBucket(1, new FakeClock())
    expect(taken(bucket, 10)).toBe(1)
  })

  it('gives as many as are there of those that are asked for', () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(10, clock)
    expect([bucket.take_up_to(7), bucket.take_up_to(7), bucket.take_up_to(7)]).toEqual([7, 3, 0])
    clock.advance(250)
    expect([bucket.take_up_to(7), bucket.take_up_to(7)]).toEqual([2, 0])
    clock.advance(50)
    expect(bucket.take_up_to(7)).toBe(1)
  })

  it.each([
    [100, 100],
    [10, 100],
    [3, 334],
    [1, 1_000],
  ])('of %i a second, once empty, is worth waiting for %i ms', (per_second, wait_ms) => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(per_second, clock)
    expect(bucket.wait_ms(100)).toBe(0)
    bucket.take_up_to(per_second)
    expect(bucket.wait_ms(100)).toBe(wait_ms)
    clock.advance(wait_ms)
    expect(bucket.wait_ms(100)).toBe(0)
    expect(bucket.take_up_to(per_second)).toBe(Math.max(1, per_second / 10))
  })
})
