import type { WebSocket } from 'ws'

/** So many answers may wait for the network; `ws` on its own would end the connection with the next ping, and not say why. */
const MOST_WAITING = 64

/**
 * Answers the pings of a peer, each and in order; while {@link MOST_WAITING} answers wait for the network, only the latest of those that
 * come is answered, so that no flood of them takes memory (RFC 6455 §5.5.3).
 */
export class PingAnswers {
  readonly #ws: WebSocket
  #waiting = 0
  #latest: Buffer | undefined

  /** `ws` answers no pings itself: its option `autoPong` is `false`. */
  constructor(ws: WebSocket) {
    this.#ws = ws
  }

  /** Answers a ping that has arrived. */
  answer(payload: Buffer): void {
    // A copy, since the payload is a view of all that was read from the socket, which would wait with it.
    const copy = Buffer.from(payload)
    if (this.#waiting >= MOST_WAITING) this.#latest = copy
    else if (this.#ws.readyState === this.#ws.OPEN) {
      this.#waiting += 1
      this.#ws.pong(copy, undefined, this.#sent)
    }
  }

  readonly #sent = (): void => {
    this.#waiting -= 1
    const latest = this.#latest
    if (latest === undefined) return
    this.#latest = undefined
    this.answer(latest)
  }
}
