import { expect, it } from 'vitest'
import { Pacer } from '../src/shared/pacer.ts'

it.each([1, 7, 333, 20_000])('releases %i messages per second, however the timer ticks', rate => {
  const pacer = new Pacer(rate, 0)
  let now_ms = 0
  let sent = 0
  for (let tick = 0; now_ms < 10_000; tick += 1) {
    now_ms += 3 + (tick % 11)
    sent += pacer.due(now_ms)
  }
  expect(Math.abs(sent - (rate * now_ms) / 1000)).toBeLessThan(1.001)
})

it('does not catch up on a long pause in one burst', () => {
  const pacer = new Pacer(1_000, 0)
  expect(pacer.due(60_000)).toBe(250)
})

it('releases one message per second, even if that is longer than the pauses it catches up on', () => {
  const pacer = new Pacer(1, 0)
  expect([pacer.due(900), pacer.due(1_000), pacer.due(2_000)]).toEqual([0, 1, 1])
})

it('continues with another rate', () => {
  const pacer = new Pacer(100, 0)
  expect(pacer.due(100)).toBe(10)
  pacer.set_rate(1_000)
  expect(pacer.due(200)).toBe(100)
})
