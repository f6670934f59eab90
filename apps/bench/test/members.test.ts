import { describe, expect, it } from 'vitest'
import { Members } from '../src/subjects/node_subject.ts'

describe('members', () => {
  it('are waited for until there are so many, whether they come or go', async () => {
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

  it('that are there already are not waited for', async () => {
    const members = new Members()
    await members.reach(0)
    members.joined()
    await members.reach(1)
  })
})
