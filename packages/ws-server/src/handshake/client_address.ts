import { isIP, isIPv6 } from 'node:net'
import { is_whole_number } from '@bt/ws-protocol/internal'
import type { HandshakeHeaders } from './headers.js'

/** The header in which a proxy reports the client's address. */
export type ForwardedHeader = 'forwarded' | 'x-forwarded-for'

/** The proxies in front of a server, and how they report the client's address. */
export interface TrustedProxies {
  /** How many of your proxies a request comes through, from 1 to 100. @defaultValue `1` */
  readonly hops?: number | undefined
  /**
   * The header that your proxies set. Name it, since clients can forge one that they do not set.
   * @defaultValue `X-Forwarded-For`, or `Forwarded` if there is no `X-Forwarded-For`
   */
  readonly header?: ForwardedHeader | undefined
}

/** Describes a valid `trust_proxy`, as the end of the sentence "expected …". */
export const TRUST_PROXY_EXPECTED =
  "true, false, how many proxies there are from 1 to 100, or { hops?: 1 to 100, header?: 'forwarded' or 'x-forwarded-for' }"

/** The IP address and the port of a client. */
export interface ClientAddress {
  readonly ip: string
  /** 0 if it is unknown. */
  readonly port: number
}

/**
 * The address of a client, or the text to show if it has none: the path of a Unix socket, or
 * {@link UNKNOWN_ENDPOINT}.
 */
export type ClientEndpoint = ClientAddress | string

/** Shown for a client without an address, as in RFC 7239 §6.2. */
export const UNKNOWN_ENDPOINT = 'unknown'

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/**
 * Formats `'ip:port'`, with brackets around an IPv6 address; an IPv4-mapped IPv6 address is shown as IPv4.
 */
export function format_address(ip: string, port: number): string {
  const plain = MAPPED_IPV4.exec(ip)?.[1] ?? ip
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`
}

/** Formats an endpoint as `addr` shows it. */
export function format_endpoint(endpoint: ClientEndpoint): string {
  return typeof endpoint === 'string' ? endpoint : format_address(endpoint.ip, endpoint.port)
}

const MAX_HOPS = 100
/** A node and an optional port (RFC 7239 §6), which may be obfuscated (§6.3). */
const NODE = /^(?:\[([^\]]+)\]|([^:]+))(?::(?:(\d{1,5})|_[\w.-]+))?$/
/**
 * One `name=value` of an element, with an optionally quoted value (RFC 7239 §4), or nothing before a
 * semicolon.
 */
const PARAMETER = /\s*(?:([!#$%&'*+\-.^_`|~\w]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*))\s*(?:;|$)|;)/y

/** Returns whether a value is valid as `trust_proxy`. */
export function is_trust_proxy(value: unknown): boolean {
  if (typeof value === 'boolean') return true
  if (typeof value !== 'object' || value === null) return is_whole_number(value, 1, MAX_HOPS)
  const { hops = 1, header, ...unknown } = value as Record<string, unknown>
  const is_header = header === undefined || header === 'forwarded' || header === 'x-forwarded-for'
  return is_header && is_whole_number(hops, 1, MAX_HOPS) && Object.keys(unknown).length === 0
}

/** Returns the option `trust_proxy` in its long form, or `undefined` if no proxy is trusted. */
export function trusted_proxies(option: boolean | number | TrustedProxies): TrustedProxies | undefined {
  if (typeof option === 'object') return option
  if (option === false) return undefined
  return { hops: option === true ? 1 : option }
}

/**
 * Returns the client's address as the outermost trusted proxy reports it, or `undefined` if that is not an
 * address. Each proxy appends the address of its peer to the list, so anything further left is the client's
 * own claim.
 */
export function forwarded_client(
  headers: HandshakeHeaders,
  { hops = 1, header }: TrustedProxies,
): ClientAddress | undefined {
  const { forwarded, 'x-forwarded-for': x_forwarded_for } = headers
  const name = header ?? (x_forwarded_for === undefined ? 'forwarded' : 'x-forwarded-for')
  const entry = nth_from_right((name === 'forwarded' ? forwarded : x_forwarded_for) ?? '', hops)
  const node = name === 'forwarded' ? node_of_element(entry) : entry
  return node === undefined ? undefined : parse_node(node)
}

/**
 * Returns the n-th element from the right. Parsing from the right keeps a quote that the client left open
 * from swallowing what a proxy appended. Unlike in other lists (RFC 9110 §5.6.1), empty elements count: a
 * proxy may have written one, and the next to the left is the client's own claim.
 */
function nth_from_right(list: string, n: number): string {
  let end = list.length
  let left = n
  let is_quoted = false
  for (let at = list.length - 1; at >= 0; at -= 1) {
    const char = list[at]
    if (char === '"' && list[at - 1] !== '\\') is_quoted = !is_quoted
    if (char !== ',' || is_quoted) continue
    left -= 1
    if (left === 0) return list.slice(at + 1, end).trim()
    end = at
  }
  return left === 1 ? list.slice(0, end).trim() : ''
}

/**
 * Returns the `for` parameter of an element of `Forwarded` (RFC 7239 §4), unless it is missing or repeated.
 */
function node_of_element(element: string): string | undefined {
  let node: string | undefined
  PARAMETER.lastIndex = 0
  while (PARAMETER.lastIndex < element.length) {
    const found = PARAMETER.exec(element)
    if (found === null) return undefined
    const [, name, quoted, plain] = found
    if (name?.toLowerCase() !== 'for') continue
    if (node !== undefined) return undefined
    node = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain
  }
  return node
}

/**
 * Parses a node; `unknown` and obfuscated identifiers (RFC 7239 §6.2, §6.3) are not addresses. An IPv6
 * address may lack its brackets.
 */
function parse_node(node: string): ClientAddress | undefined {
  if (isIPv6(node)) return { ip: node, port: 0 }
  const [, ipv6, ipv4 = '', digits = '0'] = NODE.exec(node) ?? []
  const is_address = ipv6 === undefined ? isIP(ipv4) === 4 : isIPv6(ipv6)
  const port = Number(digits)
  return is_address && port <= 65_535 ? { ip: ipv6 ?? ipv4, port } : undefined
}
