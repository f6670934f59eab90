import type { CompressionOptions, NetErrorCode } from '@bt/net'
import type { Frame, Sent } from './frame.ts'

/** The options of `listen` and `connect` that a case may set. */
export interface CaseOptions {
  readonly binary?: boolean
  readonly max_payload?: number
  readonly max_fragments?: number
  readonly compression?: boolean | CompressionOptions
}

/** How a connection ends: on the wire, and for the user. */
export type Ending =
  /** It does not: another message still arrives, and the peer closes in order. */
  | { readonly kind: 'lives_on' }
  /** The side under test fails it (§7.1.7): `code` goes out in its Close, `error` to `on_error`, and TCP ends without an answer. */
  | { readonly kind: 'failed'; readonly code: number; readonly error: NetErrorCode }
  /** The side under test takes no such messages: as `failed`, but it closes in order, and the peer answers. */
  | { readonly kind: 'declined'; readonly code: number; readonly error: NetErrorCode }
  /** The peer closes, and is answered with the same payload; the user is told `code` and `reason`. */
  | { readonly kind: 'peer_closed'; readonly code: number; readonly reason: string }
  /** The peer ends TCP without a Close, and is sent none. */
  | { readonly kind: 'lost' }
  /** The user closes with this payload, and the peer answers with `answer`; the user is told `code` and `reason`. */
  | {
      readonly kind: 'user_closed'
      readonly with: readonly [code?: number, reason?: string]
      readonly answer: readonly Sent[]
      readonly code: number
      readonly reason: string
      readonly clean: boolean
    }

/** One fact about frames, which holds for both sides where none is named. */
export interface FrameCase {
  readonly name: string
  /** RFC 6455, or RFC 7692 where it says so. */
  readonly clause: string
  readonly side?: 'server' | 'client'
  readonly options?: CaseOptions
  /** What the peer offers, or answers; with `options.compression`, permessage-deflate without context takeover, else nothing. */
  readonly extension?: string
  /** What the peer sends as soon as the connection is open. */
  readonly sends: readonly Sent[]
  /** What the user sends as soon as the connection is open. */
  readonly user_sends?: readonly (string | Uint8Array)[]
  /** What has to come out on the wire, before the Close: nothing, where nothing is said. */
  readonly seen?: readonly Frame[]
  /** What the user has to be handed: nothing, where nothing is said. */
  readonly messages?: readonly (string | Uint8Array)[]
  readonly ends: Ending
}

export const LIVES_ON: Ending = { kind: 'lives_on' }
export const LOST: Ending = { kind: 'lost' }

/** RFC 6455 §7.4.1, 1002. */
export const PROTOCOL_ERROR: Ending = { kind: 'failed', code: 1002, error: 'protocol_error' }
/** §8.1. */
export const INVALID_UTF8: Ending = { kind: 'failed', code: 1007, error: 'invalid_utf8' }
/** §7.4.1, 1003. */
export const BINARY_DECLINED: Ending = { kind: 'declined', code: 1003, error: 'unexpected_binary' }
/** §7.4.1, 1008. */
export const TOO_MANY_FRAGMENTS: Ending = { kind: 'failed', code: 1008, error: 'too_many_fragments' }
/** §7.4.1, 1009. */
export const TOO_LARGE: Ending = { kind: 'failed', code: 1009, error: 'message_too_large' }
/** RFC 7692 leaves the code open: 1007 is our choice, since the data is not what its opcode and RSV1 say. */
export const DOES_NOT_UNPACK: Ending = { kind: 'failed', code: 1007, error: 'protocol_error' }

export function peer_closed(code: number, reason = ''): Ending {
  return { kind: 'peer_closed', code, reason }
}

const WITHOUT_CONTEXT = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

/** The header line for the extension of a case. */
export function extension_line({ extension, options = {} }: FrameCase): string | undefined {
  const wanted = extension ?? (options.compression ? WITHOUT_CONTEXT : '')
  return wanted === '' ? undefined : `Sec-WebSocket-Extensions: ${wanted}`
}
