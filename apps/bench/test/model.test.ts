import { describe, expect, it } from 'vitest'
import { fit_line, predict } from '../src/capacity/model.ts'

describe('fit_line', () => {
  it('parts what something takes into its own and that for each', () => {
    const points = [1, 10, 1_000].map(count => ({ count, us: 50 + 7 * count }))
    const { us_by_itself, us_for_each } = fit_line(points)
    expect(us_by_itself).toBeCloseTo(50, 6)
    expect(us_for_each).toBeCloseTo(7, 6)
  })

  it('is off by as small a part for little as for much', () => {
    const { us_by_itself, us_for_each } = fit_line([
      { count: 1, us: 57 },
      { count: 10, us: 120 },
      { count: 1_000, us: 10_000 },
    ])
    expect(us_by_itself + us_for_each).toBeGreaterThan(45)
    expect(us_by_itself + 1_000 * us_for_each).toBeGreaterThan(8_000)
  })

  it('has nothing take less than no time', () => {
    const falling = [0, 1, 3].map(count => ({ count, us: 30 - 5 * count }))
    expect(fit_line(falling).us_for_each).toBe(0)
    expect(fit_line(falling).us_by_itself).toBeGreaterThan(15)
    const steep = [1, 2, 3].map(count => ({ count, us: 10 * count - 5 }))
    expect(fit_line(steep).us_by_itself).toBe(0)
    expect(fit_line(steep).us_for_each).toBeGreaterThan(5)
  })

  it('makes do with what was too little to be measured', () => {
    expect(fit_line([{ count: 1, us: 0 }])).toEqual({ us_by_itself: 0, us_for_each: 0 })
    expect(fit_line([0, 8].map(us => ({ count: 1, us })))).toEqual({ us_by_itself: 8, us_for_each: 0 })
  })
})

describe('predict', () => {
  it('adds up what nodes take by themselves and for all that they do', () => {
    const costs = { us_per_publish: 30, us_per_heard: 20, us_per_delivery: 7, idle_us_per_s: 500 }
    const work = { publishes: 100, heard: 200, deliveries: 1_000 }
    expect(predict(costs, work, 4, 2_000)).toBe(4 * 2 * 500 + 3_000 + 4_000 + 7_000)
  })
})
