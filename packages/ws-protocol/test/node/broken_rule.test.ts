import type { Writable } from 'node:stream'
import { inflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import * as ws from 'ws'
import { broken_rule } from '../../src/node/broken_rule.js'

const limits = { max_payload: 1_000, max_fragments: 20 }

interface ReceiverOptions {
  readonly isServer?: boolean
  readonly maxPayload?: number
  readonly maxFragments?: number
}
/** The reader of frames inside `ws`, which its types leave out. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: ReceiverOptions) => Writable }

/** What `ws` says of the bytes that a peer sends. */
function error_of(bytes: readonly number[], options: ReceiverOptions = {}): Promise<Error> {
  return new Promise((resolve, reject) => {
    const receiver = new Receiver(options)
    receiver.on('error', resolve)
    receiver.on('message', () => reject(new Error('a message instead of an error')))
    receiver.write(Uint8Array.from(bytes))
  })
}

function with_code(code: string): Error {
  return Object.assign(new Error(`said with ${code}`), { code })
}

describe('what the peer sends against a rule', () => {
  test.each<[string, readonly number[], ReceiverOptions, string, number]>([
    ['text that is not UTF-8 (RFC 6455 §8.1)', [0x81, 2, 0xc3, 0x28], {}, 'invalid_utf8', 1007],
    ['a reason that is not UTF-8 (§5.5.1)', [0x88, 3, 0x03, 0xe8, 0xff], {}, 'invalid_utf8', 1007],
    ['more than max_payload (§7.4.1)', [0x82, 3], { maxPayload: 2 }, 'message_too_large', 1009],
    [
      'more than max_payload in its fragments together',
      [0x02, 2, 1, 2, 0x80, 1],
      { maxPayload: 2 },
      'message_too_large',
      1009,
    ],
    [
      'a frame that claims more than 2^53 bytes',
      [0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      {},
      'message_too_large',
      1009,
    ],
    [
      'more than max_fragments',
      [0x01, 1, 0x61, 0x00, 1, 0x62, 0x00, 1, 0x63],
      { maxFragments: 2 },
      'too_many_fragments',
      1008,
    ],
    ['an opcode that is reserved (§5.2)', [0x83, 0], {}, 'protocol_error', 1002],
    ['the bit RSV1 without an extension (§5.2)', [0xc1, 0], {}, 'protocol_error', 1002],
    ['the bit RSV2 (§5.2)', [0xa1, 0], {}, 'protocol_error', 1002],
    ['a ping in fragments (§5.5)', [0x09, 0], {}, 'protocol_error', 1002],
    ['a ping of 126 bytes (§5.5)', [0x89, 126, 0, 126], {}, 'protocol_error', 1002],
    ['a continuation of nothing (§5.4)', [0x80, 0], {}, 'protocol_error', 1002],
    ['a message inside another (§5.4)', [0x01, 1, 0x61, 0x81, 0], {}, 'protocol_error', 1002],
    ['an unmasked frame to a server (§5.1)', [0x81, 0], { isServer: true }, 'protocol_error', 1002],
    ['a masked frame to a client (§5.1)', [0x81, 0x80, 0, 0, 0, 0], {}, 'protocol_error', 1002],
    ['a Close of 1 byte (§5.5.1)', [0x88, 1, 3], {}, 'protocol_error', 1002],
    ['the close code 1005 (§7.4.1)', [0x88, 2, 0x03, 0xed], {}, 'protocol_error', 1002],
  ])('%s', async (_, bytes, options, code, close_code) => {
    const error = await error_of(bytes, options)
    const broken = broken_rule(error, limits)
    expect([broken?.error.code, broken?.close_code]).toEqual([code, close_code])
    expect(broken?.error.message).toContain(`closed with ${close_code}`)
    expect(broken?.error.message).toContain(error.message)
    expect(broken?.error.cause).toBe(error)
  })

  test('a compressed message that does not unpack (RFC 7692 §7.2.2)', () => {
    let error: Error | undefined
    try {
      inflateRawSync(Uint8Array.of(0xff, 0xff, 0xff))
    } catch (thrown) {
      error = thrown as Error
    }
    const broken = broken_rule(error as Error, limits)
    expect([broken?.error.code, broken?.close_code]).toEqual(['protocol_error', 1007])
    expect(broken?.error.cause).toBe(error)
  })

  test('an error of ws that is not known yet is one against the protocol', () => {
    const broken = broken_rule(with_code('WS_ERR_OF_A_LATER_VERSION'), limits)
    expect([broken?.error.code, broken?.close_code]).toEqual(['protocol_error', 1002])
  })
})

describe('the message', () => {
  test.each([
    ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'max_payload is 1000 bytes'],
    ['WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH', 'max_payload is 1000 bytes'],
    ['WS_ERR_INVALID_UTF8', 'binary'],
    ['WS_ERR_EXPECTED_MASK', 'RFC 6455'],
    ['Z_DATA_ERROR', 'compressed'],
  ])('for %s says what to do or what is wrong: %s', (code, word) => {
    expect(broken_rule(with_code(code), limits)?.error.message).toContain(word)
  })

  test('for too many fragments names the option max_fragments', async () => {
    const error = await error_of([0x01, 1, 0x61, 0x00, 1, 0x62], { maxFragments: 1 })
    expect(broken_rule(error, limits)?.error.message).toContain('max_fragments is 20')
  })
})

describe('what is not about what the peer sent', () => {
  test.each(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'ERR_STREAM_DESTROYED', ''])(
    'is no broken rule: an error with the code %j',
    code => {
      expect(broken_rule(with_code(code), limits)).toBeUndefined()
    },
  )

  test('is no broken rule: an error without a code', () => {
    expect(broken_rule(new Error('socket hang up'), limits)).toBeUndefined()
  })
})

test.each(['constructor', '__proto__', 'toString'])(
  'an error whose code is the name %s breaks no rule',
  code => {
    expect(broken_rule(Object.assign(new Error('x'), { code }), limits)).toBeUndefined()
  },
)

test('an error whose code is a number breaks no rule', () => {
  expect(broken_rule(new DOMException('aborted', 'AbortError'), limits)).toBeUndefined()
})
