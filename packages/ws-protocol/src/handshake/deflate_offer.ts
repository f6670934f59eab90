import { list_elements } from './header_list.js'

const NAME = 'permessage-deflate'
const CHARACTER = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]"
const BLANKS = '[ \\t]*'
/** A quoted value has to be a token once its quotes and backslashes are removed (RFC 6455 §9.1). */
const VALUE = `(?:${CHARACTER}+|"(?:\\\\?${CHARACTER})+")`
/** RFC 2616 §2.1 allows blanks between any two tokens. */
const PARAMETER = `${BLANKS};${BLANKS}${CHARACTER}+(?:${BLANKS}=${BLANKS}${VALUE})?`
const EXTENSION = `${CHARACTER}+(?:${PARAMETER})*`
/** RFC 6455 §9.1: a list, whose elements may be empty (RFC 2616 §2.1). */
const EXTENSION_LIST = new RegExp(`^[ \\t,]*${EXTENSION}(?:${BLANKS},[ \\t,]*${EXTENSION})*[ \\t,]*$`)
/** RFC 7692 §7.1.2: a decimal number from 8 to 15, without leading zeros. */
const WINDOW_BITS = /^(?:8|9|1[0-5])$/

/**
 * Returns the valid permessage-deflate elements (RFC 7692 §7.1) of a list of extensions (RFC 6455 §9.1),
 * without quotes and without blanks around `=`; `undefined` if the list is malformed. A server has to decline
 * any other offer, and a client must not accept any other response.
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
      // Without a value, a client says that it supports smaller windows (§7.1.2.2).
      return value === undefined ? from === 'client' : WINDOW_BITS.test(value)
    case 'server_max_window_bits':
      return value !== undefined && WINDOW_BITS.test(value)
    default:
      return false
  }
}
