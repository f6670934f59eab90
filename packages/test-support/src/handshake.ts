// The opening handshake (RFC 6455 §4), for bare sockets.
import { createHash } from 'node:crypto'

/** §1.3. */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Returns what accepts a key (§4.2.2). */
export function accept_of(key: string): string {
  return createHash('sha1')
    .update(key + KEY_SUFFIX)
    .digest('base64')
}

/** Returns the head of the response that accepts a request, with more header lines if any are given, each with its end. */
export function answer_to(request: string, more_headers = ''): string {
  const [, key = ''] = /^sec-websocket-key: *(\S+)/im.exec(request) ?? []
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${more_headers}Sec-WebSocket-Accept: ${accept_of(key)}\r\n\r\n`
}
