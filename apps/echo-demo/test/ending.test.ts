import { expect, it } from 'vitest'
import { has_ended_well, how_closed, how_reconnecting, is_over } from '../src/shared/ending.ts'

it('shows code and cause, and other details only if there are any', () => {
  expect(how_closed({ code: 1000, reason: '', cause: 'local', clean: true, unsent: 0 })).toBe(
    'code 1000, cause local',
  )
  expect(how_closed({ code: 1006, reason: 'x', cause: 'network', clean: false, unsent: 3 })).toBe(
    "code 1006, cause network, reason 'x', without a Close from the other side, 3 messages unsent",
  )
})

it('ends well if this side closed, the other agreed, and nothing was lost', () => {
  const end = { code: 1000, reason: '', unsent: 0 }
  expect(has_ended_well({ ...end, cause: 'local', clean: true })).toBe(true)
  expect(has_ended_well({ ...end, cause: 'local', clean: false })).toBe(false)
  expect(has_ended_well({ ...end, cause: 'local', clean: true, unsent: 1 })).toBe(false)
  expect(has_ended_well({ ...end, cause: 'peer', clean: true })).toBe(false)
})

it('shows why a client reconnects, the number of the next attempt, and its delay', () => {
  const lost = { code: 1006, reason: '', cause: 'network', clean: true, unsent: 1 } as const
  const next = { attempt: 2, delay_ms: 1_260, error: undefined }
  expect(how_reconnecting({ ...next, info: lost })).toBe(
    'lost (code 1006, cause network, 1 message unsent); attempt 2 in 1.3 s',
  )
  expect(how_reconnecting({ ...next, info: { ...lost, cause: 'refused' } })).toBe(
    'not connected; attempt 2 in 1.3 s',
  )
})

it('is over only in states that lead to no other connection', () => {
  const states = ['connecting', 'open', 'reconnecting', 'closing', 'closed'] as const
  expect(states.filter(state => is_over({ state }))).toEqual(['closing', 'closed'])
})
