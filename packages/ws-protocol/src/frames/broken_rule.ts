import { NetError, type NetErrorCode } from '../errors/errors.js'
import { INVALID_PAYLOAD, MESSAGE_TOO_BIG, POLICY_VIOLATION, PROTOCOL_ERROR } from './close_code.js'

/** The rules that a peer can break, each with the clause it comes from. */
export type BrokenRule =
  /** RFC 6455 §5.2: RSV2 and RSV3 are 0 unless an extension that defines them was negotiated. */
  | 'reserved_bits'
  /**
   * RFC 7692 §6: RSV1 is set only on the first frame of a message, and only if permessage-deflate was
   * negotiated.
   */
  | 'unexpected_rsv1'
  /** RFC 6455 §5.2: opcodes 3 to 7 and 11 to 15 are reserved. */
  | 'reserved_opcode'
  /** RFC 6455 §5.4: a continuation frame without a message to continue. */
  | 'unexpected_continuation'
  /** RFC 6455 §5.4: a new message between the fragments of another one. */
  | 'expected_continuation'
  /** RFC 6455 §5.5: control frames are never fragmented. */
  | 'fragmented_control'
  /** RFC 6455 §5.5: control frames have at most 125 bytes. */
  | 'long_control'
  /** RFC 6455 §5.1: a client masks its frames. */
  | 'not_masked'
  /** RFC 6455 §5.1: a server does not mask its frames. */
  | 'masked'
  /** RFC 6455 §5.2: a length is encoded in as few bytes as possible. */
  | 'long_length'
  /** RFC 6455 §5.2: the highest bit of an eight-byte length is 0. */
  | 'negative_length'
  /** RFC 6455 §5.5.1: the body of a Close is empty, or starts with a two-byte code. */
  | 'close_of_one_byte'
  /** RFC 6455 §7.4: a Close may carry only some codes. */
  | 'invalid_close_code'
  /** RFC 6455 §8.1: text is UTF-8, and so is the reason of a Close. */
  | 'invalid_utf8'
  /** RFC 7692 §7.2.2: a compressed message that cannot be decompressed. */
  | 'broken_compression'
  /** RFC 6455 §10.4: the message is larger than `max_payload`. */
  | 'message_too_large'
  /** RFC 6455 §10.4: the message has more than `max_fragments` fragments. */
  | 'too_many_fragments'
  /** RFC 6455 §10.4: a flood of pings and pongs. */
  | 'too_many_pings'

/** The limits that the error for a {@link BrokenRule} names. */
export interface ReceiveLimits {
  /** The largest message to accept, in bytes. */
  readonly max_payload: number
  /** The largest number of fragments to accept in one message. */
  readonly max_fragments: number
}

interface RuleDescription {
  /** What the peer sent, as part of a sentence. */
  readonly what: string
  readonly close_code: number
  readonly code: NetErrorCode
  advice(limits: ReceiveLimits): string
}

const protocol_violation = (what: string, close_code: number = PROTOCOL_ERROR): RuleDescription => ({
  what,
  close_code,
  code: 'protocol_error',
  advice: () => 'the peer, or something between, does not keep to RFC 6455',
})

const DESCRIPTIONS: Readonly<Record<BrokenRule, RuleDescription>> = {
  reserved_bits: protocol_violation('a frame with RSV2 or RSV3'),
  unexpected_rsv1: protocol_violation('a frame with RSV1 where nothing is compressed'),
  reserved_opcode: protocol_violation('a frame with an opcode that is reserved'),
  unexpected_continuation: protocol_violation('a continuation of no message'),
  expected_continuation: protocol_violation('a new message before the last one was complete'),
  fragmented_control: protocol_violation('a control frame in fragments'),
  long_control: protocol_violation('a control frame of more than 125 bytes'),
  not_masked: protocol_violation('a frame that is not masked'),
  masked: protocol_violation('a frame that is masked'),
  long_length: protocol_violation('a length in more bytes than it takes'),
  negative_length: protocol_violation('a length of 2^63 or more'),
  close_of_one_byte: protocol_violation('a Close of one byte'),
  invalid_close_code: protocol_violation('a Close with a code that none may have'),
  invalid_utf8: {
    what: 'text that is not UTF-8',
    close_code: INVALID_PAYLOAD,
    code: 'invalid_utf8',
    advice: () => 'text has to be UTF-8; other bytes go into a binary message',
  },
  broken_compression: {
    ...protocol_violation('compressed data that does not unpack', INVALID_PAYLOAD),
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

/** Returns the error that reports a broken rule, and the code to close with (RFC 6455 §7.4.1). */
export function describe_broken_rule(
  rule: BrokenRule,
  limits: ReceiveLimits,
): { readonly error: NetError; readonly close_code: number } {
  const { what, close_code, code, advice } = DESCRIPTIONS[rule]
  const message = `closed with ${close_code}, since the peer sent ${what}: ${advice(limits)}`
  return { error: new NetError(code, message), close_code }
}
