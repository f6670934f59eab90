import { describe, expect, it } from 'vitest'
import { RoundTrips } from '../../src/sockets/round_trips.js'

/** As many as are kept. */
const KEPT = 1_024

function round_trips_of(trips: readonly number[]): RoundTrips {
  const round_trips = new RoundTrips()
  for (const ms of trips) round_trips.add(ms)
  return round_trips
}

const count_to = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

describe('RoundTrips', () => {
  it('has nothing to tell before there was one', () => {
    expect(new RoundTrips().stats()).toBeUndefined()
  })

  it.each<[string, readonly number[], number, number]>([
    ['one', [7], 7, 7],
    ['two', [3, 1], 1, 3],
    ['three', [3, 1, 2], 2, 3],
    ['a hundred', count_to(100), 50, 99],
    ['a hundred, the other way round', count_to(100).reverse(), 50, 99],
    ['a hundred and one', count_to(101), 51, 100],
    ['parts of milliseconds', [0.25, 0.5, 0.75], 0.5, 0.75],
    ['numbers of several digits, which sort as numbers', [9, 10, 100], 10, 100],
    ['the same again and again', [5, 5, 5, 5], 5, 5],
  ])('returns the median and the 99th percentile: %s', (_, trips, p50, p99) => {
    expect(round_trips_of(trips).stats()).toEqual({ p50, p99 })
  })

  it('forgets the oldest when it has 1,024', () => {
    const round_trips = round_trips_of(count_to(KEPT))
    expect(round_trips.stats()).toEqual({ p50: KEPT / 2, p99: 1_014 })
    for (let i = 0; i < KEPT; i += 1) round_trips.add(10_000)
    expect(round_trips.stats()).toEqual({ p50: 10_000, p99: 10_000 })
  })

  it('forgets the oldest one for each that comes', () => {
    const round_trips = round_trips_of(count_to(KEPT))
    round_trips.add(2_000)
    expect(round_trips.stats()).toEqual({ p50: KEPT / 2 + 1, p99: 1_015 })
  })

  it('keeps counting after stats were read', () => {
    const round_trips = round_trips_of([1])
    round_trips.stats()
    round_trips.add(3)
    expect(round_trips.stats()).toEqual({ p50: 1, p99: 3 })
  })
})
