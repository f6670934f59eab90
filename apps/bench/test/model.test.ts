import { describe, expect, it } from 'vitest'
import { fit_heard, predict } from '../src/capacity/model.ts'

describe('fit_heard', () => {
  it('parts the cost of a message into its own and that of each socket', () => {
    const points = [1, 10, 1_000].map(audience => ({ audience, us: 50 + 7 * audience }))
    const { us_per_heard, us_per_delivery } = fit_heard(points)
    expect(us_per_heard).toBeCloseTo(50, 6)
    expect(us_per_delivery).toBeCloseTo(7, 6)
  })

  it('is off by as small a part for a small cost as for a large one', () => {
    const { us_per_heard, us_per_delivery } = fit_heard([
      { audience: 1, us: 57 },
      { audience: 10, us: 120 },
      { audience: 1_000, us: 10_000 },
    ])
    expect(us_per_heard + us_per_delivery).toBeGreaterThan(45)
    expect(us_per_heard + 1_000 * us_per_delivery).toBeGreaterThan(8_000)
  })
})

describe('predict', () => {
  it('adds up what nodes take by themselves and for all that they do', () => {
    const costs = { us_per_publish: 30, us_per_heard: 20, us_per_delivery: 7, idle_us_per_s: 500 }
    const work = { publishes: 100, heard: 200, deliveries: 1_000 }
    expect(predict(costs, work, 4, 2_000)).toBe(4 * 2 * 500 + 3_000 + 4_000 + 7_000)
  })
})
