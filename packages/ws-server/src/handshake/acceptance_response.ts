import { hash } from 'node:crypto'
import { header_lines, type ResponseHeaders } from './header_lines.js'

/** The constant of RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Returns the response that accepts a handshake (RFC 6455 §4.2.2). An empty subprotocol or extension is
 * omitted. `headers` are those of the application.
 */
export function acceptance_response(
  key: string,
  protocol: string,
  extension: string,
  headers: ResponseHeaders = {},
): string {
  const accept = hash('sha1', key + GUID, 'base64')
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n` +
    (protocol === '' ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`) +
    (extension === '' ? '' : `Sec-WebSocket-Extensions: ${extension}\r\n`) +
    header_lines(headers) +
    '\r\n'
  )
}
