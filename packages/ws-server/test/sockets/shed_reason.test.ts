import { read_retry_hint } from '@bt/ws-protocol/internal'
import { expect, it } from 'vitest'
import { shed_reason } from '../../src/sockets/shed_reason.js'

it('the reason of a socket that is shed asks its client to wait from 5 to 10 seconds, at random', () => {
  expect(shed_reason(() => 0)).toBe('overloaded; retry_after_ms=5000')
  expect(shed_reason(() => 0.999_99)).toBe('overloaded; retry_after_ms=9999')
  const waits_ms = Array.from({ length: 20 }, () => read_retry_hint(shed_reason()) ?? 0)
  expect(waits_ms.every(ms => ms >= 5_000 && ms < 10_000)).toBe(true)
  expect(new Set(waits_ms).size).toBeGreaterThan(1)
})
