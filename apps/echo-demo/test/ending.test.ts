import { expect, it } from 'vitest'
import { has_ended_well, how_closed, is_over, what_is_next } from '../src/ending.ts'

it('tells code and cause, and the rest where there is something to tell', () => {
  expect(how_closed({ code: 1000, reason: '', cause: 'local', clean: true, unsent: 0 })).toBe(
    'code 1000, cause local',
  )
  expect(how_closed({ code: 1006, reason: 'x', cause: 'network', clean: false, unsent: 3 })).toBe(
    "code 1006, cause network, reason 'x', without a Close from the other side, 3 messages unsent",
  )
})

it('is well when this side closed, the other agreed, and nothing was lost', () => {
  const end = { code: 1000, reason: '', unsent: 0 }
  expect(has_ended_well({ ...end, cause: 'local', clean: true })).toBe(true)
  expect(has_ended_well({ ...end, cause: 'local', clean: false })).toBe(false)
  expect(has_ended_well({ ...end, cause: 'local', clean: true, unsent: 1 })).toBe(false)
  expect(has_ended_well({ ...end, cause: 'peer', clean: true })).toBe(false)
})

it('tells why it waits, which attempt comes next, and when', () => {
  const lost = { code: 1006, reason: '', cause: 'network', clean: true, unsent: 1 } as const
  const next = { attempt: 2, delay_ms: 1_260, error: undefined }
  expect(what_is_next({ ...next, info: lost })).toBe(
    'lost (code 1006, cause network, 1 message unsent); attempt 2 in 1.3 s',
  )
  expect(what_is_next({ ...next, info: { ...lost, cause: 'refused' } })).toBe(
    'not connected; attempt 2 in 1.3 s',
  )
})

it('is over where no other connection follows', () => {
  const states = ['connecting', 'open', 'reconnecting', 'closing', 'closed'] as const
  expect(states.filter(state => is_over({ state }))).toEqual(['closing', 'closed'])
})
