import { describe, test } from 'vitest'
import { type ClusterHarness, cluster_port_cases } from '../../src/testing/cluster_port_cases.js'
import { FakeBroker } from '../../src/testing/fake_broker.js'

function fake_harness(): ClusterHarness {
  const broker = new FakeBroker()
  const stop = async (): Promise<void> => {
    broker.connect_error = new Error('it was stopped')
    broker.lose_all()
  }
  return {
    port: broker.port(),
    echoes: false,
    max_payload_bytes: broker.max_bytes,
    stop,
    kill: stop,
    pause: async () => broker.hold(),
    start: async () => {
      broker.connect_error = undefined
      broker.release()
    },
  }
}

describe('a FakeBroker behaves like a real broker', () => {
  for (const { name, run } of cluster_port_cases) test(name, () => run(fake_harness()))
})
