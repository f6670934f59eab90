import { describe, expect, it } from 'vitest'
import { first_counted_index, make_schedule } from '../src/schedule.ts'

const TASK = { messages_per_s: 1_000, settle_ms: 500, run_ms: 1_500, seed: 3 }

describe('a schedule', () => {
  it('has all messages of its time, in order, at about the given rate', () => {
    const { due_ms, choice } = make_schedule(TASK, 4)
    expect([due_ms.length, choice.length]).toEqual([2_000, 2_000])
    expect([...due_ms]).toEqual([...due_ms].sort((a, b) => a - b))
    expect(due_ms.at(-1)).toBeGreaterThan(1_800)
    expect(due_ms.at(-1)).toBeLessThan(2_200)
  })

  it('has all choices about equally often', () => {
    const { choice } = make_schedule(TASK, 4)
    for (const expected of [0, 1, 2, 3]) {
      const count = choice.filter(chosen => chosen === expected).length
      expect(count).toBeGreaterThan(400)
      expect(count).toBeLessThan(600)
    }
  })

  it('depends only on the seed', () => {
    expect(make_schedule(TASK, 4)).toEqual(make_schedule(TASK, 4))
    expect(make_schedule({ ...TASK, seed: 4 }, 4)).not.toEqual(make_schedule(TASK, 4))
  })

  it('has at least one message', () => {
    expect(make_schedule({ ...TASK, settle_ms: 0, run_ms: 0 }, 1).due_ms).toHaveLength(1)
  })
})

describe('first_counted_index', () => {
  it('returns the first message that is due after settling, or 0 if there is none', () => {
    const due_ms = Float64Array.of(1, 4, 5, 9)
    expect([0, 5, 9.5].map(settle_ms => first_counted_index({ due_ms }, settle_ms))).toEqual([0, 2, 0])
  })
})
