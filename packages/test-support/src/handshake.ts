// The opening handshake (RFC 6455 §4), for bare sockets.
import { createHash } from 'node:crypto'
import { request } from 'node:http'

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

/** Asks for a WebSocket as a page of an origin does, and returns the status of the response. */
export function status_for(url: string, origin: string): Promise<number | undefined> {
  const { hostname: host, port, pathname: path } = new URL(url)
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    Origin: origin,
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  return new Promise((resolve, reject) => {
    request({ host, port, path, headers, agent: false })
      .on('upgrade', ({ statusCode }, socket) => {
        socket.destroy()
        resolve(statusCode)
      })
      .on('response', response => {
        response.resume()
        resolve(response.statusCode)
      })
      .on('error', reject)
      .end()
  })
}
