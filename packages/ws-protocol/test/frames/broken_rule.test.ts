import { describe, expect, test } from 'vitest'
import { NetError } from '../../src/errors/errors.js'
import { type BrokenRule, describe_broken_rule } from '../../src/frames/broken_rule.js'

const limits = { max_payload: 1_000, max_fragments: 20 }

const AGAINST_PROTOCOL: readonly BrokenRule[] = [
  ...(['reserved_bits', 'unexpected_rsv1', 'reserved_opcode', 'unexpected_continuation'] as const),
  ...(['expected_continuation', 'fragmented_control', 'long_control', 'not_masked', 'masked'] as const),
  ...(['long_length', 'negative_length', 'close_of_one_byte', 'invalid_close_code'] as const),
]

describe('a broken rule', () => {
  test.each(AGAINST_PROTOCOL)('%s closes with 1002, and the message names RFC 6455', rule => {
    const { error, close_code } = describe_broken_rule(rule, limits)
    expect(error).toBeInstanceOf(NetError)
    expect([close_code, error.code]).toEqual([1002, 'protocol_error'])
    expect(error.message).toMatch(/^closed with 1002, since the peer sent a .*: .* RFC 6455$/)
  })

  test.each<[BrokenRule, number, string, RegExp]>([
    ['invalid_utf8', 1007, 'invalid_utf8', /text that is not UTF-8.*binary message/],
    ['broken_compression', 1007, 'protocol_error', /does not unpack.*RFC 7692/],
    ['message_too_large', 1009, 'message_too_large', /max_payload is 1000 bytes/],
    ['too_many_fragments', 1008, 'too_many_fragments', /max_fragments is 20;/],
  ])('%s closes with %i', (rule, close_code, code, message) => {
    const described = describe_broken_rule(rule, limits)
    expect([described.close_code, described.error.code]).toEqual([close_code, code])
    expect(described.error.message).toMatch(message)
    expect(described.error.message).toContain(`closed with ${close_code}`)
  })

  test('has a message of its own', () => {
    const rules = [...AGAINST_PROTOCOL, 'invalid_utf8', 'broken_compression'] as const
    const messages = rules.map(rule => describe_broken_rule(rule, limits).error.message)
    expect(new Set(messages).size).toBe(rules.length)
  })
})
