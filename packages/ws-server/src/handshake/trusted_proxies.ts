import { BlockList, isIP } from 'node:net'
import { NetError } from '@bt/ws-protocol'
import { describe_value, is_whole_number } from '@bt/ws-protocol/internal'

/** The header in which a proxy reports the client's address. */
export type ForwardedHeader = 'forwarded' | 'x-forwarded-for'

/** The proxies in front of a server, and how they report the client's address. */
export interface TrustedProxies {
  /** How many of your proxies a request comes through, from 1 to 100. @defaultValue `1` */
  readonly hops?: number | undefined
  /**
   * The addresses of your proxies, instead of `hops`: IP addresses, ranges such as `'10.0.0.0/8'` or
   * `'fd00::/8'`, and `'loopback'` for those of this machine, with Unix sockets. An empty list trusts none.
   * @defaultValue none
   */
  readonly addresses?: readonly string[] | undefined
  /**
   * The header that your proxies set. Name it, since clients can forge one that they do not set.
   * @defaultValue `X-Forwarded-For`, or `Forwarded` if there is no `X-Forwarded-For`
   */
  readonly header?: ForwardedHeader | undefined
}

/** The option `trust_proxy`. */
export type TrustProxyOption = boolean | number | readonly string[] | TrustedProxies

/** Describes a valid `trust_proxy`, as the end of the sentence "expected …". */
export const TRUST_PROXY_EXPECTED =
  "true, false, how many proxies there are from 1 to 100, a list of their addresses such as ['10.0.0.0/8', 'loopback'], or { hops?: 1 to 100, header?: 'forwarded' or 'x-forwarded-for' }, or that with addresses instead of hops"

const MAX_HOPS = 100
/** An address without a zone, and the length of a prefix (RFC 4632 §3.1, RFC 4291 §2.3). */
const RANGE = /^([^/%]+)(?:\/(\d{1,3}))?$/
/** RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */
const LOOPBACK = ['127.0.0.0/8', '::1']

/** The proxies that are trusted: those with these addresses, or a number of hops. */
export interface ProxyTrust {
  readonly header: ForwardedHeader | undefined
  readonly hops: number
  readonly addresses: AddressRanges | undefined
}

/** A set of IP addresses, made of ranges. */
export class AddressRanges {
  readonly #list = new BlockList()

  /** @throws NetError `invalid_option`, naming the entry that is no address or range */
  constructor(entries: readonly unknown[]) {
    for (const entry of entries) this.#add(entry)
  }

  /**
   * An IPv4 address may be mapped into IPv6 (RFC 4291 §2.5.5.2), and a zone (RFC 4007 §11) does not count.
   */
  has(ip: string): boolean {
    const [address = ''] = ip.split('%', 1)
    return this.#list.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
  }

  #add(entry: unknown): void {
    if (entry === 'loopback') {
      for (const range of LOOPBACK) this.#add(range)
      return
    }
    const [, address = '', prefix] = RANGE.exec(String(entry)) ?? []
    const version = typeof entry === 'string' ? isIP(address) : 0
    const max = version === 4 ? 32 : 128
    const length = prefix === undefined ? max : Number(prefix)
    if (version === 0 || length > max)
      throw new NetError(
        'invalid_option',
        `listen: the option trust_proxy has the entry ${describe_value(entry)}; expected an IP address such as '10.0.0.1' or '::1', a range such as '10.0.0.0/8' or 'fd00::/8', or 'loopback'`,
      )
    this.#list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6')
  }
}

/**
 * Returns whether a value is valid as `trust_proxy`.
 *
 * @throws NetError `invalid_option`, naming the entry of a list that is no address or range
 */
export function is_trust_proxy(value: unknown): value is TrustProxyOption {
  if (typeof value === 'boolean') return true
  if (typeof value !== 'object' || value === null) return is_whole_number(value, 1, MAX_HOPS)
  if (Array.isArray(value)) return are_addresses(value)
  const { hops, addresses, header, ...unknown } = value as Record<string, unknown>
  const is_header = header === undefined || header === 'forwarded' || header === 'x-forwarded-for'
  if (!is_header || Object.keys(unknown).length > 0) return false
  if (addresses === undefined) return is_whole_number(hops ?? 1, 1, MAX_HOPS)
  return hops === undefined && are_addresses(addresses)
}

function are_addresses(list: unknown): boolean {
  return Array.isArray(list) && new AddressRanges(list) !== undefined
}

/** Returns which proxies the option `trust_proxy` trusts, or `undefined` if it trusts none. */
export function trusted_proxies(option: TrustProxyOption): ProxyTrust | undefined {
  if (option === false) return undefined
  const { hops = 1, addresses, header } = long_form(option)
  return { hops, header, addresses: addresses && new AddressRanges(addresses) }
}

function long_form(option: TrustProxyOption): TrustedProxies {
  if (typeof option === 'object') return is_list(option) ? { addresses: option } : option
  return typeof option === 'number' ? { hops: option } : {}
}

function is_list(option: readonly string[] | TrustedProxies): option is readonly string[] {
  return Array.isArray(option)
}
