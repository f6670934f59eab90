import { frame_end, OPCODE, opcode_at, read_frame } from './frame.js'

/** Takes the Pings out of what a server says on one connection, however that is cut into reads. */
export class PingSieve {
  readonly #on_ping: (payload: Buffer) => void
  /** How many bytes are still to come of the frame that was begun last. */
  #left = 0
  /** Of what the last read has ended with, it could not be told yet whether it is a Ping. */
  #kept: Buffer | undefined

  constructor(on_ping: (payload: Buffer) => void) {
    this.#on_ping = on_ping
  }

  /** Takes what was read next, and returns what of it is to be looked at now: views of it as a rule. */
  sift(read: Buffer): Buffer {
    let said = this.#kept === undefined ? read : Buffer.concat([this.#kept, read])
    this.#kept = undefined
    let at = this.#left
    while (at < said.length) {
      const end = frame_end(said, at)
      const is_ping = opcode_at(said, at) === OPCODE.PING
      if (end === undefined || (is_ping && end > said.length)) {
        this.#kept = Buffer.from(said.subarray(at))
        said = said.subarray(0, at)
      } else if (is_ping) {
        this.#on_ping((read_frame(said.subarray(at)) as { payload: Buffer }).payload)
        said = Buffer.concat([said.subarray(0, at), said.subarray(end)])
      } else at = end
    }
    this.#left = at - said.length
    return said
  }
}
