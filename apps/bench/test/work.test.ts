import { describe, expect, it } from 'vitest'
import { counts_of, sum_of, work_of } from '../src/capacity/work.ts'

const TASK = { publishers: [0, 1], topics: ['here', 'both'], messages_per_s: 400, run_ms: 500, seed: 5 }
/** The first node has two sockets in one topic, and one in the other, of which the second has three. */
const NODES = [counts_of(['here', 'here', 'both']), counts_of(['both', 'both', 'both']), counts_of([])]

describe('the work of a task', () => {
  it('is shared by those that publish', () => {
    expect(work_of(TASK, NODES, false).map(({ publishes }) => publishes)).toEqual([100, 100, 0])
  })

  it('is to deliver each message to all who are in its topic, wherever it was published', () => {
    const { publishes, deliveries } = sum_of(work_of({ ...TASK, topics: ['both'] }, NODES, false))
    expect(deliveries).toBe(publishes * 4)
  })

  it('is to hear what others publish and somebody here gets', () => {
    const only = { ...TASK, publishers: [0], topics: ['here'] }
    expect(work_of(only, NODES, false).map(({ heard }) => heard)).toEqual([0, 0, 0])
    expect(work_of({ ...only, topics: ['both'] }, NODES, false).map(({ heard }) => heard)).toEqual([
      0, 200, 0,
    ])
  })

  it("is to hear one's own as well where the broker sends that back", () => {
    const both = { ...TASK, publishers: [0], topics: ['both'] }
    expect(work_of(both, NODES, true).map(({ heard }) => heard)).toEqual([200, 200, 0])
  })
})
