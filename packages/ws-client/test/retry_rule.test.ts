import { type Ending, NetError, with_retry_hint } from '@bt/ws-protocol'
import { describe, expect, it } from 'vitest'
import { is_final, retry_hint_ms } from '../src/retry_rule.js'

const closed_with = (code: number, reason = ''): Ending => ({ code, reason, cause: 'peer', clean: true })
const refused: Ending = { code: 1006, reason: '', cause: 'refused', clean: false }

/** A server's answer to the handshake, as it is told in Node. */
const answered = (status: number, headers: Record<string, string> = {}): NetError =>
  new NetError('handshake_refused', 'no', { cause: { status, headers } })

describe('is_final', () => {
  it.each([400, 401, 403, 404, 405, 410, 426])('holds for the status %i', status => {
    expect(is_final(refused, answered(status))).toBe(true)
  })

  it.each([
    200, 301, 302, 402, 406, 407, 408, 409, 418, 421, 423, 425, 429, 431, 500, 501, 502, 503, 504, 511,
  ])('does not hold for the status %i', status => {
    expect(is_final(refused, answered(status))).toBe(false)
  })

  it.each([
    ['that is not told, as in a browser', new NetError('handshake_failed', 'no')],
    ['that is not known', undefined],
    ['by nobody, since nobody listens', new NetError('connection_refused', 'no', { cause: new Error('no') })],
    ['whose cause is no object', new NetError('handshake_failed', 'no', { cause: 'text' })],
    ['for lack of time', new NetError('connect_timeout', 'no')],
  ])('does not hold for a refusal %s', (_, error) => {
    expect(is_final(refused, error)).toBe(false)
  })

  it.each([1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003, 4400, 4401, 4403, 4404])(
    'holds for the close code %i',
    code => {
      expect(is_final(closed_with(code), undefined)).toBe(true)
    },
  )

  it.each([
    1001, 1005, 1011, 1012, 1013, 1014, 3001, 3002, 3008, 3999, 4000, 4402, 4405, 4408, 4429, 4500, 4999,
  ])('does not hold for the close code %i', code => {
    expect(is_final(closed_with(code), undefined)).toBe(false)
  })

  it.each(['network', 'heartbeat'] as const)('does not hold for a loss to the %s', cause => {
    const ending: Ending = { code: 1006, reason: '', cause, clean: false }
    expect(is_final(ending, new NetError('connection_lost', 'reset'))).toBe(false)
  })

  it('goes by the status where it was refused, and by nothing else', () => {
    expect(is_final({ ...refused, code: 1000 }, answered(503))).toBe(false)
    expect(is_final(closed_with(1012), answered(404))).toBe(false)
  })
})

describe('retry_hint_ms', () => {
  it.each([
    ['no hint', closed_with(1012, 'back soon'), 0],
    ['a hint', closed_with(1012, with_retry_hint('back soon', 1_500)), 1_500],
    ['a hint with another code', closed_with(1001, with_retry_hint('', 7)), 7],
    ['a hint of an hour', closed_with(1012, with_retry_hint('', 3_600_000)), 3_600_000],
    [
      'a hint of more than an hour, which is cut',
      closed_with(1012, with_retry_hint('', 3_600_001)),
      3_600_000,
    ],
    ['nothing, for it was lost', { code: 1006, reason: '', cause: 'network', clean: false } as const, 0],
  ])('reads behind the reason of a Close: %s', (_, ending, wait_ms) => {
    expect(retry_hint_ms(ending, undefined)).toBe(wait_ms)
  })

  it.each([
    ['2', 2_000],
    ['0', 0],
    ['3600', 3_600_000],
    ['3601', 3_600_000],
    ['86400', 3_600_000],
    ['-1', 0],
    ['', 0],
    ['soon', 0],
    ['Fri, 31 Dec 2099 23:59:59 GMT', 0],
  ])('reads Retry-After: %j', (retry_after, wait_ms) => {
    expect(retry_hint_ms(refused, answered(503, { 'retry-after': retry_after }))).toBe(wait_ms)
  })

  it('is 0 for a refusal that says nothing, or of which nothing is known', () => {
    expect(retry_hint_ms(refused, answered(503))).toBe(0)
    expect(retry_hint_ms(refused, new NetError('connection_refused', 'nobody there'))).toBe(0)
    expect(retry_hint_ms(refused, undefined)).toBe(0)
  })

  it('reads no reason of a refusal', () => {
    expect(retry_hint_ms({ ...refused, reason: with_retry_hint('', 5) }, undefined)).toBe(0)
  })
})
