import { expect, it } from 'vitest'
import { has_ended_well, how_closed } from '../src/ending.ts'

it('tells code and cause, and the rest where there is something to tell', () => {
  expect(how_closed({ code: 1000, reason: '', cause: 'local', clean: true, unsent: 0 })).toBe(
    'code 1000, cause local',
  )
  expect(how_closed({ code: 1006, reason: 'x', cause: 'network', clean: false, unsent: 3 })).toBe(
    "code 1006, cause network, reason 'x', without a Close from the other side, 3 messages unsent",
  )
})

it('is well when this side closed and the other agreed', () => {
  const end = { code: 1000, reason: '', unsent: 0 }
  expect(has_ended_well({ ...end, cause: 'local', clean: true })).toBe(true)
  expect(has_ended_well({ ...end, cause: 'local', clean: false })).toBe(false)
  expect(has_ended_well({ ...end, cause: 'peer', clean: true })).toBe(false)
})
