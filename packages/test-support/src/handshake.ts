// The opening handshake (RFC 6455 §4), for bare sockets.
import { createHash } from 'node:crypto'
import { request } from 'node:http'

/** The GUID of RFC 6455 §1.3. */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Returns the `Sec-WebSocket-Accept` for a key (§4.2.2). */
export function accept_of(key: string): string {
  return createHash('sha1')
    .update(key + KEY_SUFFIX)
    .digest('base64')
}

/** Returns the 101 response to a request. Each line of `more_headers` has to end with `\r\n`. */
export function answer_to(request: string, more_headers = ''): string {
  const [, key = ''] = /^sec-websocket-key: *(\S+)/im.exec(request) ?? []
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${more_headers}Sec-WebSocket-Accept: ${accept_of(key)}\r\n\r\n`
}

/** Sends an opening handshake as a page of an origin would, and resolves with the response's status. */
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
