import { read_retry_hint } from '@bt/ws-protocol/internal'
import { describe, expect, it } from 'vitest'
import { read_close_options } from '../../src/sockets/close_options.js'

/** The largest number that a random one can be. */
const ALMOST_ONE = 1 - Number.EPSILON

describe('the Close of each socket', () => {
  it.each([
    ['nothing', undefined, 1001, 5_000, ''],
    ['no option', {}, 1001, 5_000, ''],
    ['no wait for callbacks', { drain_ms: 0 }, 1001, 0, ''],
    ['the longest wait for callbacks', { drain_ms: 2_147_483_647 }, 1001, 2_147_483_647, ''],
    ['a code and a reason', { code: 4_000, reason: '再见' }, 4_000, 5_000, '再见'],
    ['no spread', { spread_ms: 0 }, 1001, 5_000, ''],
  ])('with %s', (_, options, code, drain_ms, reason) => {
    const shutdown = read_close_options(options)
    expect([shutdown.code, shutdown.drain_ms, shutdown.next_reason()]).toEqual([code, drain_ms, reason])
  })

  it('has late messages dropped, unless they are to be delivered', () => {
    expect(read_close_options().late).toBe('dropped')
    expect(read_close_options({ late: 'delivered' }).late).toBe('delivered')
  })

  it('has the code 1012 with spread_ms, unless a code is given', () => {
    expect(read_close_options({ spread_ms: 1 }).code).toBe(1012)
    expect(read_close_options({ spread_ms: 1, code: 1001 }).code).toBe(1001)
  })

  it('is a wait of its own each, drawn from 0 up to spread_ms', () => {
    const draws = [0, 0.25, ALMOST_ONE]
    const { next_reason } = read_close_options({ spread_ms: 60_000 }, () => draws.shift() as number)
    expect([next_reason(), next_reason(), next_reason()]).toEqual([
      'retry_after_ms=0',
      'retry_after_ms=15000',
      'retry_after_ms=59999',
    ])
  })

  it('has the wait behind the reason, within the 123 bytes that there are (RFC 6455 §5.5)', () => {
    const options = { spread_ms: 3_600_000, reason: 'é'.repeat(49) }
    const reason = read_close_options(options, () => ALMOST_ONE).next_reason()
    expect(reason).toBe(`${options.reason}; retry_after_ms=3599999`)
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123)
  })

  it('has a different random delay for each socket', () => {
    const { next_reason } = read_close_options({ spread_ms: 3_600_000 })
    const waits = Array.from({ length: 100 }, () => read_retry_hint(next_reason()) as number)
    expect(new Set(waits).size).toBeGreaterThan(50)
    expect(waits.filter(wait => !(wait >= 0 && wait < 3_600_000))).toEqual([])
  })
})

describe('an option of close', () => {
  it.each([1000, 1001, 1012, 1013, 3_000, 4_999])('may be the code %i', code => {
    expect(read_close_options({ code }).code).toBe(code)
  })

  it.each<[string, object, RegExp]>([
    ['a code of the protocol', { code: 1002 }, /close: the option code is 1002; expected 1000, 1001, 1012/],
    ['a code that may not be sent', { code: 1006 }, /code is 1006/],
    ['a code below all', { code: 999 }, /code is 999/],
    ['a code that others have', { code: 2_999 }, /code is 2999/],
    ['a code above all', { code: 5_000 }, /code is 5000/],
    ['a part of a code', { code: 3_000.5 }, /code is 3000\.5/],
    ['text', { code: '1001' }, /code is "1001"/],
    ['a wait below 0', { drain_ms: -1 }, /drain_ms is -1; expected a whole number of milliseconds from 0/],
    ['a wait that never ends', { drain_ms: Infinity }, /drain_ms is Infinity/],
    ['a wait longer than timers take', { drain_ms: 2_147_483_648 }, /drain_ms is 2147483648/],
    [
      'a spread of more than an hour',
      { spread_ms: 3_600_001 },
      /spread_ms is 3600001; expected .* to 3600000/,
    ],
    ['a spread below 0', { spread_ms: -1 }, /spread_ms is -1/],
    [
      'a reason of 100 bytes',
      { reason: 'x'.repeat(100) },
      /reason is "x{80}…"; expected a string of at most 99 bytes/,
    ],
    ['a reason of 100 bytes in 50 letters', { reason: 'é'.repeat(50) }, /reason is "é+"/],
    ['a reason that is no text', { reason: 5 }, /reason is 5/],
    ['another fate of late messages', { late: 'kept' }, /late is "kept"; expected 'dropped' or 'delivered'/],
    ['a word that is not known', { drain: 5 }, /no option "drain"; did you mean drain_ms\?/],
    ['no options', null as unknown as object, /got null for its options/],
  ])('may not be %s', (_, options, message) => {
    expect(() => read_close_options(options)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
    )
  })

  it('may be a reason of 99 bytes', () => {
    const reason = 'x'.repeat(99)
    expect(read_close_options({ reason }).next_reason()).toBe(reason)
  })
})
