import { isIP, isIPv6 } from 'node:net'
import type { HandshakeHeaders } from './headers.js'
import type { ProxyTrust } from './trusted_proxies.js'

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

/** A node and an optional port (RFC 7239 §6), which may be obfuscated (§6.3). */
const NODE = /^(?:\[([^\]]+)\]|([^:]+))(?::(?:(\d{1,5})|_[\w.-]+))?$/
/**
 * One `name=value` of an element, with an optionally quoted value (RFC 7239 §4), or nothing before a
 * semicolon.
 */
const PARAMETER = /\s*(?:([!#$%&'*+\-.^_`|~\w]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*))\s*(?:;|$)|;)/y

/**
 * Returns the client's address as the proxies report it, or `undefined` if they report none or `peer_ip`, the
 * address of the connection, is not one of theirs. Each proxy appends the address of its peer to the list, so
 * anything further left than the first address that is not of a proxy is the client's own claim.
 */
export function forwarded_client(
  headers: HandshakeHeaders,
  { header, hops, addresses }: ProxyTrust,
  peer_ip: string | undefined,
): ClientAddress | undefined {
  const { forwarded, 'x-forwarded-for': x_forwarded_for } = headers
  const name = header ?? (x_forwarded_for === undefined ? 'forwarded' : 'x-forwarded-for')
  const list = (name === 'forwarded' ? forwarded : x_forwarded_for) ?? ''
  const is_proxy = (ip: string | undefined): boolean => ip !== undefined && addresses?.has(ip) === true
  if (addresses !== undefined && !is_proxy(peer_ip)) return undefined
  let position = 0
  let client: ClientAddress | undefined
  for (const entry of from_right(list)) {
    position += 1
    if (addresses === undefined && position < hops) continue
    const node = name === 'forwarded' ? node_of_element(entry) : entry
    client = node === undefined ? undefined : parse_node(node)
    if (client === undefined || !is_proxy(client.ip)) return client
  }
  return client
}

/**
 * Iterates over the elements of a list from the right. Parsing from the right keeps a quote that the client
 * left open from swallowing what a proxy appended. Unlike in other lists (RFC 9110 §5.6.1), empty elements
 * count: a proxy may have written one, and the next to the left is the client's own claim.
 */
function* from_right(list: string): Generator<string> {
  let end = list.length
  let is_quoted = false
  for (let at = list.length - 1; at >= 0; at -= 1) {
    const char = list[at]
    if (char === '"' && list[at - 1] !== '\\') is_quoted = !is_quoted
    if (char !== ',' || is_quoted) continue
    yield list.slice(at + 1, end).trim()
    end = at
  }
  yield list.slice(0, end).trim()
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
  if (isIPv6(node)) return { ip: without_zone(node), port: 0 }
  const [, ipv6, ipv4 = '', digits = '0'] = NODE.exec(node) ?? []
  const is_address = ipv6 === undefined ? isIP(ipv4) === 4 : isIPv6(ipv6)
  const port = Number(digits)
  return is_address && port <= 65_535 ? { ip: without_zone(ipv6 ?? ipv4), port } : undefined
}

/** A zone (RFC 4007 §11) means nothing on another machine, and is a text of any length. */
function without_zone(ip: string): string {
  return ip.split('%', 1)[0] as string
}
