/** The headers that differ between clients of one kind. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'sec-websocket-key'])
/** Stands in no header (RFC 9110 §5.5). */
const SEPARATOR = '\n'

/** The headers of a handshake as two texts, each with names and values in turn. */
export interface PackedHeaders {
  /** The same for many clients. */
  readonly shared: string
  /** This client's own: its key and its credentials. */
  readonly own: string
}

/** Packs the headers of a handshake. */
export function packed_headers(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): PackedHeaders {
  const shared: string[] = []
  const own: string[] = []
  for (const name in headers) (OWN_HEADERS.has(name) ? own : shared).push(name, String(headers[name]))
  return { shared: shared.join(SEPARATOR), own: own.join(SEPARATOR) }
}

/** Returns headers that were packed; their own come last. */
export function unpacked_headers({ shared, own }: PackedHeaders): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const text of [shared, own]) {
    const parts = text.split(SEPARATOR)
    for (let at = 0; at + 1 < parts.length; at += 2) headers[String(parts[at])] = String(parts[at + 1])
  }
  return headers
}
