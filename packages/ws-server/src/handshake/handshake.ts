import type { IncomingMessage } from 'node:http'
import type { ClientPlace } from './client_address.js'
import type { ClientStream } from './client_stream.js'
import type { Refusal } from './refusal.js'
import type { PendingRequest } from './request.js'

/** A valid handshake on its way through the pipeline, for as long as it lasts and no longer. */
export interface Handshake {
  /** The message of `node:http` that it came with. */
  readonly message: IncomingMessage
  /** The connection to the client. */
  readonly stream: ClientStream
  /** The bytes behind the request. */
  readonly head: Buffer
  /** The request as the callbacks see it. */
  readonly request: PendingRequest
  /** The address of the client. */
  readonly place: ClientPlace
  /** How much of `handshake_timeout` has passed, in milliseconds. */
  readonly waited_ms: number
}

/** What becomes of a handshake: it is accepted with what `authorize` returned, refused, or its client has left. */
export type Verdict =
  | { readonly name: 'accepted'; readonly data: unknown }
  | { readonly name: 'refused'; readonly refusal: Refusal }
  | { readonly name: 'left' }
