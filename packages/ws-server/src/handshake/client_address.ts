import { isIP, isIPv6 } from 'node:net'
import { is_whole_number } from '@bt/ws-protocol/internal'
import type { HandshakeHeaders } from './headers.js'

/** The header in which a proxy reports the client's address. */
export type ForwardedHeader = 'forwarded' | 'x-forwarded-for'

/** The proxies in front of a server, and how they report who the client is. */
export interface TrustedProxies {
  /** How many of your proxies a request comes through, from 1 to 100. @defaultValue `1` */
  readonly hops?: number | undefined
  /**
   * The header that your proxies set. Name it, since clients can forge one that they do not set. @defaultValue `X-Forwarded-For`, or `Forwarded` if
   * there is no `X-Forwarded-For`
   */
  readonly header?: ForwardedHeader | undefined
}

/** What `trust_proxy` has to look like, as the end of the sentence "expected …". */
export const TRUST_PROXY_EXPECTED =
  "true, false, how many proxies there are from 1 to 100, or { hops?: 1 to 100, header?: 'forwarded' or 'x-forwarded-for' }"

/** Where a client is. */
export interface ClientAddress {
  /** An IPv4 or IPv6 address. */
  readonly ip: string
  /** 0 where it is not known. */
  readonly port: number
}

/** Where a client is, or words for it: one on a Unix socket has no address of its own, and a stream of another kind may have none at all. */
export type ClientPlace = ClientAddress | string

/** The place of a client without an address, in the word of RFC 7239 §6.2. */
export const UNKNOWN_PLACE = 'unknown'

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** Formats `'ip:port'`, with brackets around an IPv6 address; an IPv4-mapped IPv6 address is shown as IPv4. */
export function format_address(ip: string, port: number): string {
  const plain = MAPPED_IPV4.exec(ip)?.[1] ?? ip
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`
}

/** Puts into words where a client is. */
export function show_place(place: ClientPlace): string {
  return typeof place === 'string' ? place : format_address(place.ip, place.port)
}

const MAX_HOPS = 100
/** RFC 7239 §6: a node, and perhaps a port, which may be a made-up one (§6.3). */
const NODE = /^(?:\[([^\]]+)\]|([^:]+))(?::(?:(\d{1,5})|_[\w.-]+))?$/
/** RFC 7239 §4: one `name=value` of an element, whose value may be quoted; or nothing before a semicolon. */
const PARAMETER = /\s*(?:([!#$%&'*+\-.^_`|~\w]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*))\s*(?:;|$)|;)/y

/** Whether a value will do as `trust_proxy`. */
export function is_trust_proxy(value: unknown): boolean {
  if (typeof value === 'boolean') return true
  if (typeof value !== 'object' || value === null) return is_whole_number(value, 1, MAX_HOPS)
  const { hops = 1, header, ...unknown } = value as Record<string, unknown>
  const is_header = header === undefined || header === 'forwarded' || header === 'x-forwarded-for'
  return is_header && is_whole_number(hops, 1, MAX_HOPS) && Object.keys(unknown).length === 0
}

/** What `trust_proxy` says in its long form; `undefined` where no proxy is trusted. */
export function trusted_proxies(option: boolean | number | TrustedProxies): TrustedProxies | undefined {
  if (typeof option === 'object') return option
  if (option === false) return undefined
  return { hops: option === true ? 1 : option }
}

/**
 * The client's address as the outermost trusted proxy saw it; `undefined` when the proxies tell none that can be read. Each proxy puts
 * whom it was called by at the end of the list, so all that stands further left is the client's own word.
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
 * Read from the right, so that no quote that a client left open can swallow what a proxy wrote behind it. Unlike in other lists, an empty element keeps
 * its place: a proxy may have had nothing to write there, and the next one to the left is the client's own word.
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

/** The `for` of one element of `Forwarded` (RFC 7239 §4), where it stands once. */
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

/** `unknown` and made-up names (RFC 7239 §6.2, §6.3) are no addresses. An IPv6 address may stand without brackets. */
function parse_node(node: string): ClientAddress | undefined {
  if (isIPv6(node)) return { ip: node, port: 0 }
  const [, ipv6, ipv4 = '', digits = '0'] = NODE.exec(node) ?? []
  const is_address = ipv6 === undefined ? isIP(ipv4) === 4 : isIPv6(ipv6)
  const port = Number(digits)
  return is_address && port <= 65_535 ? { ip: ipv6 ?? ipv4, port } : undefined
}
