import { expect, it } from 'vitest'
import { Pacer } from '../src/shared/pacer.ts'

it.each([1, 7, 333, 20_000])('lets %i messages a second go, however the timer ticks', rate => {
  const pacer = new Pacer(rate, 0)
  let now_ms = 0
  let sent = 0
  for (let tick = 0; now_ms < 10_000; tick += 1) {
    now_ms += 3 + (tick % 11)
    sent += pacer.due(now_ms)
  }
  expect(Math.abs(sent - (rate * now_ms) / 1000)).toBeLessThan(1.001)
})

it('does not make up for a long pause in one burst', () => {
  const pacer = new Pacer(1_000, 0)
  expect(pacer.due(60_000)).toBe(250)
})

it('lets one message a second go, though a pause is longer than what is made up for', () => {
  const pacer = new Pacer(1, 0)
  expect([pacer.due(900), pacer.due(1_000), pacer.due(2_000)]).toEqual([0, 1, 1])
})

it('goes on with another rate', () => {
  const pacer = new Pacer(100, 0)
  expect(pacer.due(100)).toBe(10)
  pacer.set_rate(1_000)
  expect(pacer.due(200)).toBe(100)
})
