import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../src/testing/index.js'
import { CHECKS_PER_SPAN, PeriodicCheck } from '../../src/time/periodic_check.js'

/** Something that is checked. */
interface Target {
  check(): void
}

describe('PeriodicCheck', () => {
  let clock: FakeClock
  let periodic: PeriodicCheck
  let targets: Set<Target>
  let checks: string[]

  /** Returns a target that records its checks, and runs a further action. */
  const target = (name: string, and_then: () => void = () => {}): Target => ({
    check() {
      checks.push(`${name} ${clock.now_ms()}`)
      and_then()
    },
  })

  const check_all = (): void => {
    for (const target of targets) target.check()
  }

  const add = (one: Target): void => {
    targets.add(one)
    periodic.start()
  }

  const remove = (one: Target): void => {
    targets.delete(one)
    if (targets.size === 0) periodic.stop()
  }

  beforeEach(() => {
    clock = new FakeClock()
    targets = new Set()
    periodic = new PeriodicCheck(25_000, clock, check_all)
    checks = []
  })

  it('checks ten times within the span', () => {
    add(target('a'))
    clock.advance(25_000)
    expect(CHECKS_PER_SPAN).toBe(10)
    expect(checks).toEqual(
      [2_500, 5_000, 7_500, 10_000, 12_500, 15_000, 17_500, 20_000, 22_500, 25_000].map(ms => `a ${ms}`),
    )
  })

  it('checks any number of targets with one timer, and has none without targets', () => {
    expect(clock.timers).toBe(0)
    const added = Array.from({ length: 1_000 }, (_, index) => target(`${index}`))
    for (const one of added) add(one)
    expect(clock.timers).toBe(1)
    clock.advance(2_500)
    expect([checks.length, clock.timers]).toEqual([1_000, 1])
    for (const one of added) remove(one)
    expect(clock.timers).toBe(0)
    clock.advance(100_000)
    expect(checks).toHaveLength(1_000)
  })

  it('starts a timer again when a target is added after all were removed', () => {
    const one = target('a')
    add(one)
    remove(one)
    clock.advance(1_000)
    add(one)
    clock.advance(2_500)
    expect(checks).toEqual(['a 3500'])
  })

  it('checks a target that is added later together with the others', () => {
    add(target('a'))
    clock.advance(2_000)
    add(target('b'))
    clock.advance(500)
    expect(checks).toEqual(['a 2500', 'b 2500'])
  })

  it('checks each target once, however often it was added', () => {
    const one = target('a')
    add(one)
    add(one)
    clock.advance(2_500)
    expect(checks).toEqual(['a 2500'])
  })

  it('does not check a target that is removed while others are checked', () => {
    const second = target('b')
    add(target('a', () => remove(second)))
    add(second)
    add(target('c'))
    clock.advance(5_000)
    expect(checks).toEqual(['a 2500', 'c 2500', 'a 5000', 'c 5000'])
  })

  it('has no timer after the last target is removed during its check', () => {
    const last = target('a', () => remove(last))
    add(last)
    clock.advance(2_500)
    expect([checks, clock.timers]).toEqual([['a 2500'], 0])
  })

  it('has one timer after the last target is replaced during its check', () => {
    const next = target('b')
    const last = target('a', () => {
      remove(last)
      add(next)
    })
    add(last)
    clock.advance(2_500)
    expect(clock.timers).toBe(1)
    checks.length = 0
    clock.advance(2_500)
    expect(checks).toEqual(['b 5000'])
  })

  it('checks once after the process was suspended for longer', () => {
    add(target('a', () => clock.advance(100_000)))
    clock.advance(2_500)
    expect(checks).toEqual(['a 2500'])
  })

  it('ignores the removal of an unknown target', () => {
    remove(target('a'))
    add(target('b'))
    remove(target('a'))
    clock.advance(2_500)
    expect(checks).toEqual(['b 2500'])
  })

  it('never checks if the span is false', () => {
    periodic = new PeriodicCheck(false, clock, check_all)
    const one = target('a')
    add(one)
    expect(clock.timers).toBe(0)
    remove(one)
    expect(checks).toEqual([])
  })
})
