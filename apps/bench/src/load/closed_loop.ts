import type { Shape } from '../wire/message.js'
import type { ClientGroup } from './client_group.js'
import type { ClientSocket } from './client_socket.js'

/** What a closed loop is asked for. */
export interface ClosedLoopTask {
  readonly shape: Shape
  /** How many messages are under way on each connection at any moment. */
  readonly depth: number
  readonly run_ms: number
}

/** What came of a load. */
export interface LoadResult {
  /** How many messages were answered: all that were sent. */
  readonly messages: number
  readonly elapsed_ms: number
}

/**
 * Keeps `depth` messages under way on each connection. As answers come in, as many new messages go out, in one write. When the time
 * is over nothing more is sent, and the last answer is waited for.
 */
export function run_closed_loop(
  group: ClientGroup,
  { shape, depth, run_ms }: ClosedLoopTask,
  answer_bytes: number,
): Promise<LoadResult> {
  const request = group.request(shape)
  const window = Buffer.concat(Array.from({ length: depth }, () => request))
  return new Promise((resolve, reject) => {
    let is_over = false
    let answered = 0
    let under_way = group.sockets.length * depth
    const start = performance.now()
    setTimeout(() => {
      is_over = true
    }, run_ms)
    const settle = (): void => resolve({ messages: answered, elapsed_ms: performance.now() - start })
    const drive = ({ tcp }: ClientSocket): ((bytes: Buffer) => void) => {
      let bytes = 0
      return ({ length }) => {
        bytes += length
        const answers = Math.floor(bytes / answer_bytes)
        if (answers === 0) return
        bytes -= answers * answer_bytes
        answered += answers
        if (!is_over) tcp.write(answers === depth ? window : window.subarray(0, answers * request.length))
        else {
          under_way -= answers
          if (under_way === 0) settle()
        }
      }
    }
    for (const socket of group.sockets) {
      socket.on_bytes = drive(socket)
      void socket.closed.then(() => reject(new Error('a connection was closed during the closed loop')))
      socket.tcp.write(window)
    }
  })
}
