import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Silence } from '../src/client/silence.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

it('resolves a full wait after the last message', async () => {
  const silence = new Silence(300)
  const lasted = vi.fn()
  silence.lasted().then(lasted)
  await vi.advanceTimersByTimeAsync(299)
  silence.record_message()
  await vi.advanceTimersByTimeAsync(299)
  expect(lasted).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(10)
  expect(lasted).toHaveBeenCalledOnce()
})

it('counts from the call at the earliest', async () => {
  const silence = new Silence(300)
  await vi.advanceTimersByTimeAsync(1_000)
  const lasted = vi.fn()
  silence.lasted().then(lasted)
  await vi.advanceTimersByTimeAsync(299)
  expect(lasted).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(10)
  expect(lasted).toHaveBeenCalledOnce()
})

it('lets pending events be handled first, even with a wait of zero', async () => {
  vi.useRealTimers()
  const turn = vi.fn()
  setImmediate(turn)
  await new Silence(0).lasted()
  expect(turn).toHaveBeenCalledOnce()
})
