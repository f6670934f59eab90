import { expect, test } from 'vitest'
import { carries, FakeBroker, failure_of, received_after_throwing } from '../../src/testing/index.js'

test('a broker that can be reached carries what is published', async () => {
  const broker = new FakeBroker()
  expect(await carries(broker.port())).toBe(true)
  expect(broker.links.size).toBe(0)
})

test('the failure to connect is told, and connecting is a failure of the trial', async () => {
  const broker = new FakeBroker()
  await expect(failure_of(broker.port())).rejects.toThrow('it connected')
  expect(broker.links.size).toBe(0)
  broker.connect_error = new Error('nobody there')
  expect(await failure_of(broker.port())).toBe(broker.connect_error)
})

test('a broker goes on handing over when a callback throws', async () => {
  expect(await received_after_throwing(new FakeBroker().port(), Promise.resolve())).toEqual([
    'bt.here',
    'bt.here',
  ])
})
