import { NetError, type NetErrorCode } from '../errors/errors.js'
import { INVALID_PAYLOAD, MESSAGE_TOO_BIG, POLICY_VIOLATION, PROTOCOL_ERROR } from './close_code.js'

/** What a peer may not send, each with the clause that says so. */
export type BrokenRule =
  /** RFC 6455 §5.2: RSV2 and RSV3 belong to extensions that nobody has agreed on. */
  | 'reserved_bits'
  /** RFC 7692 §6: RSV1 is for the first frame of a message, where permessage-deflate was agreed on. */
  | 'unexpected_rsv1'
  /** RFC 6455 §5.2: opcodes 3 to 7 and 11 to 15 are reserved. */
  | 'reserved_opcode'
  /** RFC 6455 §5.4: a continuation without a beginning. */
  | 'unexpected_continuation'
  /** RFC 6455 §5.4: a new message within the fragments of another one. */
  | 'expected_continuation'
  /** RFC 6455 §5.5: control frames are never fragmented. */
  | 'fragmented_control'
  /** RFC 6455 §5.5: control frames have at most 125 bytes. */
  | 'long_control'
  /** RFC 6455 §5.1: a client masks its frames. */
  | 'not_masked'
  /** RFC 6455 §5.1: a server does not. */
  | 'masked'
  /** RFC 6455 §5.2: a length takes as few bytes as it can. */
  | 'long_length'
  /** RFC 6455 §5.2: the highest bit of a length of eight bytes is 0. */
  | 'negative_length'
  /** RFC 6455 §5.5.1: the body of a Close is empty, or starts with a code of two bytes. */
  | 'close_of_one_byte'
  /** RFC 6455 §7.4: codes that may stand in a Close. */
  | 'invalid_close_code'
  /** RFC 6455 §8.1: text is UTF-8, and so is the reason of a Close. */
  | 'invalid_utf8'
  /** RFC 7692 §7.2.2: a compressed message that does not unpack. */
  | 'broken_compression'
  /** RFC 6455 §10.4: `max_payload`. */
  | 'message_too_large'
  /** RFC 6455 §10.4: `max_fragments`. */
  | 'too_many_fragments'
  /** RFC 6455 §10.4: pings and pongs without end. */
  | 'too_many_pings'

/** The limits that a message of a {@link BrokenRule} names. */
export interface ReceiveLimits {
  /** The largest message that is taken, in bytes. */
  readonly max_payload: number
  /** The most fragments that a message may come in. */
  readonly max_fragments: number
}

interface Meaning {
  /** What was wrong, as part of a sentence. */
  readonly what: string
  readonly close_code: number
  readonly code: NetErrorCode
  advice(limits: ReceiveLimits): string
}

const against_protocol = (what: string, close_code: number = PROTOCOL_ERROR): Meaning => ({
  what,
  close_code,
  code: 'protocol_error',
  advice: () => 'the peer, or something between, does not keep to RFC 6455',
})

const MEANINGS: Readonly<Record<BrokenRule, Meaning>> = {
  reserved_bits: against_protocol('a frame with RSV2 or RSV3'),
  unexpected_rsv1: against_protocol('a frame with RSV1 where nothing is compressed'),
  reserved_opcode: against_protocol('a frame with an opcode that is reserved'),
  unexpected_continuation: against_protocol('a continuation of no message'),
  expected_continuation: against_protocol('a new message before the last one was complete'),
  fragmented_control: against_protocol('a control frame in fragments'),
  long_control: against_protocol('a control frame of more than 125 bytes'),
  not_masked: against_protocol('a frame that is not masked'),
  masked: against_protocol('a frame that is masked'),
  long_length: against_protocol('a length in more bytes than it takes'),
  negative_length: against_protocol('a length of 2^63 or more'),
  close_of_one_byte: against_protocol('a Close of one byte'),
  invalid_close_code: against_protocol('a Close with a code that none may have'),
  invalid_utf8: {
    what: 'text that is not UTF-8',
    close_code: INVALID_PAYLOAD,
    code: 'invalid_utf8',
    advice: () => 'text has to be UTF-8; other bytes go into a binary message',
  },
  broken_compression: {
    ...against_protocol('compressed data that does not unpack', INVALID_PAYLOAD),
    advice: () => 'the peer, or something between, does not keep to RFC 7692',
  },
  message_too_large: {
    what: 'too large a message',
    close_code: MESSAGE_TOO_BIG,
    code: 'message_too_large',
    advice: ({ max_payload }) => `max_payload is ${max_payload} bytes; raise it to take such messages`,
  },
  too_many_fragments: {
    what: 'a message in too many fragments',
    close_code: POLICY_VIOLATION,
    code: 'too_many_fragments',
    advice: ({ max_fragments }) =>
      `max_fragments is ${max_fragments}; raise it to take messages in so many pieces`,
  },
  too_many_pings: {
    what: 'more than 1,000 pings and pongs within a second',
    close_code: POLICY_VIOLATION,
    code: 'too_many_pings',
    advice: () => 'a ping every few seconds shows that a connection lives',
  },
}

/** Puts into words what a peer did wrong, for people, and says with which code to close (RFC 6455 §7.4.1). */
export function describe_broken_rule(
  rule: BrokenRule,
  limits: ReceiveLimits,
): { readonly error: NetError; readonly close_code: number } {
  const { what, close_code, code, advice } = MEANINGS[rule]
  const message = `closed with ${close_code}, since the peer sent ${what}: ${advice(limits)}`
  return { error: new NetError(code, message), close_code }
}
