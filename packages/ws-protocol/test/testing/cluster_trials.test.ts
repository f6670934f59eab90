import { expect, test } from 'vitest'
import { carries, FakeBroker, failure_of, received_after_throwing } from '../../src/testing/index.js'

test('carries returns true for a broker that delivers messages', async () => {
  const broker = new FakeBroker()
  expect(await carries(broker.port())).toBe(true)
  expect(broker.links.size).toBe(0)
})

test('failure_of returns the error of a failed attempt, and rejects if connecting succeeds', async () => {
  const broker = new FakeBroker()
  await expect(failure_of(broker.port())).rejects.toThrow('it connected')
  expect(broker.links.size).toBe(0)
  broker.connect_error = new Error('nobody there')
  expect(await failure_of(broker.port())).toBe(broker.connect_error)
})

test('received_after_throwing returns the channels of messages after a callback throws', async () => {
  expect(await received_after_throwing(new FakeBroker().port(), Promise.resolve())).toEqual([
    'bt.here',
    'bt.here',
  ])
})
