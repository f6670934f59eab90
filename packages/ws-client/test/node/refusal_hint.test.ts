import { NetError } from '@bt/ws-protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { read_refusal } from '../../src/node/refusal_hint.js'

const NOW_MS = Date.UTC(2026, 10, 30, 12, 0, 0)

beforeEach(() => void vi.useFakeTimers({ now: NOW_MS }))
afterEach(() => void vi.useRealTimers())

/** A server's answer to the handshake. */
const answered = (status: number, headers: Record<string, string> = {}): NetError =>
  new NetError('handshake_refused', 'no', { cause: { status, headers } })

const wait_ms = (headers: Record<string, string>): number | undefined =>
  read_refusal(answered(503, headers))?.delay_ms

describe('a refusal', () => {
  it.each([400, 401, 402, 403, 404, 405, 407, 410, 426, 451])('with the status %i is final', status => {
    expect(read_refusal(answered(status))?.is_final).toBe(true)
  })

  it.each([200, 301, 302, 406, 408, 409, 418, 421, 423, 425, 429, 431, 500, 501, 502, 503, 504, 511])(
    'with the status %i is not final',
    status => {
      expect(read_refusal(answered(status))?.is_final).toBe(false)
    },
  )

  it.each([
    ['nothing', undefined],
    ['a server that is down', new NetError('connection_refused', 'no', { cause: new Error('no') })],
    ['a lack of time', new NetError('connect_timeout', 'no')],
    ['what is no answer', new NetError('handshake_failed', 'no', { cause: 'text' })],
  ])('gives no hint for %s', (_, error) => {
    expect(read_refusal(error)).toBeUndefined()
  })
})

describe('Retry-After', () => {
  it.each([
    ['2', 2_000],
    ['0', 0],
    ['86400', 86_400_000],
    ['9007199254740', 9_007_199_254_740_000],
    ['-1', 0],
    ['1.5', 0],
    ['0x10', 0],
    ['1e3', 0],
    ['', 0],
    ['soon', 0],
  ])('%j seconds: waits %i ms', (retry_after, expected_ms) => {
    expect(wait_ms({ 'retry-after': retry_after })).toBe(expected_ms)
  })

  it('that is missing: waits 0 ms', () => {
    expect(wait_ms({})).toBe(0)
  })

  it.each([
    ['an IMF-fixdate', 'Mon, 30 Nov 2026 12:00:30 GMT', 30_000],
    ['a date of RFC 850', 'Monday, 30-Nov-26 12:00:30 GMT', 30_000],
    ['a date of asctime', 'Mon Nov 30 12:00:30 2026', 30_000],
    ['this moment', 'Mon, 30 Nov 2026 12:00:00 GMT', 0],
    ['the past', 'Mon, 30 Nov 2026 11:59:59 GMT', 0],
    ['1970', 'Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['what is no date', 'Mon, 31 Feb 2027 12:00:30 GMT', 0],
    ['a date of another zone', 'Mon, 30 Nov 2026 12:00:30 +0100', 0],
  ])('is %s, by this clock', (_, retry_after, expected_ms) => {
    expect(wait_ms({ 'retry-after': retry_after })).toBe(expected_ms)
  })

  it.each([
    ['an hour behind', 'Mon, 30 Nov 2026 11:00:00 GMT', 'Mon, 30 Nov 2026 11:00:30 GMT'],
    ['a year ahead', 'Tue, 30 Nov 2027 12:00:00 GMT', 'Tuesday, 30-Nov-27 12:00:30 GMT'],
  ])('is a date of a server whose clock is %s: its own Date counts', (_, date, retry_after) => {
    expect(wait_ms({ date, 'retry-after': retry_after })).toBe(30_000)
  })

  it('is relative to the local clock if the Date of the response is invalid', () => {
    expect(wait_ms({ date: 'today', 'retry-after': 'Mon, 30 Nov 2026 12:00:30 GMT' })).toBe(30_000)
  })
})
