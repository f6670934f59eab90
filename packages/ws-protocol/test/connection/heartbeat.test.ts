import { beforeEach, describe, expect, it } from 'vitest'
import { CHECKS_PER_HEARTBEAT, Heartbeat, type HeartbeatTarget } from '../../src/connection/heartbeat.js'
import { FakeClock } from '../../src/testing/index.js'

describe('Heartbeat', () => {
  let clock: FakeClock
  let heartbeat: Heartbeat
  let all: Set<HeartbeatTarget>
  let looked: string[]

  /** One that writes down when it is looked at, and does what is given besides. */
  const beating = (name: string, and_then: () => void = () => {}): HeartbeatTarget => ({
    check() {
      looked.push(`${name} ${clock.now_ms()}`)
      and_then()
    },
  })

  const add = (one: HeartbeatTarget): void => {
    all.add(one)
    heartbeat.start()
  }

  const remove = (one: HeartbeatTarget): void => {
    all.delete(one)
    if (all.size === 0) heartbeat.stop()
  }

  beforeEach(() => {
    clock = new FakeClock()
    all = new Set()
    heartbeat = new Heartbeat(25_000, clock, () => all)
    looked = []
  })

  it('looks ten times in the time of a heartbeat', () => {
    add(beating('a'))
    clock.advance(25_000)
    expect(CHECKS_PER_HEARTBEAT).toBe(10)
    expect(looked).toEqual(
      [2_500, 5_000, 7_500, 10_000, 12_500, 15_000, 17_500, 20_000, 22_500, 25_000].map(ms => `a ${ms}`),
    )
  })

  it('looks after any number with one timer, and has none while there is nobody', () => {
    expect(clock.timers).toBe(0)
    const all = Array.from({ length: 1_000 }, (_, index) => beating(`${index}`))
    for (const one of all) add(one)
    expect(clock.timers).toBe(1)
    clock.advance(2_500)
    expect([looked.length, clock.timers]).toEqual([1_000, 1])
    for (const one of all) remove(one)
    expect(clock.timers).toBe(0)
    clock.advance(100_000)
    expect(looked).toHaveLength(1_000)
  })

  it('starts a timer again when somebody comes after all were gone', () => {
    const one = beating('a')
    add(one)
    remove(one)
    clock.advance(1_000)
    add(one)
    clock.advance(2_500)
    expect(looked).toEqual(['a 3500'])
  })

  it('looks at who comes later together with the others', () => {
    add(beating('a'))
    clock.advance(2_000)
    add(beating('b'))
    clock.advance(500)
    expect(looked).toEqual(['a 2500', 'b 2500'])
  })

  it('looks at each once, however often it was added', () => {
    const one = beating('a')
    add(one)
    add(one)
    clock.advance(2_500)
    expect(looked).toEqual(['a 2500'])
  })

  it('looks no more at who goes while others are looked at', () => {
    const second = beating('b')
    add(beating('a', () => remove(second)))
    add(second)
    add(beating('c'))
    clock.advance(5_000)
    expect(looked).toEqual(['a 2500', 'c 2500', 'a 5000', 'c 5000'])
  })

  it('has no timer when the last goes while it is looked at', () => {
    const last = beating('a', () => remove(last))
    add(last)
    clock.advance(2_500)
    expect([looked, clock.timers]).toEqual([['a 2500'], 0])
  })

  it('has one timer when the last goes while it is looked at, and another comes', () => {
    const next = beating('b')
    const last = beating('a', () => {
      remove(last)
      add(next)
    })
    add(last)
    clock.advance(2_500)
    expect(clock.timers).toBe(1)
    looked.length = 0
    clock.advance(2_500)
    expect(looked).toEqual(['b 5000'])
  })

  it('looks once where the process stood still for longer', () => {
    add(beating('a', () => clock.advance(100_000)))
    clock.advance(2_500)
    expect(looked).toEqual(['a 2500'])
  })

  it('may be told to forget whom it does not know', () => {
    remove(beating('a'))
    add(beating('b'))
    remove(beating('a'))
    clock.advance(2_500)
    expect(looked).toEqual(['b 2500'])
  })

  it('never looks where it is off', () => {
    heartbeat = new Heartbeat(false, clock, () => all)
    const one = beating('a')
    add(one)
    expect(clock.timers).toBe(0)
    remove(one)
    expect(looked).toEqual([])
  })
})
