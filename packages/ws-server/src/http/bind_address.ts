import { isIPv6 } from 'node:net'

/** A TCP port of a host. */
export interface TcpAddress {
  readonly kind: 'tcp'
  /** A name, or an IP address without brackets. */
  readonly host: string
  /** The port, from 0, which means a free one, to 65535. */
  readonly port: number
}

/** A Unix socket. */
export interface UnixAddress {
  readonly kind: 'unix'
  readonly path: string
}

/** The parsed option `bind`. */
export type BindAddress = TcpAddress | UnixAddress

/** Describes a valid `bind`, as the end of the sentence "expected …". */
export const BIND_EXPECTED =
  "'host:port' with a port from 0 (a free one) to 65535, such as '127.0.0.1:8081', '0.0.0.0:8081' for every interface, '[::1]:8081' for IPv6, or 'unix:/path' with a path of at most 107 bytes"

const UNIX_SCHEME = 'unix:'
/** The limit of Linux (`sun_path` in unix(7)), which silently truncates a longer path. */
const MAX_UNIX_PATH_BYTES = 107
/** A host without colons, or something in brackets (RFC 3986 §3.2.2), then a port. */
const HOST_AND_PORT = /^(?:\[([^\]]+)\]|([^\s\p{Cc}:/?#@[\]]+)):(\d{1,5})$/u

/** An IPv6 address, perhaps with a zone, which may be any name of a network interface (RFC 4007 §11). */
const IPV6_WITH_ZONE = /^([^%]+)(?:%[^%:]+)?$/

/** Parses the option `bind`. Returns `undefined` unless it is as {@link BIND_EXPECTED} describes. */
export function parse_bind(bind: string): BindAddress | undefined {
  if (bind.startsWith(UNIX_SCHEME)) {
    const path = bind.slice(UNIX_SCHEME.length)
    const is_usable = path !== '' && !path.includes('\0') && Buffer.byteLength(path) <= MAX_UNIX_PATH_BYTES
    return is_usable ? { kind: 'unix', path } : undefined
  }
  const [, ipv6, host, digits] = HOST_AND_PORT.exec(bind) ?? []
  const name = ipv6 ?? host
  const port = Number(digits)
  if (
    name === undefined ||
    port > 65_535 ||
    (ipv6 !== undefined && !isIPv6(IPV6_WITH_ZONE.exec(ipv6)?.[1] ?? ''))
  )
    return undefined
  return { kind: 'tcp', host: name, port }
}
