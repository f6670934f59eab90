import { NO_CODE } from '../../frames/close_code.js'
import { make_frame, OPCODE } from '../../frames/frame.js'

/** Returns the payload of a Close (RFC 6455 §5.5.1), which is empty for the code 1005. */
export function close_payload(code: number, reason: string): Uint8Array {
  if (code === NO_CODE) return new Uint8Array(0)
  const text = Buffer.from(reason)
  const payload = Buffer.allocUnsafe(2 + text.length)
  payload.writeUInt16BE(code)
  payload.set(text, 2)
  return payload
}

/** Returns a server's Close frame. */
export function close_frame(code: number, reason: string): Uint8Array {
  return make_frame(OPCODE.CLOSE, close_payload(code, reason), false)
}
