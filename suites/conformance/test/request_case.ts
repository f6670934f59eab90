import type { NetErrorCode, RefusalReason } from '@bt/net'
import type { Sent } from './frame.ts'
import type { ServerOptions } from './server_side.ts'

/** How a server responds to a request. */
export type ExpectedResponse =
  | {
      readonly kind: 'opens'
      /** The Sec-WebSocket-Protocol of the response, and `socket.request.protocol`; none by default. */
      readonly protocol?: string
      /** The Sec-WebSocket-Extensions of the response; none by default. */
      readonly extensions?: string
      /** Frames that are sent together with the request, and what the callbacks receive. */
      readonly followed_by?: readonly Sent[]
      readonly messages?: readonly string[]
      readonly errors?: readonly NetErrorCode[]
      /** Headers in `socket.request.headers`. */
      readonly headers?: Readonly<Record<string, string | undefined>>
    }
  | {
      readonly kind: 'refused'
      readonly status: number
      /** The reason under which `stats()` counts the refusal. */
      readonly reason: RefusalReason
      /** Headers of the response, by lower-case name. */
      readonly headers?: Readonly<Record<string, string>>
    }

/** One fact about requests: what a client sends as its handshake, and how the server responds. */
export interface RequestCase {
  readonly name: string
  /** A clause of RFC 6455, unless it names another one. */
  readonly clause: string
  readonly options?: ServerOptions
  /** Returns the complete head; `path` has a query that identifies the connection of the case. */
  request(path: string): string
  readonly response: ExpectedResponse
}

export const OPENS: ExpectedResponse = { kind: 'opens' }

export function refused(
  status: number,
  reason: RefusalReason = 'bad_handshake',
  headers: Readonly<Record<string, string>> = {},
): ExpectedResponse {
  return { kind: 'refused', status, reason, headers }
}
