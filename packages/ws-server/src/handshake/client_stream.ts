import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ClientAddress } from './client_address.js'
import { ignore_error } from './ignore_error.js'
import { has_body } from './validate.js'

/**
 * The connection to a client: a socket, or another stream that was injected into an http server, which may
 * have no address.
 */
export type ClientStream = Duplex & Partial<Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'>>

/**
 * Returns the stream for the response to an upgrade request. From Node 25 on, a request with a body comes
 * with a stream of its own for the bytes after the body. No handshake has a body, so that stream only has to
 * be drained.
 */
export function response_stream(request: IncomingMessage, stream: Duplex): ClientStream {
  if (stream === request.socket || !has_body(request)) return stream
  stream.on('error', ignore_error)
  stream.resume()
  return request.socket
}

/**
 * Returns the address of a client. It removes Node's cached copy of the address, which would take memory for
 * as long as the socket is open.
 */
export function address_of(stream: ClientStream): ClientAddress | undefined {
  const socket: { _peername?: unknown } = stream as object
  const cached = socket._peername
  const { remoteAddress, remotePort } = stream
  if (!cached && socket._peername) socket._peername = cached
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return { ip: remoteAddress, port: remotePort }
}
