/**
 * Parses a Cookie header (RFC 6265 §4.2.1). The first cookie of a name counts: it has the more specific path
 * (§5.4).
 */
export function parse_cookies(header = ''): Record<string, string | undefined> {
  // Without a prototype, a cookie may have any name.
  const cookies: Record<string, string | undefined> = Object.create(null)
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const name = pair.slice(0, equals).trim()
    cookies[name] ??= decoded(unquoted(pair.slice(equals + 1).trim()))
  }
  return cookies
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}

function decoded(value: string): string {
  if (!value.includes('%')) return value
  try {
    return decodeURIComponent(value)
  } catch {
    // Not every cookie is percent-encoded.
    return value
  }
}
