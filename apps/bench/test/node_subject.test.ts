import { describe, expect, it } from 'vitest'
import { make_schedule } from '../src/schedule.ts'
import { Members, publish_on_schedule } from '../src/subjects/node_subject.ts'

const TASK = { messages_per_s: 5_000, settle_ms: 10, run_ms: 30, seed: 1 }

describe('publishing by a schedule', () => {
  it('publishes all messages in order, and never early', async () => {
    let published = 0
    const { at_us, late_us } = await publish_on_schedule(TASK, () => {
      published += 1
    })
    expect(published).toBe(200)
    expect(at_us).toHaveLength(200)
    expect(at_us).toEqual([...at_us].sort((a, b) => a - b))
    expect(Math.min(...late_us)).toBeGreaterThanOrEqual(0)
  })

  it('returns the index of the first message that is due after settling', async () => {
    const { first } = await publish_on_schedule(TASK, () => {})
    const { due_ms } = make_schedule(TASK, 1)
    expect(due_ms[first]).toBeGreaterThanOrEqual(10)
    expect(due_ms[first - 1]).toBeLessThan(10)
  })
})

describe('Members', () => {
  it('waits until the count is reached, from below or above', async () => {
    const members = new Members()
    const reached: string[] = []
    const two = members.reach(2).then(() => reached.push('two'))
    members.joined()
    members.joined()
    await two
    const none = members.reach(0).then(() => reached.push('none'))
    members.left()
    members.left()
    await none
    expect(reached).toEqual(['two', 'none'])
  })

  it('does not wait if the count is reached already', async () => {
    const members = new Members()
    await members.reach(0)
    members.joined()
    await members.reach(1)
  })
})
