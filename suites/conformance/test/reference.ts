import { isUtf8 } from 'node:buffer'
import { OPCODE } from '@bt/test-support/frames'

/** What a stream of frames contains according to RFC 6455 §5 and §7, without extensions. */
export interface StreamContent {
  readonly messages: (string | Uint8Array)[]
  /** Whether the connection fails, is closed by the peer, or is lost without a Close, and with which code. */
  ends: { readonly kind: 'failed' | 'closed' | 'lost'; readonly code: number }
}

/** Reads a complete stream at once, frame by frame, as simply as possible. */
export function read_stream(bytes: Buffer, is_masked: boolean, max_payload: number): StreamContent {
  const messages: StreamContent['messages'] = []
  let message: { readonly opcode: number; readonly parts: Buffer[] } | undefined
  let at = 0
  const end = (kind: StreamContent['ends']['kind'], code: number): StreamContent => ({
    messages,
    ends: { kind, code },
  })

  while (at + 2 <= bytes.length) {
    const first = bytes.readUInt8(at)
    const second = bytes.readUInt8(at + 1)
    at += 2
    const fin = first >= 0x80
    const opcode = first & 0xf
    const is_control = opcode >= 8
    let length = second & 0x7f
    const is_known = Object.values<number>(OPCODE).includes(opcode)
    const is_in_order = is_control || (opcode === OPCODE.CONTINUATION) === (message !== undefined)
    const is_short = !is_control || (fin && length <= 125 && !(opcode === OPCODE.CLOSE && length === 1))
    if ((first & 0x70) !== 0 || !is_known || !is_in_order || !is_short || second >= 0x80 !== is_masked)
      return end('failed', 1002)

    const length_bytes = length === 126 ? 2 : length === 127 ? 8 : 0
    // The length is validated only when the header is complete, as in our decoder.
    if (at + length_bytes + (is_masked ? 4 : 0) > bytes.length) break
    if (length_bytes === 2) length = bytes.readUInt16BE(at)
    if (length_bytes === 8) length = Number(bytes.readBigUInt64BE(at))
    const min_length = length_bytes === 2 ? 126 : length_bytes === 8 ? 0x1_0000 : 0
    if (length < min_length || length >= 2 ** 63) return end('failed', 1002)
    at += length_bytes
    const previous_bytes = message?.parts.reduce((sum, part) => sum + part.length, 0) ?? 0
    if (!is_control && length > 0 && previous_bytes + length > max_payload) return end('failed', 1009)

    const key = is_masked ? bytes.subarray(at, at + 4) : Buffer.alloc(4)
    if (is_masked) at += 4
    if (at + length > bytes.length) {
      const is_text = !is_control && (message?.opcode ?? opcode) === OPCODE.TEXT
      const received = unmasked(bytes.subarray(at), key)
      if (is_text && !may_become_utf8([...(message?.parts ?? []), received])) return end('failed', 1007)
      break
    }
    const payload = unmasked(bytes.subarray(at, at + length), key)
    at += length

    if (opcode === OPCODE.CLOSE) {
      const code = length === 0 ? 1005 : payload.readUInt16BE(0)
      if (length > 0 && !is_close_code(code)) return end('failed', 1002)
      return isUtf8(payload.subarray(2)) ? end('closed', code) : end('failed', 1007)
    }
    if (is_control) continue
    message ??= { opcode, parts: [] }
    message.parts.push(payload)
    if (message.opcode === OPCODE.TEXT && !may_become_utf8(message.parts)) return end('failed', 1007)
    if (!fin) continue
    const whole = Buffer.concat(message.parts)
    if (message.opcode === OPCODE.TEXT && !isUtf8(whole)) return end('failed', 1007)
    messages.push(message.opcode === OPCODE.TEXT ? whole.toString() : whole)
    message = undefined
  }
  return end('lost', 1006)
}

function unmasked(bytes: Buffer, key: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, index) => byte ^ (key[index % 4] ?? 0)))
}

/** Returns whether all characters are valid, apart from one that may be incomplete at the end. */
function may_become_utf8(parts: readonly Buffer[]): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts), { stream: true })
    return true
  } catch {
    return false
  }
}

/** Returns whether a Close may have this code (§7.4, and the IANA registry). */
function is_close_code(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)
}
