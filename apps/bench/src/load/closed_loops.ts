import { once } from 'node:events'
import { connect } from 'node:net'
import { message_bytes, type Shape } from '../wire/message.js'
import type { ClientGroup, LoadResult } from './client_group.js'
import { type ClientSocket, close_socket, open_socket, type Target } from './client_socket.js'

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

/** How a server sends messages to all sockets. */
export interface FanOutTask {
  readonly shape: Shape
  /** How many messages it sends in one turn of its event loop. */
  readonly burst: number
  readonly run_ms: number
}

/** Has a server send a burst to all. */
export interface Trigger {
  pull(): void
}

/** Connects to the trigger of a server while something runs; a byte there is a burst. */
export async function with_trigger<Result>(
  port: number,
  run: (trigger: Trigger) => Promise<Result>,
): Promise<Result> {
  const tcp = connect({ port, host: '127.0.0.1', noDelay: true })
  // If the server is gone later, the sockets that wait for a burst are closed, which is reported.
  tcp.on('error', () => {})
  await once(tcp, 'connect')
  try {
    return await run({ pull: () => tcp.write('!') })
  } finally {
    tcp.destroy()
  }
}

/** Has a server send to all sockets, again when all have received everything, until the time is over. Each delivery counts as a message. */
export function run_fan_out(
  group: ClientGroup,
  trigger: Trigger,
  { shape, burst, run_ms }: FanOutTask,
): Promise<LoadResult> {
  const each_bytes = message_bytes(shape, group.target.dialect, 'server').length * burst
  return new Promise((resolve, reject) => {
    const sockets = group.sockets.length
    let is_over = false
    let bursts = 0
    let waited_for = 0
    const start = performance.now()
    setTimeout(() => {
      is_over = true
    }, run_ms)
    const next = (): void => {
      waited_for = sockets
      bursts += 1
      trigger.pull()
    }
    for (const socket of group.sockets) {
      let bytes = 0
      socket.on_bytes = ({ length }) => {
        bytes += length
        if (bytes < each_bytes) return
        if (bytes > each_bytes) reject(new Error(`${bytes} bytes where a burst has ${each_bytes}`))
        bytes = 0
        waited_for -= 1
        if (waited_for > 0) return
        if (is_over) resolve({ messages: bursts * burst * sockets, elapsed_ms: performance.now() - start })
        else next()
      }
      void socket.closed.then(() => reject(new Error('a connection was closed during the fan-out')))
    }
    next()
  })
}

export interface ConnectTask {
  /** How many are under way at any moment. */
  readonly at_a_time: number
  readonly run_ms: number
}

/** Connects, does the handshake and closes cleanly, again and again, several at a time. */
export async function run_connect_loop(
  target: Target,
  { at_a_time, run_ms }: ConnectTask,
): Promise<LoadResult> {
  const start = performance.now()
  let messages = 0
  const repeat = async (): Promise<void> => {
    while (performance.now() - start < run_ms) {
      await close_socket(await open_socket(target))
      messages += 1
    }
  }
  await Promise.all(Array.from({ length: at_a_time }, repeat))
  return { messages, elapsed_ms: performance.now() - start }
}
