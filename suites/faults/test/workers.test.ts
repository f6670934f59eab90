import { make_self_signed } from '@bt/test-support/certificates'
import { describe, expect, it } from 'vitest'
import { Wire } from '../src/wire.ts'
import { measure, run_workers } from './processes.ts'

/** What each worker takes: twice `max_connections`, and 100 more. */
const MOST = 102

describe('workers of one port survive', () => {
  it.each(['TCP', 'TLS'])(
    'more connections over %s than all of them take: who is too much is cut off and counted, and goes round no more',
    async over => {
      const tls = over === 'TLS' ? await make_self_signed() : undefined
      const workers = await run_workers(2, { max_connections: 1, handshake_timeout: 60_000, tls })
      const addr = workers[0]?.addr ?? ''
      const wires = await Promise.all(Array.from({ length: 2 * MOST + 6 }, () => Wire.dial(addr)))
      await new Promise<void>(resolve => {
        let cut_off = 0
        for (const { ended } of wires)
          ended.then(() => {
            cut_off += 1
            if (cut_off === 6) resolve()
          })
      })
      const figures = await Promise.all(workers.map(({ program }) => measure(program)))
      const refused = figures.reduce((sum, { stats }) => sum + stats.refused.over_limit, 0)
      expect(refused).toBeGreaterThanOrEqual(6)
      for (const wire of wires) wire.reset()
    },
  )
})
