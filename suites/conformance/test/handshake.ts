/** The key in RFC 6455 §1.3, and the Sec-WebSocket-Accept for it. */
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

/** Header lines by purpose. An undefined line is left out; an array is several lines. */
export type HeaderLines = Readonly<Record<string, string | readonly string[] | undefined>>

const REQUEST: HeaderLines = {
  start: 'GET /ws HTTP/1.1',
  host: 'Host: 127.0.0.1',
  upgrade: 'Upgrade: websocket',
  connection: 'Connection: Upgrade',
  key: `Sec-WebSocket-Key: ${KEY}`,
  version: 'Sec-WebSocket-Version: 13',
}

/** Returns a valid request for `/ws` (RFC 6455 §4.1), with the changed lines. */
export function request_head(changed: HeaderLines = {}): string {
  return head_of({ ...REQUEST, ...changed })
}

/** Returns a valid response (RFC 6455 §4.2.2), with the changed lines. */
export function response_head(accept: string, changed: HeaderLines = {}): string {
  return head_of({
    start: 'HTTP/1.1 101 Switching Protocols',
    upgrade: 'Upgrade: websocket',
    connection: 'Connection: Upgrade',
    accept: `Sec-WebSocket-Accept: ${accept}`,
    ...changed,
  })
}

function head_of(lines: HeaderLines): string {
  return `${Object.values(lines)
    .flat()
    .filter(line => line !== undefined)
    .join('\r\n')}\r\n\r\n`
}
