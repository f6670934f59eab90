import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ClientAddress } from './client_address.js'
import { ignore_error } from './ignore_error.js'
import { has_body } from './validate.js'

/** The connection to a client: a socket of `node:net`, or any other stream that was injected into an http server, which may have no address. */
export type ClientStream = Duplex & Partial<Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'>>

/**
 * Returns the stream to answer a request to upgrade on. From Node 25 on, a request with a body comes with a stream of its own, which has what
 * follows the body. No handshake has a body, so all that is left to do with that stream is to read it to its end.
 */
export function answerable_stream(request: IncomingMessage, stream: Duplex): ClientStream {
  if (stream === request.socket || !has_body(request)) return stream
  stream.on('error', ignore_error)
  stream.resume()
  return request.socket
}

/** Returns where a client is. Node would keep a copy of that for as long as the socket is open: one that is not there yet is taken away again. */
export function address_of(stream: ClientStream): ClientAddress | undefined {
  const socket: { _peername?: unknown } = stream as object
  const kept = socket._peername
  const { remoteAddress, remotePort } = stream
  if (!kept && socket._peername) socket._peername = kept
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return { ip: remoteAddress, port: remotePort }
}
