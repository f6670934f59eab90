import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../src/testing/fake_clock.js'

/** Returns a clock, and a log of its timers. */
function watched_clock() {
  const clock = new FakeClock()
  const log: string[] = []
  const note = (name: string) => () => log.push(`${name} at ${clock.now_ms()}`)
  return { clock, log, note }
}

describe('a FakeClock', () => {
  test('starts at 0 with no timer, and stands still', () => {
    const clock = new FakeClock()
    expect([clock.now_ms(), clock.now_ms(), clock.timers]).toEqual([0, 0, 0])
  })

  test('advances by the given time', () => {
    const clock = new FakeClock()
    clock.advance(5)
    clock.advance(0)
    clock.advance(2.5)
    expect(clock.now_ms()).toBe(7.5)
  })
})

describe('a timer', () => {
  test('runs when it is due, not a millisecond earlier', () => {
    const { clock, log, note } = watched_clock()
    clock.start_timer(10, note('a'))
    clock.advance(9)
    expect(log).toEqual([])
    clock.advance(1)
    expect(log).toEqual(['a at 10'])
  })

  test('runs once', () => {
    const { clock, log, note } = watched_clock()
    clock.start_timer(10, note('a'))
    clock.advance(100)
    clock.advance(100)
    expect(log).toEqual(['a at 10'])
    expect(clock.now_ms()).toBe(200)
  })

  test('does not run before the clock is advanced, even if its delay is 0', () => {
    const { clock, log, note } = watched_clock()
    clock.start_timer(0, note('a'))
    expect(log).toEqual([])
    clock.advance(0)
    expect(log).toEqual(['a at 0'])
  })

  test('counts from when it was started', () => {
    const { clock, log, note } = watched_clock()
    clock.advance(50)
    clock.start_timer(10, note('a'))
    clock.advance(20)
    expect(log).toEqual(['a at 60'])
  })

  test('never runs once it is stopped', () => {
    const { clock, log, note } = watched_clock()
    const stop = clock.start_timer(10, note('a'))
    clock.start_timer(10, note('b'))
    stop()
    clock.advance(20)
    expect(log).toEqual(['b at 10'])
  })

  test('may be stopped twice, and after it has run', () => {
    const { clock, log, note } = watched_clock()
    const stop_a = clock.start_timer(10, note('a'))
    const stop_b = clock.start_timer(20, note('b'))
    clock.advance(10)
    stop_a()
    stop_b()
    stop_b()
    clock.advance(20)
    expect(log).toEqual(['a at 10'])
  })

  test('is counted from its start until it has run or is stopped', () => {
    const clock = new FakeClock()
    const counts: number[] = []
    const stop = clock.start_timer(10, () => {})
    clock.start_timer(20, () => counts.push(clock.timers))
    counts.push(clock.timers)
    stop()
    counts.push(clock.timers)
    clock.advance(20)
    counts.push(clock.timers)
    expect(counts).toEqual([2, 1, 0, 0])
  })
})

describe('timers', () => {
  test('run in the order in which they are due, each at its own time', () => {
    const { clock, log, note } = watched_clock()
    clock.start_timer(30, note('c'))
    clock.start_timer(10, note('a'))
    clock.start_timer(20, note('b'))
    clock.advance(100)
    expect(log).toEqual(['a at 10', 'b at 20', 'c at 30'])
  })

  test('due at the same time run in the order in which they were started', () => {
    const { clock, log, note } = watched_clock()
    for (const name of ['a', 'b', 'c']) clock.start_timer(10, note(name))
    clock.advance(10)
    expect(log).toEqual(['a at 10', 'b at 10', 'c at 10'])
  })

  test('started by a task run in the same advance if they come due in it', () => {
    const { clock, log, note } = watched_clock()
    clock.start_timer(10, () => {
      note('a')()
      clock.start_timer(5, note('b'))
      clock.start_timer(50, note('c'))
    })
    clock.advance(20)
    expect(log).toEqual(['a at 10', 'b at 15'])
    clock.advance(40)
    expect(log).toEqual(['a at 10', 'b at 15', 'c at 60'])
  })

  test('stopped by a task do not run, even if they are due at the same time', () => {
    const { clock, log, note } = watched_clock()
    clock.start_timer(10, () => stop())
    const stop = clock.start_timer(10, note('b'))
    clock.advance(10)
    expect(log).toEqual([])
  })

  test('that restart themselves run once for each period', () => {
    const { clock, log, note } = watched_clock()
    const again = (): void => {
      note('tick')()
      clock.start_timer(10, again)
    }
    clock.start_timer(10, again)
    clock.advance(35)
    expect(log).toEqual(['tick at 10', 'tick at 20', 'tick at 30'])
    expect(clock.timers).toBe(1)
  })
})

test('time never goes back, even if a task advances the clock itself', () => {
  const clock = new FakeClock()
  clock.start_timer(10, () => clock.advance(50))
  clock.start_timer(20, () => {})
  clock.advance(30)
  expect(clock.now_ms()).toBe(60)
})
