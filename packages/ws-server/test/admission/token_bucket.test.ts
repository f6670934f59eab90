import { FakeClock } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../src/admission/token_bucket.js'

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
})
