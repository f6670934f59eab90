import { describe, expect, it } from 'vitest'
import { decisive_error, error_text } from '../../../src/node/index.js'

/** Errors as Node makes them: that of several addresses has the code of the first, and no text. */
const coded = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code })
const all_failed = (...codes: string[]): Error =>
  Object.assign(new AggregateError(codes.map(coded)), { code: codes[0] })

describe('decisive_error', () => {
  it('is the error itself of a single address', () => {
    const error = coded('ECONNRESET')
    expect(decisive_error(error)).toBe(error)
  })

  it.each([
    [['ENETUNREACH', 'ECONNREFUSED'], 'ECONNREFUSED'],
    [['ECONNREFUSED', 'ENETUNREACH'], 'ECONNREFUSED'],
    [['ECONNREFUSED', 'ETIMEDOUT'], 'ETIMEDOUT'],
    [['ENETUNREACH', 'ERR_SOCKET_CONNECTION_TIMEOUT', 'ECONNREFUSED'], 'ERR_SOCKET_CONNECTION_TIMEOUT'],
    [['ENETUNREACH', 'EHOSTUNREACH'], 'ENETUNREACH'],
  ])('of addresses that failed with %j is %s', (codes, code) => {
    expect(decisive_error(all_failed(...codes))).toMatchObject({ code })
  })

  it('is found in groups of groups, and is the group itself if that is empty', () => {
    const nested = new AggregateError([all_failed('ENETUNREACH', 'ECONNREFUSED'), coded('EHOSTUNREACH')])
    expect(decisive_error(nested)).toMatchObject({ code: 'ECONNREFUSED' })
    const empty = new AggregateError([])
    expect(decisive_error(empty)).toBe(empty)
  })
})

describe('error_text', () => {
  it('contains the text of each address once', () => {
    const error = all_failed('ENETUNREACH', 'ECONNREFUSED', 'ENETUNREACH')
    expect(error_text(error)).toBe('connect ENETUNREACH; connect ECONNREFUSED')
  })

  it('is the code of an error without a text, or else its name', () => {
    expect(error_text(Object.assign(new Error(), { code: 'EPIPE' }))).toBe('EPIPE')
    expect(error_text(new RangeError())).toBe('RangeError')
  })
})
