import { list_elements } from './header_list.js'

const NAME = 'permessage-deflate'
const CHARACTER = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]"
const BLANKS = '[ \\t]*'
/** A value that is quoted has to be a token without its quotes and backslashes (RFC 6455 §9.1). */
const VALUE = `(?:${CHARACTER}+|"(?:\\\\?${CHARACTER})+")`
/** RFC 2616 §2.1 allows blanks between any two words. */
const PARAMETER = `${BLANKS};${BLANKS}${CHARACTER}+(?:${BLANKS}=${BLANKS}${VALUE})?`
const EXTENSION = `${CHARACTER}+(?:${PARAMETER})*`
/** RFC 6455 §9.1: a list, whose elements may be empty (RFC 2616 §2.1). */
const EXTENSION_LIST = new RegExp(`^[ \\t,]*${EXTENSION}(?:${BLANKS},[ \\t,]*${EXTENSION})*[ \\t,]*$`)
/** RFC 7692 §7.1.2: a decimal number from 8 to 15, without leading zeros. */
const WINDOW_BITS = /^(?:8|9|1[0-5])$/

/**
 * Returns the entries of a list of extensions (RFC 6455 §9.1) that are permessage-deflate as RFC 7692 §7.1 defines it: a server has to decline any
 * other offer, and a client may accept no other answer. They are written the plainest way, without blanks around `=` and without quotes. `undefined`
 * if it is no such list at all.
 */
export function deflate_offers(list: string, from: 'client' | 'server'): string[] | undefined {
  if (!EXTENSION_LIST.test(list)) return undefined
  return list_elements(list)
    .map(extension => extension.replaceAll(/["\\ \t]/g, '').replaceAll(';', '; '))
    .filter(offer => is_deflate(offer, from))
}

function is_deflate(offer: string, from: 'client' | 'server'): boolean {
  const [name, ...parameters] = offer.split('; ')
  const names = parameters.map(parameter => parameter.split('=', 1)[0])
  return (
    name === NAME &&
    new Set(names).size === names.length &&
    parameters.every(parameter => is_parameter(parameter, from))
  )
}

function is_parameter(parameter: string, from: 'client' | 'server'): boolean {
  const [name, value] = parameter.split('=')
  switch (name) {
    case 'server_no_context_takeover':
    case 'client_no_context_takeover':
      return value === undefined
    case 'client_max_window_bits':
      // Without a value, a client says that it can do with fewer (§7.1.2.2).
      return value === undefined ? from === 'client' : WINDOW_BITS.test(value)
    case 'server_max_window_bits':
      return value !== undefined && WINDOW_BITS.test(value)
    default:
      return false
  }
}
