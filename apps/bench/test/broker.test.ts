import { NATS, path_of, REDIS } from '@bt/test-support/programs'
import { afterEach, describe, expect, it } from 'vitest'
import { type Broker, type BrokerKind, broker_program, start_broker } from '../src/process/broker.ts'

let broker: Broker | undefined

afterEach(async () => {
  await broker?.stop()
  broker = undefined
})

describe.each<BrokerKind>(['nats', 'redis'])('a broker of %s', kind => {
  it('is found with its version', () => {
    path_of(kind === 'nats' ? NATS : REDIS)
    expect(broker_program(kind)).toMatch(new RegExp(`^${kind}-server \\d+\\.\\d+\\.\\d+$`))
  })

  it.skipIf(process.platform !== 'linux')('reports its CPU time while it runs', async () => {
    broker = await start_broker(kind)
    expect(broker.cpu_us()).toBeGreaterThan(0)
    const { cpu_us } = broker
    await broker.stop()
    expect(cpu_us()).toBeUndefined()
  })
})
