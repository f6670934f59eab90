import type { NetErrorCode, RefusalReason } from '@bt/net'
import type { Sent } from './frame.ts'
import type { ServerOptions } from './server_side.ts'

/** How a server answers a request. */
export type Answer =
  | {
      readonly kind: 'opens'
      /** What the Sec-WebSocket-Protocol of the answer and `socket.request.protocol` say; nothing, where nothing is said. */
      readonly protocol?: string
      /** The Sec-WebSocket-Extensions of the answer; none, where nothing is said. */
      readonly extensions?: string
      /** What is sent behind the request in the same bytes, and what the user is handed of it. */
      readonly behind?: readonly Sent[]
      readonly messages?: readonly string[]
      readonly errors?: readonly NetErrorCode[]
      /** Headers that the user finds in `socket.request.headers`. */
      readonly headers?: Readonly<Record<string, string | undefined>>
    }
  | {
      readonly kind: 'refused'
      readonly status: number
      /** What `stats()` counts. */
      readonly reason: RefusalReason
      /** Headers of the answer, by lower-case name. */
      readonly headers?: Readonly<Record<string, string>>
    }

/** One fact about requests: what a client sends for a handshake, and what it gets. */
export interface RequestCase {
  readonly name: string
  /** RFC 6455, unless another is named. */
  readonly clause: string
  readonly options?: ServerOptions
  /** The whole head; `path` is that of the case's connection, with a query that names it. */
  request(path: string): string
  readonly answer: Answer
}

export const OPENS: Answer = { kind: 'opens' }

export function refused(
  status: number,
  reason: RefusalReason = 'bad_handshake',
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { kind: 'refused', status, reason, headers }
}
