import type { CompressionOptions, NetErrorCode } from '@bt/net'
import type { Frame, Sent } from './frame.ts'

/** The options of `listen` and `connect` that a case may set. */
export interface CaseOptions {
  readonly binary?: boolean
  readonly max_payload?: number
  readonly max_fragments?: number
  readonly compression?: boolean | CompressionOptions
}

/** How a connection ends, on the wire and for the user. */
export type Ending =
  /** It stays open: another message is delivered, and then the peer closes it cleanly. */
  | { readonly kind: 'stays_open' }
  /**
   * The side under test fails it (§7.1.7): it sends a Close of `code` and reports `error`. The peer does not
   * reply.
   */
  | { readonly kind: 'failed'; readonly code: number; readonly error: NetErrorCode }
  /** The side under test does not accept such messages: like `failed`, but the peer replies to its Close. */
  | { readonly kind: 'declined'; readonly code: number; readonly error: NetErrorCode }
  /** The peer closes it, and gets the same payload back; `on_close` reports `code` and `reason`. */
  | { readonly kind: 'peer_closed'; readonly code: number; readonly reason: string }
  /** The peer ends TCP without a Close, and gets none. */
  | { readonly kind: 'lost' }
  /** The user closes it, and the peer sends `reply`; `on_close` reports `code` and `reason`. */
  | {
      readonly kind: 'user_closed'
      readonly with: readonly [code?: number, reason?: string]
      readonly reply: readonly Sent[]
      readonly code: number
      readonly reason: string
      readonly clean: boolean
    }

/** One fact about frames, which holds for both sides unless it names one. */
export interface FrameCase {
  readonly name: string
  /** A clause of RFC 6455, unless it names RFC 7692. */
  readonly clause: string
  readonly side?: 'server' | 'client'
  readonly options?: CaseOptions
  /**
   * The Sec-WebSocket-Extensions of the peer. By default it is permessage-deflate without context takeover if
   * `options.compression` is set, and none otherwise.
   */
  readonly extension?: string
  /** What the peer sends as soon as the connection is open. */
  readonly sends: readonly Sent[]
  /** What the user sends as soon as the connection is open. */
  readonly user_sends?: readonly (string | Uint8Array)[]
  /** What the peer must receive before the Close; nothing by default. */
  readonly receives?: readonly Frame[]
  /** What `on_message` must receive; nothing by default. */
  readonly messages?: readonly (string | Uint8Array)[]
  readonly ends: Ending
}

export const STAYS_OPEN: Ending = { kind: 'stays_open' }
export const LOST: Ending = { kind: 'lost' }

/** §7.4.1, 1002. */
export const PROTOCOL_ERROR: Ending = { kind: 'failed', code: 1002, error: 'protocol_error' }
/** §8.1. */
export const INVALID_UTF8: Ending = { kind: 'failed', code: 1007, error: 'invalid_utf8' }
/** §7.4.1, 1003. */
export const BINARY_DECLINED: Ending = { kind: 'declined', code: 1003, error: 'unexpected_binary' }
/** §7.4.1, 1008. */
export const TOO_MANY_FRAGMENTS: Ending = { kind: 'failed', code: 1008, error: 'too_many_fragments' }
/** §7.4.1, 1009. */
export const TOO_LARGE: Ending = { kind: 'failed', code: 1009, error: 'message_too_large' }
/** RFC 7692 leaves the code open. 1007 is our choice: the data is not consistent with its type. */
export const INVALID_DEFLATE: Ending = { kind: 'failed', code: 1007, error: 'protocol_error' }

export function peer_closed(code: number, reason = ''): Ending {
  return { kind: 'peer_closed', code, reason }
}

const WITHOUT_CONTEXT_TAKEOVER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

/** Returns the header line with the extension of a case. */
export function extension_line({ extension, options = {} }: FrameCase): string | undefined {
  const value = extension ?? (options.compression ? WITHOUT_CONTEXT_TAKEOVER : '')
  return value === '' ? undefined : `Sec-WebSocket-Extensions: ${value}`
}
