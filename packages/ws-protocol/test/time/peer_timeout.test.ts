import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../src/testing/index.js'
import { start_peer_timeout } from '../../src/time/peer_timeout.js'

/** Starts a timeout of 300 ms, and records when it is over. */
function started(after_ms = 300) {
  const clock = new FakeClock()
  const over: number[] = []
  const cancel = start_peer_timeout(clock, after_ms, () => over.push(clock.now_ms()))
  return { clock, over, cancel }
}

describe('a timeout of a peer', () => {
  test.each([0, 1, 7, 300, 5_003])('of %i ms is over after that time, once, in an idle process', after_ms => {
    const { clock, over } = started(after_ms)
    clock.advance(after_ms - 1)
    expect(over).toEqual([])
    clock.advance(2)
    clock.advance(10_000)
    expect(over).toEqual([after_ms])
    expect(clock.timers).toBe(0)
  })

  test('leaves the peer nearly all of its time after the process was busy for longer than that', () => {
    const { clock, over } = started()
    clock.hold_up(600)
    clock.advance(269)
    expect(over).toEqual([])
    clock.advance(1)
    expect(over).toEqual([870])
  })

  test('that runs out while the process is busy is over only after arrived data is read', () => {
    const { clock, over } = started()
    const log: string[] = []
    clock.advance(299)
    clock.hold_up(600)
    clock.start_timer(0, () => log.push(`arrived, over: ${over.length > 0}`))
    clock.advance(0)
    expect(log).toEqual(['arrived, over: false'])
    expect(over).toEqual([899])
  })

  test('is over even in a process that is always busy', () => {
    const { clock, over } = started()
    for (let i = 0; i < 11; i += 1) {
      clock.hold_up(100)
      clock.advance(0)
    }
    expect(over).toHaveLength(1)
  })

  test.each([0, 45, 299])('that is cancelled after %i ms is never over', after_ms => {
    const { clock, over, cancel } = started()
    clock.advance(after_ms)
    cancel()
    cancel()
    clock.advance(1_000)
    expect([over, clock.timers]).toEqual([[], 0])
  })
})
