import { INVALID_PAYLOAD, MESSAGE_TOO_BIG, POLICY_VIOLATION, PROTOCOL_ERROR } from '../close_code.js'
import { NetError, type NetErrorCode } from '../errors.js'
import type { WsOptions } from './ws_settings.js'

/** What a peer did wrong: as an error for people, and as the close code for the peer. */
export interface BrokenRule {
  /** The error, with what `ws` said of it as its cause. */
  readonly error: NetError
  /** RFC 6455 §7.4.1. */
  readonly close_code: number
}

type ReceiveLimits = Pick<WsOptions, 'max_payload' | 'max_fragments'>

interface Rule {
  readonly code: NetErrorCode
  readonly close_code: number
  advice(limits: ReceiveLimits): string
}

const BROKEN_PROTOCOL: Rule = {
  code: 'protocol_error',
  close_code: PROTOCOL_ERROR,
  advice: () => 'the peer, or something between, does not keep to RFC 6455',
}

const MESSAGE_TOO_LARGE: Rule = {
  code: 'message_too_large',
  close_code: MESSAGE_TOO_BIG,
  advice: ({ max_payload }) => `max_payload is ${max_payload} bytes; raise it to take such messages`,
}

/** What the errors of `ws` mean that are not simply against the protocol. */
const RULES: ReadonlyMap<string, Rule> = new Map(
  Object.entries<Rule>({
    WS_ERR_INVALID_UTF8: {
      code: 'invalid_utf8',
      close_code: INVALID_PAYLOAD,
      advice: () => 'text has to be UTF-8; other bytes go into a binary message',
    },
    WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: MESSAGE_TOO_LARGE,
    WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: MESSAGE_TOO_LARGE,
    WS_ERR_TOO_MANY_BUFFERED_PARTS: {
      code: 'too_many_fragments',
      close_code: POLICY_VIOLATION,
      advice: ({ max_fragments }) =>
        `max_fragments is ${max_fragments}; raise it to take messages in so many pieces`,
    },
  }),
)

/** zlib's codes for data that does not unpack (RFC 7692 §7.2.2 leaves the close code open; `ws` sends 1007). */
const BROKEN_COMPRESSION: Rule = {
  code: 'protocol_error',
  close_code: INVALID_PAYLOAD,
  advice: () => 'a compressed message does not unpack',
}

/** Reads an `error` event of `ws`; `undefined` when it is not about what the peer sent. */
export function broken_rule(
  error: Error & { readonly code?: unknown },
  limits: Pick<WsOptions, 'max_payload' | 'max_fragments'>,
): BrokenRule | undefined {
  const code = String(error.code)
  const rule =
    RULES.get(code) ??
    (code.startsWith('WS_ERR_') ? BROKEN_PROTOCOL : code.startsWith('Z_') ? BROKEN_COMPRESSION : undefined)
  if (rule === undefined) return undefined
  const message = `closed with ${rule.close_code}, since the peer sent what is not allowed (${error.message}): ${rule.advice(limits)}`
  return { error: new NetError(rule.code, message, { cause: error }), close_code: rule.close_code }
}
