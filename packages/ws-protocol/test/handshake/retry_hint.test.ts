import { describe, expect, test } from 'vitest'
import { MAX_REASON_BYTES } from '../../src/connection/close_info.js'
import { read_retry_hint, with_retry_hint } from '../../src/handshake/retry_hint.js'

describe('a retry hint', () => {
  test.each([
    ['', 0, 'retry_after_ms=0'],
    ['', 1_234, 'retry_after_ms=1234'],
    ['back soon', 1_234, 'back soon; retry_after_ms=1234'],
    ['维护中', 3_600_000, '维护中; retry_after_ms=3600000'],
  ])('appended to %j, %i is written as %j and read back', (reason, wait_ms, written) => {
    expect(with_retry_hint(reason, wait_ms)).toBe(written)
    expect(read_retry_hint(written)).toBe(wait_ms)
  })

  test('is read from the end of a reason that contains another one', () => {
    expect(read_retry_hint(with_retry_hint(with_retry_hint('', 5), 7))).toBe(7)
  })

  test('of an hour fits behind a reason of 99 bytes (RFC 6455 §5.5)', () => {
    expect(Buffer.byteLength(with_retry_hint('x'.repeat(99), 3_600_000))).toBe(MAX_REASON_BYTES)
  })

  test.each([
    ['no reason', ''],
    ['another reason', 'going away'],
    ['text before it that does not end', 'go_retry_after_ms=5'],
    ['text behind it', 'retry_after_ms=5; later'],
    ['a space behind it', 'retry_after_ms=5 '],
    ['a line break behind it', 'retry_after_ms=5\n'],
    ['no number', 'retry_after_ms='],
    ['a number below 0', 'retry_after_ms=-5'],
    ['a part of a millisecond', 'retry_after_ms=1.5'],
    ['a number of another kind', 'retry_after_ms=0x10'],
    ['more than ten digits', 'retry_after_ms=12345678901'],
    ['another case', 'Retry_After_Ms=5'],
    ['a colon in place of a semicolon', 'soon: retry_after_ms=5'],
  ])('is not read from %s', (_, reason) => {
    expect(read_retry_hint(reason)).toBeUndefined()
  })
})
