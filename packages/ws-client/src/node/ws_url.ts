/** Describes a valid `url`, as the end of the sentence "expected …". */
export const URL_EXPECTED =
  "a string with a URL such as 'ws://127.0.0.1:8081/ws', 'wss://example.com/ws', or 'ws+unix:/path/of/socket:/ws' for a Unix socket, without a fragment, and with the port that the server listens on, not 0"

const TCP_SCHEMES: readonly string[] = ['ws:', 'wss:']
const UNIX_SCHEME = 'ws+unix:'

/** The parsed option `url`. */
export interface WsTarget {
  /** The path of the Unix socket; `undefined` for TCP. */
  readonly unix_path: string | undefined
  /** The URL of the handshake (RFC 6455 §3). */
  readonly url: URL
}

/** Returns whether a value is a valid `url`, as {@link URL_EXPECTED} describes. */
export function is_ws_url(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const url = new URL(value)
  if (url.hash !== '' || url.port === '0') return false
  return TCP_SCHEMES.includes(url.protocol) || (url.protocol === UNIX_SCHEME && unix_parts(url) !== undefined)
}

/** Parses a URL that {@link is_ws_url} accepts. */
export function parse_ws_url(text: string): WsTarget {
  const url = new URL(text)
  const unix = TCP_SCHEMES.includes(url.protocol) ? undefined : unix_parts(url)
  if (unix === undefined) return { unix_path: undefined, url }
  return { unix_path: unix.file, url: new URL(`ws://localhost${unix.path}${url.search}`) }
}

/**
 * Splits the path of a Unix URL at its first colon. Returns `undefined` if there is a host, or either part is
 * invalid.
 */
function unix_parts({ host, pathname }: URL): { readonly file: string; readonly path: string } | undefined {
  // In `ws+unix://run/echo.sock`, the host is a mistake: it was meant as the first folder.
  if (host !== '') return undefined
  const [encoded_file = '', ...rest] = pathname.split(':')
  const path = rest.join(':') || '/'
  try {
    const file = decodeURIComponent(encoded_file)
    return file.startsWith('/') && !file.includes('\0') && path.startsWith('/') ? { file, path } : undefined
  } catch {
    // The path has an invalid percent-escape.
    return undefined
  }
}
