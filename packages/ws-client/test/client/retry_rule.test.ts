import type { CloseInfo } from '@bt/ws-protocol'
import { with_retry_hint } from '@bt/ws-protocol/internal'
import { describe, expect, it } from 'vitest'
import { close_hint } from '../../src/client/retry_rule.js'

const closed_with = (code: number, reason = ''): CloseInfo => ({
  code,
  reason,
  cause: 'peer',
  clean: true,
  unsent: 0,
})

describe('close_hint', () => {
  it.each([1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003, 4400, 4401, 4403, 4404])(
    'is final for the close code %i',
    code => {
      expect(close_hint(closed_with(code)).is_final).toBe(true)
    },
  )

  it.each([
    1001, 1005, 1011, 1012, 1013, 1014, 3001, 3002, 3008, 3999, 4000, 4402, 4405, 4408, 4429, 4500, 4999,
  ])('is not final for the close code %i', code => {
    expect(close_hint(closed_with(code)).is_final).toBe(false)
  })

  it.each(['network', 'heartbeat', 'refused'] as const)(
    'is neither final nor a delay for the cause %s',
    cause => {
      expect(close_hint({ code: 1006, reason: '', cause, clean: false, unsent: 0 })).toEqual({
        is_final: false,
        delay_ms: 0,
        spread_ms: 0,
      })
    },
  )

  it.each([
    ['no hint', closed_with(1012, 'back soon'), 0],
    ['a hint', closed_with(1012, with_retry_hint('back soon', 1_500)), 1_500],
    ['a hint with another code', closed_with(1001, with_retry_hint('', 7)), 7],
  ])('returns the delay in the reason of a Close: %s', (_, ending, expected_ms) => {
    expect(close_hint(ending).delay_ms).toBe(expected_ms)
  })

  it.each([
    [1012, '', 5_000],
    [1013, 'overloaded', 5_000],
    [1012, with_retry_hint('', 0), 0],
    [1001, '', 0],
    [1006, '', 0],
  ])(
    'spreads the clients of a server that sends them away without a hint: %i %j',
    (code, reason, spread_ms) => {
      expect(close_hint(closed_with(code, reason)).spread_ms).toBe(spread_ms)
    },
  )
})
