/** What a `url` has to look like, as the end of the sentence "expected …". */
export const URL_EXPECTED =
  "a string with a URL such as 'ws://127.0.0.1:8081/ws', 'wss://example.com/ws', or 'ws+unix:/path/of/socket:/ws' for a Unix socket, without a fragment"

const OVER_TCP: readonly string[] = ['ws:', 'wss:']
const WS_UNIX = 'ws+unix:'

/** Where a URL leads. */
export interface WsTarget {
  /** The file of a Unix socket; `undefined` for TCP. */
  readonly unix_path: string | undefined
  /** The URL of the handshake (RFC 6455 §3), over whichever of both. */
  readonly url: URL
}

/** Whether `value` will do as a URL: see {@link URL_EXPECTED}. */
export function is_ws_url(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const url = new URL(value)
  if (url.hash !== '') return false
  return OVER_TCP.includes(url.protocol) || (url.protocol === WS_UNIX && unix_parts(url) !== undefined)
}

/** Takes apart a URL that {@link is_ws_url}. */
export function parse_ws_url(text: string): WsTarget {
  const url = new URL(text)
  const unix = OVER_TCP.includes(url.protocol) ? undefined : unix_parts(url)
  if (unix === undefined) return { unix_path: undefined, url }
  return { unix_path: unix.file, url: new URL(`ws://localhost${unix.path}${url.search}`) }
}

/** What stands before and behind the first colon of a path; `undefined` when there is a host, or it names no file, or no path behind that. */
function unix_parts({ host, pathname }: URL): { readonly file: string; readonly path: string } | undefined {
  // In `ws+unix://run/echo.sock`, the first folder is one: it would be left out.
  if (host !== '') return undefined
  const [encoded_file = '', ...rest] = pathname.split(':')
  const path = rest.join(':') || '/'
  try {
    const file = decodeURIComponent(encoded_file)
    return file.startsWith('/') && !file.includes('\0') && path.startsWith('/') ? { file, path } : undefined
  } catch {
    // A broken escape names no file.
    return undefined
  }
}
