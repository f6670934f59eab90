import type { Socket } from 'node:net'
import { type Dialect, message_bytes, type Shape } from './message.js'

/** The most answers that one write holds: more come in several. */
const MOST_AT_ONCE_BYTES = 64 * 1024

/** What answers messages without looking at them: for each message's worth of bytes, the bytes of an answer that is made already. */
export class CountedEcho {
  readonly #request_bytes: number
  readonly #answer_bytes: number
  readonly #answers: Buffer

  /** Bytes are counted and not looked at, so what they will be has to be known. */
  constructor(shape: Shape, dialect: Dialect) {
    const answer = message_bytes(shape, dialect, 'server')
    const most_at_once = Math.max(1, Math.floor(MOST_AT_ONCE_BYTES / answer.length))
    this.#request_bytes = message_bytes(shape, dialect, 'client').length
    this.#answer_bytes = answer.length
    this.#answers = Buffer.concat(Array.from({ length: most_at_once }, () => answer))
  }

  /** Answers as many messages as so many bytes are, and returns how many bytes are left over, which belong to the next. */
  answer(socket: Socket, bytes: number): number {
    const most_at_once = this.#answers.length / this.#answer_bytes
    let due = Math.floor(bytes / this.#request_bytes)
    const left = bytes - due * this.#request_bytes
    while (due > 0) {
      const at_once = Math.min(due, most_at_once)
      socket.write(this.#answers.subarray(0, at_once * this.#answer_bytes))
      due -= at_once
    }
    return left
  }
}
