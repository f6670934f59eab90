import type { ByteStream, DeflateParameters } from '@bt/ws-protocol/internal/node'
import type { ClientPlace } from './client_address.js'
import type { ClientRequest } from './request.js'

/** A client whose handshake is done. */
export interface AcceptedClient {
  /** The stream of its frames. */
  readonly stream: ByteStream
  /** The bytes that came behind the handshake. */
  readonly head: Uint8Array
  /** The parameters of permessage-deflate, if it was agreed on. */
  readonly deflate: DeflateParameters | undefined
  /** The request, as the socket shows it. */
  readonly request: ClientRequest
  /** The address of the client. */
  readonly place: ClientPlace
  /** What `authorize` returned. */
  readonly data: unknown
}
