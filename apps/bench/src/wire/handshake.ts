import { createHash } from 'node:crypto'
import type { Dialect } from './message.js'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const END = '\r\n\r\n'

/** A client's half of the opening handshake (RFC 6455 §4.1). */
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

/** A server's half, to whoever sends that key or another. */
export function answer_to(request: string): string {
  const key = /^sec-websocket-key: *(\S+)/im.exec(request)?.[1] ?? KEY
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept_of(key)}${END}`
}

/** Where the answer ends in what a server has said; -1 where it has not ended yet. Throws what is no agreement. */
export function answer_end(said: Buffer, with_compression = false): number {
  const end = said.indexOf(END)
  if (end === -1) return -1
  const answer = said.toString('latin1', 0, end)
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
