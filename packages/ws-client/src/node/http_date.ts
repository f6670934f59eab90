const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`
const SHORT_DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const LONG_DAY = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day'
const MONTH = `(?<month>${MONTHS.join('|')})`

/** The three formats of RFC 9110 §5.6.7: IMF-fixdate, RFC 850, and `asctime` of C. */
const FORMS = [
  `${SHORT_DAY}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT`,
  `${LONG_DAY}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT`,
  `${SHORT_DAY} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})`,
].map(form => new RegExp(`^${form}$`))

/**
 * Parses an HTTP date (RFC 9110 §5.6.7) into milliseconds since 1970. Returns `undefined` if it is invalid.
 */
export function parse_http_date(text: string): number | undefined {
  for (const form of FORMS) {
    const { groups } = form.exec(text) ?? {}
    if (groups !== undefined) return time_of(groups)
  }
  return undefined
}

function time_of(parts: Record<string, string>): number | undefined {
  const number = (name: string): number => Number(parts[name])
  const [day, hour, minute, second] = [number('day'), number('hour'), number('minute'), number('second')]
  const date = new Date(0)
  date.setUTCFullYear(full_year(parts.year as string), MONTHS.indexOf(parts.month as string), day)
  // Date would turn 31 April into 1 May. A second of 60 is a leap second.
  if (date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 60) return undefined
  return date.setUTCHours(hour, minute, second)
}

/**
 * Completes a year of two digits; one more than 50 years in the future is in the past instead (RFC 9110
 * §5.6.7).
 */
function full_year(digits: string): number {
  if (digits.length === 4) return Number(digits)
  const this_year = new Date().getUTCFullYear()
  const year = this_year - (this_year % 100) + Number(digits)
  return year > this_year + 50 ? year - 100 : year
}
