import { isUtf8 } from 'node:buffer'
import { BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, RSV1, TEXT } from '@bt/test-support/frames'
import type { BrokenRule } from '../../src/frames/broken_rule.js'
import { is_close_code } from '../../src/frames/close_code.js'
import type { DecoderSettings } from '../../src/frames/decoder.js'
import { decoder_event } from './decoder_event.js'

/** The intended differences between our decoder and `ws`. */
export interface Differences {
  /** When UTF-8 is checked. */
  readonly utf8: 'as it arrives' | 'once complete'
  /** When a fragment is counted. */
  readonly fragments: 'at its header' | 'behind its payload'
  /** Returns how many bytes of compressed data `max_payload` allows. */
  readonly compressed_bytes: (max_payload: number) => number
  /** Whether a length may be written in more bytes than needed. */
  readonly allows_long_lengths: boolean
  /** Whether a length of 2^63 or more counts as too large, instead of invalid. */
  readonly allows_negative_lengths: boolean
  /** Whether a length is checked before the key behind it has arrived. */
  readonly checks_length_before_key: boolean
}

/** Ends of characters: one of them completes any text that is cut off within a character. */
const REST_OF_CHARACTER = ['', '80', '8080', '808080', 'a080', '908080'].map(digits =>
  Buffer.from(digits, 'hex'),
)

/** Whether these bytes are the beginning of valid UTF-8. */
export const may_become_utf8 = (bytes: Buffer): boolean =>
  REST_OF_CHARACTER.some(rest => isUtf8(Buffer.concat([bytes, rest])))

/** Decodes all bytes of a connection in the simplest way, frame by frame, regardless of speed. */
export function read_plainly(bytes: Buffer, settings: DecoderSettings, differences: Differences): string[] {
  const events: string[] = []
  const { max_payload, max_fragments } = settings
  let message: { opcode: number; is_compressed: boolean; fragments: number; payload: Buffer } | undefined
  const broken = (rule: BrokenRule): string[] => [...events, decoder_event.broken(rule)]

  for (let at = 0; bytes.length - at >= 2; ) {
    const first = bytes.readUInt8(at)
    const second = bytes.readUInt8(at + 1)
    at += 2
    const opcode = first & 0xf
    const is_last = (first & FIN) !== 0
    const has_rsv1 = (first & RSV1) !== 0
    const is_control = opcode >= CLOSE
    if ((first & 0x30) !== 0) return broken('reserved_bits')
    if (![CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG].includes(opcode)) return broken('reserved_opcode')
    if (is_control && !is_last) return broken('fragmented_control')
    if (opcode === CONTINUATION && message === undefined) return broken('unexpected_continuation')
    if (!is_control && opcode !== CONTINUATION && message !== undefined)
      return broken('expected_continuation')
    if (has_rsv1 && (opcode === CONTINUATION || is_control || !settings.is_compressed))
      return broken('unexpected_rsv1')
    const short_length = second & 0x7f
    if (is_control && short_length > 125) return broken('long_control')
    if (opcode === CLOSE && short_length === 1) return broken('close_of_one_byte')
    const is_masked = (second & 0x80) !== 0
    if (is_masked !== (settings.from === 'client')) return broken(is_masked ? 'masked' : 'not_masked')

    const length_bytes = short_length === 126 ? 2 : short_length === 127 ? 8 : 0
    const key_bytes = is_masked ? 4 : 0
    const has_key = bytes.length - at >= length_bytes + key_bytes
    if (!has_key && !(differences.checks_length_before_key && bytes.length - at >= length_bytes)) break
    let length = BigInt(short_length)
    if (length_bytes === 2) length = BigInt(bytes.readUInt16BE(at))
    if (length_bytes === 8) length = bytes.readBigUInt64BE(at)
    const is_short = length < (length_bytes === 2 ? 126n : 0x1_0000n)
    if (!differences.allows_negative_lengths && length >= 2n ** 63n) return broken('negative_length')
    if (!differences.allows_long_lengths && length_bytes > 0 && is_short) return broken('long_length')
    if (!is_control) {
      message ??= { opcode, is_compressed: has_rsv1, fragments: 0, payload: Buffer.alloc(0) }
      message.fragments += 1
      const max_bytes = message.is_compressed ? differences.compressed_bytes(max_payload) : max_payload
      const is_over_limit = message.fragments > max_fragments
      if (is_over_limit && differences.fragments === 'at its header') return broken('too_many_fragments')
      if (BigInt(message.payload.length) + length > max_bytes) return broken('message_too_large')
    }
    if (!has_key) break
    at += length_bytes
    const key = bytes.subarray(at, at + key_bytes)
    at += key_bytes

    const end = Math.min(at + Number(length), bytes.length)
    const is_whole = end === at + Number(length)
    const payload = Buffer.from(bytes.subarray(at, end))
    for (const [index, byte] of payload.entries()) payload[index] = byte ^ (key[index % 4] ?? 0)
    at = end
    if (message !== undefined && !is_control) {
      message.payload = Buffer.concat([message.payload, payload])
      if (is_whole && message.fragments > max_fragments) return broken('too_many_fragments')
      const is_text = message.opcode === TEXT
      if (is_text && !message.is_compressed) {
        if (differences.utf8 === 'as it arrives' && !may_become_utf8(message.payload))
          return broken('invalid_utf8')
        if (is_whole && is_last && !isUtf8(message.payload)) return broken('invalid_utf8')
      }
      if (!is_whole || !is_last) continue
      if (message.is_compressed) events.push(decoder_event.compressed(message.payload, is_text))
      else {
        const data = is_text ? message.payload.toString() : message.payload
        events.push(decoder_event.message(data, message.payload.length))
      }
      message = undefined
    } else if (!is_whole) break
    else if (opcode === PING) events.push(decoder_event.ping(payload))
    else if (opcode === PONG) events.push(decoder_event.pong())
    else if (payload.length === 0) return [...events, decoder_event.close(1005, '')]
    else if (!is_close_code(payload.readUInt16BE(0))) return broken('invalid_close_code')
    else if (!isUtf8(payload.subarray(2))) return broken('invalid_utf8')
    else return [...events, decoder_event.close(payload.readUInt16BE(0), payload.toString('utf8', 2))]
  }
  return events
}
