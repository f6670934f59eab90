import { type Duplex, PassThrough } from 'node:stream'
import { FakeClock } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { StreamTimeouts } from '../../src/http/stream_timeouts.js'

function start_timeouts(timeout_ms: number) {
  const clock = new FakeClock()
  const late: Duplex[] = []
  const timeouts = new StreamTimeouts(timeout_ms, clock, stream => late.push(stream))
  return { clock, late, timeouts }
}

function add_stream(timeouts: StreamTimeouts): Duplex {
  const stream = new PassThrough()
  timeouts.add(stream)
  return stream
}

describe('StreamTimeouts', () => {
  it.each([
    [10_000, 1_000],
    [100_000, 1_000],
    [500, 50],
    [5, 1],
  ])('of %i ms time out no stream earlier, and every stream at most %i ms later', (timeout_ms, later_ms) => {
    const { clock, late, timeouts } = start_timeouts(timeout_ms)
    const first = add_stream(timeouts)
    clock.advance(later_ms / 2)
    const second = add_stream(timeouts)
    clock.advance(timeout_ms - later_ms / 2 - 0.001)
    expect(late).toEqual([])
    clock.advance(later_ms + 0.001)
    expect(late).toContain(first)
    clock.advance(later_ms / 2)
    expect(late).toEqual([first, second])
    clock.advance(10 * timeout_ms)
    expect(late).toHaveLength(2)
    expect(clock.timers).toBe(0)
  })

  it('return the elapsed time of a removed stream, which does not time out', () => {
    const { clock, late, timeouts } = start_timeouts(10_000)
    const slow = add_stream(timeouts)
    const quick = add_stream(timeouts)
    expect(timeouts.remove(quick)).toBe(0)
    clock.advance(5_000)
    expect(timeouts.remove(slow)).toBe(4_000)
    expect(timeouts.remove(slow)).toBe(0)
    clock.advance(100_000)
    expect(late).toEqual([])
  })

  it('forget a stream that has closed', () => {
    const { clock, late, timeouts } = start_timeouts(10_000)
    add_stream(timeouts).destroy()
    clock.advance(1_000)
    expect(clock.timers).toBe(0)
    clock.advance(100_000)
    expect(late).toEqual([])
  })

  it('destroy all streams on request, and leave no timer', () => {
    const { clock, late, timeouts } = start_timeouts(10_000)
    const streams = [add_stream(timeouts), add_stream(timeouts)]
    timeouts.destroy_all()
    expect(streams.every(({ destroyed }) => destroyed)).toBe(true)
    expect(clock.timers).toBe(0)
    expect(late).toEqual([])
  })
})
