import { make_self_signed } from '@bt/test-support/certificates'
import { describe, expect, it } from 'vitest'
import { RawPeer } from '../src/raw_peer.ts'
import { measure, run_workers } from './test_process.ts'

/** How many connections a worker accepts: twice `max_connections`, and 100 more. */
const CAPACITY = 102

describe('workers of one port', () => {
  it.each(['TCP', 'TLS'])(
    'end and count the connections over %s that none of them can accept, instead of passing them round',
    async transport => {
      const tls = transport === 'TLS' ? await make_self_signed() : undefined
      const workers = await run_workers(2, { max_connections: 1, handshake_timeout: 60_000, tls })
      const addr = workers[0]?.addr ?? ''
      const peers = await Promise.all(Array.from({ length: 2 * CAPACITY + 6 }, () => RawPeer.dial(addr)))
      await new Promise<void>(resolve => {
        let cut_off = 0
        for (const { ended } of peers)
          ended.then(() => {
            cut_off += 1
            if (cut_off === 6) resolve()
          })
      })
      const figures = await Promise.all(workers.map(({ program }) => measure(program)))
      const refused = figures.reduce((sum, { stats }) => sum + stats.refused.over_limit, 0)
      expect(refused).toBeGreaterThanOrEqual(6)
      for (const peer of peers) peer.reset()
    },
  )
})
