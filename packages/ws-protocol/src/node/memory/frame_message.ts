import { type FrameView, OPCODE, read_frames } from '../../frames/frame.js'

/** Returns the message in an unmasked frame: a string, or a view of its bytes. */
export function read_message(frame: Uint8Array): string | Uint8Array {
  const [first] = read_frames(frame)
  const { opcode, payload } = first as FrameView
  return opcode === OPCODE.TEXT
    ? Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString()
    : payload
}
