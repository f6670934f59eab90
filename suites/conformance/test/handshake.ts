/** The key of RFC 6455 §1.3, and the answer to it. */
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

/** Header lines by what they are for; one that is undefined is left out, an array stands for several. */
export type HeaderLines = Readonly<Record<string, string | readonly string[] | undefined>>

const REQUEST: HeaderLines = {
  start: 'GET /ws HTTP/1.1',
  host: 'Host: 127.0.0.1',
  upgrade: 'Upgrade: websocket',
  connection: 'Connection: Upgrade',
  key: `Sec-WebSocket-Key: ${KEY}`,
  version: 'Sec-WebSocket-Version: 13',
}

/** A good request for `/ws` (RFC 6455 §4.1), but for what is changed. */
export function request_head(changed: HeaderLines = {}): string {
  return head_of({ ...REQUEST, ...changed })
}

/** A good answer (RFC 6455 §4.2.2), but for what is changed. */
export function answer_head(accept: string, changed: HeaderLines = {}): string {
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
