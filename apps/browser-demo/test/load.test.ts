import { NetError } from '@bt/net'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Load } from '../src/shared/load.ts'

const FULL = new NetError('queue_full', 'full')
const CLOSED = new NetError('closed', 'closed')

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

it('sends at its rate until it is stopped', () => {
  const send = vi.fn(() => true as const)
  const load = new Load({ send, drained: () => Promise.resolve() }, 500, '..')
  vi.advanceTimersByTime(1_000)
  expect(send).toHaveBeenCalledTimes(500)
  expect(send).toHaveBeenLastCalledWith('..')
  load.change(1_000, '...')
  vi.advanceTimersByTime(1_000)
  expect(send).toHaveBeenCalledTimes(1_500)
  expect(send).toHaveBeenLastCalledWith('...')
  load.stop()
  vi.advanceTimersByTime(1_000)
  expect(send).toHaveBeenCalledTimes(1_500)
  expect(load.held_back).toBe(0)
})

it('waits for a full queue to drain without trying again, and counts the messages that it skips', async () => {
  let is_full = true
  let drain = (): void => {}
  const send = vi.fn(() => (is_full ? FULL : (true as const)))
  const drained = (): Promise<void> =>
    new Promise(resolve => {
      drain = resolve
    })
  const load = new Load({ send, drained }, 1_000, '.')
  vi.advanceTimersByTime(1_000)
  expect(send).toHaveBeenCalledTimes(1)
  expect(load.held_back).toBe(1_000)
  is_full = false
  drain()
  await Promise.resolve()
  vi.advanceTimersByTime(1_000)
  expect(send).toHaveBeenCalledTimes(1_001)
  expect(load.held_back).toBe(1_000)
  load.stop()
})

it('ends by itself when its connection is closed', async () => {
  const send = vi.fn(() => CLOSED)
  new Load({ send, drained: () => Promise.resolve() }, 1_000, '.')
  vi.advanceTimersByTime(1_000)
  expect(send).toHaveBeenCalledTimes(1)
  expect(vi.getTimerCount()).toBe(0)
})

it.each([
  ['goes on when messages were lost while the queue was full', true as const, 1],
  ['ends by itself when its connection ends while the queue is full', CLOSED, 0],
])('%s', async (_name, next, timers) => {
  const answers = [FULL]
  const lost = new NetError('connection_lost', 'lost')
  const load = new Load(
    { send: () => answers.shift() ?? next, drained: () => Promise.reject(lost) },
    1_000,
    '.',
  )
  await vi.advanceTimersByTimeAsync(100)
  expect(vi.getTimerCount()).toBe(timers)
  load.stop()
})
