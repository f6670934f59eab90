import type { Shape } from '../wire/message.js'
import type { ClientGroup, LoadResult } from './client_group.js'
import type { ClientSocket } from './client_socket.js'

/** What a closed loop is asked for. */
export interface ClosedLoopTask {
  /** What each connection sends in turn, again and again. */
  readonly shapes: readonly Shape[]
  /** How many messages are under way on each connection at any moment. */
  readonly depth: number
  readonly run_ms: number
}

/** Connections begin at different messages of the cycle, so that the large ones are not all under way at once. */
const STRIDE = 37

/**
 * Keeps `depth` messages under way on each connection. As answers come in, as many new messages go out, in one write. When the time
 * is over nothing more is sent, and the last answer is waited for. `answer_bytes` are the sizes of the answers to `shapes`.
 */
export function run_closed_loop(
  group: ClientGroup,
  { shapes, depth, run_ms }: ClosedLoopTask,
  answer_bytes: readonly number[],
): Promise<LoadResult> {
  const requests = new Cycle(
    shapes.map(shape => group.request(shape)),
    depth,
  )
  return new Promise((resolve, reject) => {
    let is_over = false
    let answered = 0
    let under_way = group.sockets.length * depth
    const start = performance.now()
    setTimeout(() => {
      is_over = true
    }, run_ms)
    const settle = (): void => resolve({ messages: answered, elapsed_ms: performance.now() - start })
    const drive = ({ tcp }: ClientSocket, first: number): ((bytes: Buffer) => void) => {
      let bytes = 0
      let next = first
      let due_bytes = answer_bytes[next] as number
      return ({ length }) => {
        bytes += length
        let answers = 0
        while (bytes >= due_bytes) {
          bytes -= due_bytes
          answers += 1
          next = (next + 1) % shapes.length
          due_bytes = answer_bytes[next] as number
        }
        if (answers === 0) return
        answered += answers
        // What goes out follows the `depth` messages of which the first were answered now.
        if (!is_over) tcp.write(requests.messages(next - answers + depth, answers))
        else {
          under_way -= answers
          if (under_way === 0) settle()
        }
      }
    }
    for (const [index, socket] of group.sockets.entries()) {
      const first = (index * STRIDE) % shapes.length
      socket.on_bytes = drive(socket, first)
      void socket.closed.then(() => reject(new Error('a connection was closed during the closed loop')))
      socket.tcp.write(requests.messages(first, depth))
    }
  })
}

/** Messages that are sent in turn, again and again, as bytes that are made once. */
class Cycle {
  readonly #length: number
  readonly #bytes: Buffer
  /** Where each message begins. */
  readonly #starts: number[] = [0]

  /** At most `most_at_once` of `messages` are sent at once. */
  constructor(messages: readonly Buffer[], most_at_once: number) {
    this.#length = messages.length
    const all = Array.from(
      { length: messages.length + most_at_once },
      (_, index) => messages[index % messages.length] as Buffer,
    )
    this.#bytes = Buffer.concat(all)
    for (const { length } of all) this.#starts.push((this.#starts.at(-1) as number) + length)
  }

  /** So many messages in one piece, from that number on. */
  messages(from: number, count: number): Buffer {
    const first = from % this.#length
    return this.#bytes.subarray(this.#starts[first], this.#starts[first + count])
  }
}
