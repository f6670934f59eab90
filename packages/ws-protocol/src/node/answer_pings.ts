import type { WebSocket } from 'ws'

/** So many answers may wait for the network; `ws` on its own would end the connection with the next ping, and not say why. */
const MOST_WAITING = 64

/**
 * Answers the pings of a peer, each and in order; while {@link MOST_WAITING} answers wait for the network, only the latest of those that
 * come is answered, so that no flood of them takes memory (RFC 6455 §5.5.3).
 */
export function answer_pings(ws: WebSocket): void {
  let waiting = 0
  let latest: Buffer | undefined
  const answer = (payload: Buffer): void => {
    if (ws.readyState !== ws.OPEN) return
    waiting += 1
    ws.pong(payload, undefined, () => {
      waiting -= 1
      if (latest === undefined) return
      const unanswered = latest
      latest = undefined
      answer(unanswered)
    })
  }
  ws.on('ping', payload => {
    if (waiting < MOST_WAITING) answer(payload)
    // A copy, since the payload is a view of all that was read from the socket.
    else latest = Buffer.from(payload)
  })
}
