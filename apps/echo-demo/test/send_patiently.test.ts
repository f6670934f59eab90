import { NetError } from '@bt/net'
import { expect, it, vi } from 'vitest'
import { send_patiently } from '../src/shared/send_patiently.ts'

const FULL = new NetError('queue_full', 'full')
const CLOSED = new NetError('closed', 'closed')

it('returns the result of send at once if the queue is not full', () => {
  const drained = vi.fn(() => Promise.resolve())
  expect(send_patiently({ send: () => true, drained }, 'a')).toBe(true)
  expect(send_patiently({ send: () => CLOSED, drained }, 'a')).toBe(CLOSED)
  expect(drained).not.toHaveBeenCalled()
})

it('sends again each time the queue is drained, until the message is accepted', async () => {
  const answers = [FULL, FULL, true as const]
  const send = vi.fn(() => answers.shift() ?? CLOSED)
  const drained = vi.fn(() => Promise.resolve())
  expect(await send_patiently({ send, drained }, 'a')).toBe(true)
  expect(send.mock.calls).toEqual([['a'], ['a'], ['a']])
  expect(drained).toHaveBeenCalledTimes(2)
})

it('sends again even if other messages were lost while it waited', async () => {
  const answers = [FULL, true as const]
  const send = vi.fn(() => answers.shift() ?? CLOSED)
  const drained = (): Promise<void> => Promise.reject(new NetError('connection_lost', 'lost'))
  expect(await send_patiently({ send, drained }, 'a')).toBe(true)
})

it('returns closed when the connection ends while it waits', async () => {
  const answers = [FULL]
  const send = vi.fn(() => answers.shift() ?? CLOSED)
  expect(await send_patiently({ send, drained: () => Promise.reject(CLOSED) }, 'a')).toBe(CLOSED)
})
