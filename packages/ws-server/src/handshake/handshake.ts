import type { IncomingMessage } from 'node:http'
import type { ClientEndpoint } from './client_address.js'
import type { ClientStream } from './client_stream.js'
import type { ResponseHeaders } from './header_lines.js'
import type { Refusal } from './refusal.js'
import type { PendingRequest } from './request.js'

/** A valid handshake on its way through the pipeline. */
export interface Handshake {
  readonly message: IncomingMessage
  readonly stream: ClientStream
  /** The bytes that followed the request. */
  readonly head: Buffer
  /** The request as callbacks get it. */
  readonly request: PendingRequest
  readonly endpoint: ClientEndpoint
  /** Whether the client asks for a session, and gets one. */
  readonly is_session: boolean
  /** The part of `handshake_timeout` that has passed, in milliseconds. */
  readonly elapsed_ms: number
}

/**
 * The outcome of `authorize`: the handshake is accepted with the returned data and headers, or refused, or its
 * client has left.
 */
export type Verdict =
  | { readonly name: 'accepted'; readonly data: unknown; readonly headers: ResponseHeaders }
  | { readonly name: 'refused'; readonly refusal: Refusal }
  | { readonly name: 'left' }
