import { type Duplex, PassThrough } from 'node:stream'
import { FakeClock } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { Arrivals } from '../../src/http/arrivals.js'

function started(most_ms: number) {
  const clock = new FakeClock()
  const late: Duplex[] = []
  const arrivals = new Arrivals(most_ms, clock, stream => late.push(stream))
  return { clock, late, arrivals }
}

function arrived(arrivals: Arrivals): Duplex {
  const stream = new PassThrough()
  arrivals.add(stream)
  return stream
}

describe('Arrivals', () => {
  it.each([
    [10_000, 1_000],
    [100_000, 1_000],
    [500, 50],
    [5, 1],
  ])('of %i ms ends nobody before that, and everybody %i ms later', (most_ms, later_ms) => {
    const { clock, late, arrivals } = started(most_ms)
    const first = arrived(arrivals)
    clock.advance(later_ms / 2)
    const second = arrived(arrivals)
    clock.advance(most_ms - later_ms / 2 - 0.001)
    expect(late).toEqual([])
    clock.advance(later_ms + 0.001)
    expect(late).toContain(first)
    clock.advance(later_ms / 2)
    expect(late).toEqual([first, second])
    clock.advance(10 * most_ms)
    expect(late).toHaveLength(2)
    expect(clock.timers).toBe(0)
  })

  it('forgets who has asked, and says how long that took', () => {
    const { clock, late, arrivals } = started(10_000)
    const slow = arrived(arrivals)
    const quick = arrived(arrivals)
    expect(arrivals.take(quick)).toBe(0)
    clock.advance(5_000)
    expect(arrivals.take(slow)).toBe(4_000)
    expect(arrivals.take(slow)).toBe(0)
    clock.advance(100_000)
    expect(late).toEqual([])
  })

  it('forgets who has left', () => {
    const { clock, late, arrivals } = started(10_000)
    arrived(arrivals).destroy()
    clock.advance(1_000)
    expect(clock.timers).toBe(0)
    clock.advance(100_000)
    expect(late).toEqual([])
  })

  it('ends all at once when it is told to, and waits for nothing then', () => {
    const { clock, late, arrivals } = started(10_000)
    const streams = [arrived(arrivals), arrived(arrivals)]
    arrivals.drop_all()
    expect(streams.every(({ destroyed }) => destroyed)).toBe(true)
    expect(clock.timers).toBe(0)
    expect(late).toEqual([])
  })
})
