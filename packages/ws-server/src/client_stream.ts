import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { has_body } from './judge.js'
import { told_by_close } from './told_by_close.js'

/** The connection to a client: a socket of `node:net`, or any other stream that was injected into an http server, which may have no address. */
export type ClientStream = Duplex & Partial<Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'>>

/**
 * Returns the stream to answer a request to upgrade on. From Node 25 on, a request with a body comes with a stream of its own, which has what
 * follows the body. No handshake has a body, so all that is left to do with that stream is to read it to its end.
 */
export function answerable_stream(request: IncomingMessage, stream: Duplex): ClientStream {
  if (stream === request.socket || !has_body(request)) return stream
  stream.on('error', told_by_close)
  stream.resume()
  return request.socket
}
