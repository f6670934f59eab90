import type { NetErrorCode } from '@bt/net'
import type { ClientOptions } from './client_side.ts'
import type { Sent } from './frame.ts'

/** Whether a client opens or fails, and what its user observes. */
export type Outcome =
  | {
      readonly kind: 'opens'
      readonly protocol?: string
      readonly messages?: readonly string[]
      readonly errors?: readonly NetErrorCode[]
    }
  | {
      readonly kind: 'fails'
      readonly error: NetErrorCode
      /** What the error message must contain, besides the URL. */
      readonly message?: string
    }

/** One fact about responses: what a server sends in response to a request, and what the client does. */
export interface ResponseCase {
  readonly name: string
  /** A clause of RFC 6455, unless it names another one. */
  readonly clause: string
  readonly options?: ClientOptions
  /** Returns the bytes of the response; `accept` is the right Sec-WebSocket-Accept for the request. */
  response(accept: string): string
  /** Frames that are sent together with the response. */
  readonly followed_by?: readonly Sent[]
  /** Whether the server ends TCP after its response. */
  readonly ends_tcp?: boolean
  readonly outcome: Outcome
}

export const OPENS: Outcome = { kind: 'opens' }
/** The response does not open a WebSocket. */
export const FAILS: Outcome = { kind: 'fails', error: 'handshake_failed' }

/** The status of the response is not 101. */
export function refused(message: string): Outcome {
  return { kind: 'fails', error: 'handshake_refused', message }
}
