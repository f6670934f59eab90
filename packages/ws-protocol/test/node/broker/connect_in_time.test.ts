import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { connect_in_time } from '../../../src/node/broker/connect_in_time.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('a connection that opens in time is returned, and no timer is left', async () => {
  expect(await connect_in_time(1_000, Promise.resolve('opened'))).toBe('opened')
  expect(vi.getTimerCount()).toBe(0)
})

test('an attempt that fails in time rejects with its own error, and no timer is left', async () => {
  await expect(connect_in_time(1_000, Promise.reject(new Error('refused')))).rejects.toThrow('refused')
  expect(vi.getTimerCount()).toBe(0)
})

test('an attempt that takes too long is rejected after the timeout, and not before', async () => {
  let failed: Error | undefined
  connect_in_time(1_000, new Promise(() => {}), ', and speaks TLS').catch((error: Error) => {
    failed = error
  })
  await vi.advanceTimersByTimeAsync(999)
  expect(failed).toBeUndefined()
  await vi.advanceTimersByTimeAsync(50)
  expect(failed?.message).toBe(
    'it did not answer within 1000 ms: check the address, and whether it is at work, and speaks TLS',
  )
})
