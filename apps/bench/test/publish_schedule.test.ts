import { describe, expect, it } from 'vitest'
import { make_schedule } from '../src/schedule.ts'
import { publish_on_schedule } from '../src/subjects/publish_schedule.ts'

const TASK = { messages_per_s: 5_000, settle_ms: 10, run_ms: 30, seed: 1 }

describe('publishing by a schedule', () => {
  it('publishes what is due, in order, to the topics that are drawn, and never early', async () => {
    const topics: number[] = []
    const { at_us, late_us } = await publish_on_schedule(TASK, 3, topic => topics.push(topic))
    expect(topics).toEqual([...make_schedule(TASK, 3).choice])
    expect(at_us).toHaveLength(200)
    expect(at_us).toEqual([...at_us].sort((a, b) => a - b))
    expect(Math.min(...late_us)).toBeGreaterThanOrEqual(0)
  })

  it('names the first message that is due when all has settled', async () => {
    const { first } = await publish_on_schedule(TASK, 1, () => {})
    const { due_ms } = make_schedule(TASK, 1)
    expect(due_ms[first]).toBeGreaterThanOrEqual(10)
    expect(due_ms[first - 1]).toBeLessThan(10)
  })
})
