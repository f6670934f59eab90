/**
 * The headers of a request, by lower-case name. If a name occurs twice, its values are joined (RFC 9110
 * §5.3), or the first one counts.
 */
export type HandshakeHeaders = Readonly<Record<string, string | undefined>>

/** The headers that differ even between clients of the same kind. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'sec-websocket-key'])
/** Never occurs in a header (RFC 9110 §5.5). */
const SEPARATOR = '\n'
/** Never occurs in the name of a header (RFC 9110 §5.6.2). */
const NAME_SEPARATOR = ','

/** The headers of a handshake as two texts. */
export interface PackedHeaders {
  /**
   * A text that many clients share: the names of the client's own headers in one line, then alternating names
   * and values of the others.
   */
  readonly shared: string
  /** The values of this client's own headers, which are its key and credentials. */
  readonly own: string
}

/** Packs headers into two texts, of which the shared one can be cached. */
export function pack_headers(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): PackedHeaders {
  const shared: string[] = []
  const own_names: string[] = []
  const own_values: string[] = []
  for (const name in headers) {
    const value = String(headers[name])
    if (!OWN_HEADERS.has(name)) shared.push(name, value)
    else {
      own_names.push(name)
      own_values.push(value)
    }
  }
  return {
    shared: [own_names.join(NAME_SEPARATOR), ...shared].join(SEPARATOR),
    own: own_values.join(SEPARATOR),
  }
}

/** Unpacks headers; the client's own come last. */
export function unpack_headers({ shared, own }: PackedHeaders): Record<string, string> {
  const headers: Record<string, string> = {}
  const [own_names = '', ...parts] = shared.split(SEPARATOR)
  for (let at = 0; at + 1 < parts.length; at += 2) headers[String(parts[at])] = String(parts[at + 1])
  if (own_names === '') return headers
  const own_values = own.split(SEPARATOR)
  for (const [at, name] of own_names.split(NAME_SEPARATOR).entries()) headers[name] = String(own_values[at])
  return headers
}
