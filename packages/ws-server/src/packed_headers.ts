/** The one header that no two handshakes share. */
export const KEY_HEADER = 'sec-websocket-key'
/** Stands in no header (RFC 9110 §5.5). */
const SEPARATOR = '\n'

/** Packs headers, with names and values in turn, into one text, which is the same for many clients: it is without the key. */
export function packed_headers(headers: Readonly<Record<string, string | string[] | undefined>>): string {
  const parts: string[] = []
  for (const name in headers) if (name !== KEY_HEADER) parts.push(name, String(headers[name]))
  return parts.join(SEPARATOR)
}

/** Headers that were packed, with their key behind them; an empty one is left out. */
export function unpacked_headers(packed: string, key: string): Record<string, string> {
  const headers: Record<string, string> = {}
  const parts = packed.split(SEPARATOR)
  for (let at = 0; at + 1 < parts.length; at += 2) headers[String(parts[at])] = String(parts[at + 1])
  if (key !== '') headers[KEY_HEADER] = key
  return headers
}
