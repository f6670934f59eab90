import { afterEach, describe, expect, it, vi } from 'vitest'
import { parse_http_date } from '../../src/node/http_date.js'

afterEach(() => void vi.useRealTimers())

describe('parse_http_date', () => {
  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'reads %j, an example of RFC 9110',
    text => {
      expect(parse_http_date(text)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37))
    },
  )

  it('reads every month, a leap day and a leap second', () => {
    const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
    const read = months.map(month => parse_http_date(`Sun, 06 ${month} 2026 00:00:00 GMT`))
    expect(read).toEqual(months.map((_, index) => Date.UTC(2026, index, 6)))
    expect(parse_http_date('Thu, 29 Feb 2024 23:59:59 GMT')).toBe(Date.UTC(2024, 1, 29, 23, 59, 59))
    expect(parse_http_date('Sat, 31 Dec 2016 23:59:60 GMT')).toBe(Date.UTC(2017, 0, 1))
  })

  it('takes a year of two digits as one in the next 50 years, or in the past', () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) })
    const year_of = (digits: string): number =>
      new Date(parse_http_date(`Sunday, 06-Nov-${digits} 08:49:37 GMT`) as number).getUTCFullYear()
    expect(['26', '76', '77', '99', '00'].map(year_of)).toEqual([2026, 2076, 1977, 1999, 2000])
  })

  it.each([
    '',
    '2026-11-30T12:00:00Z',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 31 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:49:37 GMT',
    'Sun, 06 Nov 1994 08:60:37 GMT',
    'Sun, 06 Nov 1994 08:49:61 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
  ])('rejects %j', text => {
    expect(parse_http_date(text)).toBeUndefined()
  })
})
