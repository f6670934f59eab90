import type { ByteStream, DeflateParameters } from '@bt/ws-protocol/internal/node'
import type { ClientEndpoint } from './client_address.js'
import type { ClientRequest } from './request.js'

/** A client whose handshake is complete. */
export interface AcceptedClient {
  readonly stream: ByteStream
  /** The bytes that followed the handshake. */
  readonly head: Uint8Array
  /** The parameters of permessage-deflate, if it was agreed on. */
  readonly deflate: DeflateParameters | undefined
  /** The request, as the socket shows it. */
  readonly request: ClientRequest
  readonly endpoint: ClientEndpoint
  /** Whether it speaks `bt.session.1`. */
  readonly is_session: boolean
  /** What `authorize` returned. */
  readonly data: unknown
}
