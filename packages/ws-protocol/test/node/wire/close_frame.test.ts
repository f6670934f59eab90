import { expect, it } from 'vitest'
import { close_frame, close_payload } from '../../../src/node/wire/close_frame.js'

it('close_frame is the Close of a server, with its code and reason', () => {
  expect(Buffer.from(close_frame(4401, 'log in')).toString('latin1')).toBe('\x88\x08\x11\x31log in')
})

it('close_payload is empty for the code 1005, which is never sent', () => {
  expect(close_payload(1005, '')).toHaveLength(0)
  expect([...close_payload(1000, '')]).toEqual([3, 232])
})
