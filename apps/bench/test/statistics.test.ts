import { describe, expect, it } from 'vitest'
import { median, quantile, random_from, shuffled, spread_of } from '../src/statistics.ts'

describe('quantile', () => {
  it('returns the figure itself if there is only one', () => {
    expect(quantile([7], 0)).toBe(7)
    expect(quantile([7], 0.99)).toBe(7)
  })

  it('interpolates between two neighbours', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5)
    expect(quantile([0, 10], 0.25)).toBe(2.5)
  })

  it('returns the first figure at 0 and the last at 1', () => {
    expect(quantile([1, 5, 9], 0)).toBe(1)
    expect(quantile([1, 5, 9], 1)).toBe(9)
  })

  it('accepts typed arrays', () => {
    expect(quantile(Float64Array.of(1, 2, 3), 0.5)).toBe(2)
  })

  it('throws a RangeError without figures', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError)
  })
})

describe('spread_of', () => {
  it('sorts by number, not by text, and does not change its argument', () => {
    const figures = [10, 9, 100]
    expect(spread_of(figures)).toEqual({ median: 10, least: 9, most: 100 })
    expect(figures).toEqual([10, 9, 100])
  })
})

describe('median', () => {
  it('returns the middle figure by number', () => {
    expect(median([10, 9, 100])).toBe(10)
  })
})

describe('random_from', () => {
  it('returns numbers that depend only on the seed', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, random_from(seed))
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
  })

  it('returns numbers from 0 to 1 with a mean near the middle', () => {
    const numbers = Array.from({ length: 10_000 }, random_from(42))
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...numbers)).toBeLessThan(1)
    expect(numbers.reduce((sum, number) => sum + number, 0) / numbers.length).toBeCloseTo(0.5, 1)
  })
})

describe('shuffled', () => {
  it('keeps every item once, and puts each of them first at times', () => {
    const random = random_from(3)
    const orders = Array.from({ length: 100 }, () => shuffled(['a', 'b', 'c'], random))
    for (const order of orders) expect([...order].sort()).toEqual(['a', 'b', 'c'])
    expect(new Set(orders.map(order => order[0]))).toEqual(new Set(['a', 'b', 'c']))
  })
})
