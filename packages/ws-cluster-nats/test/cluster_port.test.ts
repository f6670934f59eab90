import { start_nats } from '@bt/test-support/brokers'
import { cluster_port_cases } from '@bt/ws-protocol/testing'
import { afterAll, describe, it } from 'vitest'
import { nats } from '../src/index.js'

const broker = await start_nats()
afterAll(() => broker.close())

describe('NATS', () => {
  const harness = {
    port: nats({ servers: broker.url }),
    echoes: false,
    max_payload_bytes: Number.POSITIVE_INFINITY,
    stop: () => broker.stop(),
    kill: () => broker.kill(),
    pause: () => broker.pause(),
    start: async () => {
      if (!broker.is_running) await broker.start()
    },
  }
  for (const { name, run } of cluster_port_cases) it(name, () => run(harness))
})
