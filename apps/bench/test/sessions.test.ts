import { expect, it } from 'vitest'
import { measure_echo } from '../src/sessions/echo_cost.js'
import { measure_recovery } from '../src/sessions/recovery.js'

it.each(['text', 'binary'] as const)('a session adds hardly any bytes to an echo of %s', async kind => {
  const cost = await measure_echo({ message_bytes: 500, kind, depth: 4, rounds: 2, round_ms: 20 })
  expect(cost.ratios).toHaveLength(2)
  expect(cost.plain_us).toBeGreaterThan(0)
  expect(cost.extra_bytes).toBeGreaterThanOrEqual(0)
  expect(cost.extra_bytes).toBeLessThan(0.01)
})

it('measures each recovery', async () => {
  const times_ms = await measure_recovery(5)
  expect(times_ms).toHaveLength(5)
  expect(times_ms).toEqual([...times_ms].sort((a, b) => a - b))
})
