import { createHash } from 'node:crypto'
import type { Dialect } from './message.js'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const END = '\r\n\r\n'

/** Returns the request of an opening handshake (RFC 6455 §4.1). */
export function request_of(port: number, dialect: Dialect, with_compression = false): string {
  const path = dialect === 'socket.io' ? '/socket.io/?EIO=4&transport=websocket' : '/ws'
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${KEY}`,
    ...(with_compression
      ? [
          'Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover',
        ]
      : []),
  ]
  return lines.join('\r\n') + END
}

/** Returns the response to a request, with any key (RFC 6455 §4.2.2). */
export function answer_to(request: string): string {
  const key = /^sec-websocket-key: *(\S+)/im.exec(request)?.[1] ?? KEY
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept_of(key)}${END}`
}

/**
 * Returns the end of the response in the received bytes; -1 if it is incomplete. Throws if the server
 * refuses.
 */
export function answer_end(received: Buffer, with_compression = false): number {
  const end = received.indexOf(END)
  if (end === -1) return -1
  const answer = received.toString('latin1', 0, end)
  if (!answer.startsWith('HTTP/1.1 101') || !answer.includes(accept_of(KEY)))
    throw new Error(`the handshake was answered: ${answer}`)
  if (with_compression && !answer.includes('permessage-deflate'))
    throw new Error(`compression was not agreed on: ${answer}`)
  return end + END.length
}

function accept_of(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64')
}
