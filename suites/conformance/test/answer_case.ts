import type { NetErrorCode } from '@bt/net'
import type { ClientOptions } from './client_side.ts'
import type { Sent } from './frame.ts'

/** What becomes of a client. */
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
      /** What the message has to say, besides the URL. */
      readonly says?: string
    }

/** One fact about answers: what a server answers to a request, and what becomes of the client. */
export interface AnswerCase {
  readonly name: string
  /** RFC 6455, unless another is named. */
  readonly clause: string
  readonly options?: ClientOptions
  /** All that the server sends; `accept` is what belongs to the key of the request. */
  answer(accept: string): string
  /** What is sent behind the answer in the same bytes. */
  readonly behind?: readonly Sent[]
  /** Whether the server ends TCP behind its answer. */
  readonly ends_tcp?: boolean
  readonly outcome: Outcome
}

export const OPENS: Outcome = { kind: 'opens' }
/** The answer is none that opens a WebSocket. */
export const FAILS: Outcome = { kind: 'fails', error: 'handshake_failed' }

/** The server answered with another status than 101. */
export function refused(says: string): Outcome {
  return { kind: 'fails', error: 'handshake_refused', says }
}
