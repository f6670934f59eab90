import { describe, expect, test } from 'vitest'
import { check_close, MAX_REASON_BYTES } from '../../src/connection/close_info.js'
import { describe_value } from '../../src/errors/errors.js'
import { utf8_length } from '../../src/frames/utf8.js'

const EXPECTED = ': give 1000, or a code of your own from 3000 to 4999, and a string of at most 123 bytes'

const check = (code: unknown, reason: unknown) => () => check_close(code, reason, utf8_length)

describe('a code', () => {
  test.each([1000, 3000, 3001, 4000, 4999])('of %i is allowed', code => {
    expect(check(code, '')).not.toThrow()
  })

  test.each([
    [999, '999'],
    [1001, '1001'],
    [1005, '1005'],
    [1006, '1006'],
    [2999, '2999'],
    [5000, '5000'],
    [3000.5, '3000.5'],
    [-1000, '-1000'],
    [0, '0'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    ['1000', '"1000"'],
    [1000n, '1000n'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{}, 'an object'],
  ])('of %o is refused with a message that shows it and what is valid', (code, shown) => {
    expect(check(code, '')).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: `close got ${shown}, ""${EXPECTED}`,
      }),
    )
  })
})

describe('a reason', () => {
  test.each([
    ['empty', ''],
    ['of 123 bytes in ASCII', 'x'.repeat(123)],
    ['of 123 bytes in Chinese', '关'.repeat(41)],
    ['of 123 bytes with an emoji', `😀${'x'.repeat(119)}`],
  ])('%s is allowed', (_, reason) => {
    expect(check(1000, reason)).not.toThrow()
  })

  // RFC 6455 §5.5: a control frame has room for 125 bytes, and the code takes two.
  test.each([
    ['in ASCII', 'x'.repeat(124)],
    ['in Chinese', `${'关'.repeat(41)}x`],
    ['in Chinese, though it has but 42 characters', '关'.repeat(42)],
    ['with an emoji', `😀${'x'.repeat(120)}`],
  ])('longer than 123 bytes %s is refused with the limit and its beginning', (_, reason) => {
    expect(check(1000, reason)).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: `close got 1000, ${describe_value(reason)}${EXPECTED}`,
      }),
    )
  })

  test.each([
    [1, '1'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Buffer.from('bye'), 'an instance of Buffer'],
  ])('%o is refused, since it is not a string', (reason, shown) => {
    expect(check(1000, reason)).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: `close got 1000, ${shown}${EXPECTED}`,
      }),
    )
  })

  test('may have MAX_REASON_BYTES bytes', () => {
    expect(MAX_REASON_BYTES).toBe(123)
  })

  test('is measured by the platform', () => {
    expect(() => check_close(1000, '', () => 124)).toThrow('at most 123 bytes')
    expect(() => check_close(1000, 'x'.repeat(124), () => 123)).not.toThrow()
  })

  test('that is refused is cut at 80 characters in the message', () => {
    expect(check(1000, 'y'.repeat(500))).toThrow(`close got 1000, "${'y'.repeat(80)}…": give`)
  })
})

test('both are shown if both are invalid', () => {
  expect(check(999, 1)).toThrow(`close got 999, 1${EXPECTED}`)
})
