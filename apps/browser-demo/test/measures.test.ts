import { expect, it } from 'vitest'
import { FrameMeter } from '../src/page/plots/frame_meter.ts'
import { History } from '../src/page/plots/history.ts'
import { percentile } from '../src/page/plots/percentile.ts'
import { RateMeter } from '../src/page/plots/rate_meter.ts'
import { RoundTrips } from '../src/page/plots/round_trips.ts'
import { position_of, RATE_STOPS, rate_at } from '../src/page/rate_stops.ts'

it('computes percentiles by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  expect([0, 0.01, 0.5, 0.99, 1].map(part => percentile(hundred, part))).toEqual([1, 1, 50, 99, 100])
  expect(percentile([7], 0.5)).toBe(7)
  expect(percentile([], 0.5)).toBeUndefined()
})

it('offers round rates from 1 to 20,000, each at most twice the one before', () => {
  expect(RATE_STOPS[0]).toBe(1)
  expect(RATE_STOPS.at(-1)).toBe(20_000)
  for (const [i, rate] of RATE_STOPS.entries()) {
    const next = RATE_STOPS[i + 1] ?? rate * 1.5
    expect(next).toBeGreaterThan(rate)
    expect(next).toBeLessThanOrEqual(2 * rate)
    expect(rate_at(position_of(rate))).toBe(rate)
  }
})

it('computes a rate over its window only', () => {
  const meter = new RateMeter(1_000)
  expect(meter.read(0, 0)).toBe(0)
  expect(meter.read(50, 500)).toBe(100)
  expect(meter.read(100, 1_000)).toBe(100)
  expect(meter.read(100, 1_500)).toBe(50)
  expect(meter.read(100, 2_000)).toBe(0)
})

it('measures the frame rate, and the duration of frames', () => {
  const meter = new FrameMeter(100)
  expect(meter.figures()).toBeUndefined()
  for (let frame = 0; frame <= 100; frame += 1) meter.frame(frame * 10 + (frame === 100 ? 90 : 0))
  expect(meter.figures()).toEqual({ fps: (1000 * 100) / 1090, p50_ms: 10, p99_ms: 10 })
  meter.clear()
  meter.frame(5_000)
  expect(meter.figures()).toBeUndefined()
})

it('computes percentiles of the round trips in its window', () => {
  const trips = new RoundTrips(1_000)
  expect(trips.figures(0)).toEqual({ p50_ms: undefined, p99_ms: undefined })
  for (const [sent_ms, took_ms] of [
    [0, 30],
    [100, 10],
    [200, 20],
  ] as const) {
    trips.sent(sent_ms)
    trips.back(sent_ms, sent_ms + took_ms)
  }
  expect(trips.figures(300)).toEqual({ p50_ms: 20, p99_ms: 30 })
  expect(trips.figures(1_050)).toEqual({ p50_ms: 10, p99_ms: 20 })
  expect(trips.figures(2_000)).toEqual({ p50_ms: undefined, p99_ms: undefined })
})

it('counts pending messages while a stall lasts', () => {
  const trips = new RoundTrips(1_000)
  trips.sent(0)
  trips.back(0, 10)
  trips.sent(100)
  expect(trips.figures(105).p99_ms).toBe(10)
  expect(trips.figures(700).p99_ms).toBe(600)
  trips.back(100, 701)
  expect(trips.figures(702).p99_ms).toBe(601)
  trips.clear()
  expect(trips.figures(702).p99_ms).toBeUndefined()
})

it('keeps the last values of each line, including gaps', () => {
  const history = new History(2, 3)
  history.push(1, 10, 20)
  history.push(2)
  history.push(3, 30, undefined)
  history.push(4, 40, 50)
  expect(history.columns).toEqual([
    [2, 3, 4],
    [null, 30, 40],
    [null, null, 50],
  ])
})
