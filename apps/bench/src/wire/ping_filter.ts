import { frame_end, OPCODE, opcode_at, read_frame } from './frame.js'

/** Removes the Pings from the bytes of a server on one connection, however these are split into reads. */
export class PingFilter {
  readonly #on_ping: (payload: Buffer) => void
  /** How many bytes of the current frame are still missing. */
  #left = 0
  /** The end of the last read, if it may be the beginning of a Ping. */
  #kept: Buffer | undefined

  constructor(on_ping: (payload: Buffer) => void) {
    this.#on_ping = on_ping
  }

  /** Returns the bytes of a read without Pings, usually as views of it. */
  filter(read: Buffer): Buffer {
    let bytes = this.#kept === undefined ? read : Buffer.concat([this.#kept, read])
    this.#kept = undefined
    let at = this.#left
    while (at < bytes.length) {
      const end = frame_end(bytes, at)
      const is_ping = opcode_at(bytes, at) === OPCODE.PING
      if (end === undefined || (is_ping && end > bytes.length)) {
        this.#kept = Buffer.from(bytes.subarray(at))
        bytes = bytes.subarray(0, at)
      } else if (is_ping) {
        this.#on_ping((read_frame(bytes.subarray(at)) as { payload: Buffer }).payload)
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
      } else at = end
    }
    this.#left = at - bytes.length
    return bytes
  }
}
