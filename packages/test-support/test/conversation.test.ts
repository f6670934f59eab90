import { describe, expect, it } from 'vitest'
import { account_for, Conversation } from '../src/conversation.ts'

/** Two ends, and a connection that loses what a test wants. */
function make_ends() {
  const [one, other] = [new Conversation(), new Conversation()]
  const say = (from: Conversation, to: Conversation, arrivals: number): void =>
    from.say(text => {
      for (let arrival = 0; arrival < arrivals; arrival += 1) to.hear(text)
      return true
    })
  return { one, other, say }
}

describe('account_for', () => {
  it('counts what is delivered, and has no doubt about what was acknowledged before the end', () => {
    const { one, other, say } = make_ends()
    say(one, other, 1)
    say(other, one, 1)
    one.lost(0)
    expect(account_for(one.record, other.record)).toEqual({
      accepted: 1,
      rejected: 0,
      delivered: 1,
      delivered_twice: 0,
      out_of_order: 0,
      lost_unsent: 0,
      lost_on_the_way: 0,
      delivered_in_doubt: 0,
      unexplained: [],
    })
  })

  it('tells messages counted as unsent from those that the network took', () => {
    const { one, other, say } = make_ends()
    for (const arrivals of [1, 0, 0, 0]) say(one, other, arrivals)
    one.lost(1)
    expect(account_for(one.record, other.record)).toMatchObject({
      accepted: 4,
      delivered: 1,
      lost_unsent: 1,
      lost_on_the_way: 2,
      delivered_in_doubt: 1,
      unexplained: [],
    })
  })

  it('finds messages that were lost while their connection lived, arrived twice, or in another order', () => {
    const { one, other, say } = make_ends()
    const kept: string[] = []
    one.say(text => kept.push(text) > 0)
    say(one, other, 0)
    say(one, other, 2)
    for (const text of kept) other.hear(text)
    expect(account_for(one.record, other.record)).toMatchObject({
      delivered_twice: 1,
      out_of_order: 1,
      unexplained: [1],
    })
  })

  it('does not expect messages that were rejected', () => {
    const { one, other } = make_ends()
    one.say(() => false)
    expect(account_for(one.record, other.record)).toMatchObject({ accepted: 0, rejected: 1, unexplained: [] })
  })
})
