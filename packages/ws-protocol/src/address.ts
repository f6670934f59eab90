import { utf8_length } from './utf8.js'

/** A TCP port of a host. */
export interface TcpAddress {
  /** The kind of address. */
  readonly kind: 'tcp'
  /** A name, or an IP address without brackets. */
  readonly host: string
  /** The port: from 0, which means a free one, to 65535. */
  readonly port: number
}

/** A Unix socket. */
export interface UnixAddress {
  /** The kind of address. */
  readonly kind: 'unix'
  /** The path of its file. */
  readonly path: string
}

/** Where a server listens. */
export type BindAddress = TcpAddress | UnixAddress

/** What `bind` has to be, as the end of the sentence "expected …". */
export const BIND_EXPECTED =
  "'host:port' with a port from 0 (a free one) to 65535, such as '127.0.0.1:8081', '0.0.0.0:8081' for every interface, '[::1]:8081' for IPv6, or 'unix:/path' with a path of at most 107 bytes"

const UNIX_SCHEME = 'unix:'
/** What Linux has room for; a longer path would be cut off there, without a word. */
const MAX_UNIX_PATH_BYTES = 107
/** A host without colons, or something in brackets (RFC 3986 §3.2.2), then a port. */
const HOST_AND_PORT = /^(?:\[([^\]]+)\]|([^\s\p{Cc}:/?#@[\]]+)):(\d{1,5})$/u
const IPV6_ZONE = /%[\w.-]+$/
const IPV6_GROUP = /^[0-9a-f]{1,4}$/i
const IPV6_GROUPS = 8
const EMBEDDED_IPV4 = /(?<=:)\d{1,3}(?:\.\d{1,3}){3}$/
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** Parses a `bind`; `undefined` if it is invalid: see {@link BIND_EXPECTED}. */
export function parse_bind(bind: string): BindAddress | undefined {
  if (bind.startsWith(UNIX_SCHEME)) {
    const path = bind.slice(UNIX_SCHEME.length)
    const is_usable = path !== '' && !path.includes('\0') && utf8_length(path) <= MAX_UNIX_PATH_BYTES
    return is_usable ? { kind: 'unix', path } : undefined
  }
  const [, ipv6, host, digits] = HOST_AND_PORT.exec(bind) ?? []
  const name = ipv6 ?? host
  const port = Number(digits)
  if (name === undefined || port > 65_535 || (ipv6 !== undefined && !is_ipv6(ipv6))) return undefined
  return { kind: 'tcp', host: name, port }
}

/** RFC 4291 §2.2, and a zone (RFC 4007 §11). */
function is_ipv6(text: string): boolean {
  // An IPv4 address at the end stands for two groups.
  const plain = text.replace(IPV6_ZONE, '').replace(EMBEDDED_IPV4, '0:0')
  const halves = plain.split('::').map(half => (half === '' ? [] : half.split(':')))
  const groups = halves.flat()
  if (!groups.every(group => IPV6_GROUP.test(group))) return false
  return halves.length === 1
    ? groups.length === IPV6_GROUPS
    : halves.length === 2 && groups.length < IPV6_GROUPS
}

/** Formats `'ip:port'`, with brackets around an IPv6 address; an IPv4-mapped IPv6 address is shown as IPv4. */
export function format_address(ip: string, port: number): string {
  const plain = MAPPED_IPV4.exec(ip)?.[1] ?? ip
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`
}

/** RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */
const LOOPBACK_HOST = /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** Whether a host, as written in a URL (an IPv6 address in brackets), is this machine itself. */
export function is_loopback_host(host: string): boolean {
  return LOOPBACK_HOST.test(host)
}
