import { describe, expect, test } from 'vitest'
import { check_close, MAX_REASON_BYTES } from '../../src/connection/close_info.js'
import { describe_value } from '../../src/errors/errors.js'
import { utf8_length } from '../../src/frames/utf8.js'

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
  ])('of %o is refused with a message that shows it and the valid codes', (code, shown) => {
    expect(check(code, '')).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: `close got the code ${shown}: use 1000, or one of your own from 3000 to 4999`,
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
    ['in ASCII', 'x'.repeat(124), 124],
    ['in Chinese', `${'关'.repeat(41)}x`, 124],
    ['in Chinese, though it has but 42 characters', '关'.repeat(42), 126],
    ['with an emoji', `😀${'x'.repeat(120)}`, 124],
  ])('longer than 123 bytes %s is refused with its size, the limit and its beginning', (_, reason, size) => {
    expect(check(1000, reason)).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: `close got the reason ${describe_value(reason)}: give a string of at most 123 bytes, it has ${size}`,
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
        message: `close got the reason ${shown}: give a string of at most 123 bytes`,
      }),
    )
  })

  test('may have MAX_REASON_BYTES bytes', () => {
    expect(MAX_REASON_BYTES).toBe(123)
  })

  test('is measured by the platform', () => {
    expect(() => check_close(1000, '', () => 124)).toThrow('it has 124')
    expect(() => check_close(1000, 'x'.repeat(124), () => 123)).not.toThrow()
  })

  test('that is refused is cut at 80 characters in the message', () => {
    expect(check(1000, 'y'.repeat(500))).toThrow(
      `close got the reason "${'y'.repeat(80)}…": give a string of at most 123 bytes, it has 500`,
    )
  })
})

test('the code is reported first if both are invalid', () => {
  expect(check(999, 1)).toThrow(/^close got the code 999: /)
})
