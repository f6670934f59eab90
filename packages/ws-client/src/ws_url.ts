/** What a `url` has to look like, as the end of the sentence "expected …". */
export const URL_EXPECTED =
  "a URL such as 'ws://127.0.0.1:8081/ws', or 'ws+unix:/path/of/socket:/ws' for a Unix socket, without a fragment"

const WS = 'ws:'
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
  const { protocol, pathname, hash } = new URL(value)
  if (hash !== '') return false
  return protocol === WS || (protocol === WS_UNIX && pathname.startsWith('/'))
}

/** Takes apart a URL that {@link is_ws_url}. */
export function parse_ws_url(text: string): WsTarget {
  const url = new URL(text)
  if (url.protocol === WS) return { unix_path: undefined, url }
  const [file = '', ...rest] = url.pathname.split(':')
  const path = rest.join(':') || '/'
  return { unix_path: decodeURIComponent(file), url: new URL(`ws://localhost${path}${url.search}`) }
}

/** A URL as it may be shown: without the password. */
export function shown_url(text: string): string {
  const url = new URL(text)
  if (url.password === '') return text
  url.password = '***'
  return url.href
}
