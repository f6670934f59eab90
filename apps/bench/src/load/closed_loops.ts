import { once } from 'node:events'
import { connect } from 'node:net'
import { message_bytes, type Shape } from '../wire/message.js'
import type { ClientGroup, LoadResult } from './client_group.js'
import { type ClientSocket, close_socket, open_socket, type Target } from './client_socket.js'

export interface ClosedLoopTask {
  /** The messages that each connection sends in turn, repeatedly. */
  readonly shapes: readonly Shape[]
  /** How many messages are in flight on each connection at any time. */
  readonly depth: number
  readonly run_ms: number
}

/** Offsets the first messages of the connections, so that large messages are not all in flight at once. */
const STRIDE = 37

/**
 * Keeps `depth` messages in flight on each connection. Each read of answers is followed by one write of as
 * many new messages. After `run_ms`, it only waits for the remaining answers. `answer_bytes` are the sizes of
 * the answers to `shapes`.
 */
export function run_closed_loop(
  group: ClientGroup,
  { shapes, depth, run_ms }: ClosedLoopTask,
  answer_bytes: readonly number[],
): Promise<LoadResult> {
  const requests = new MessageCycle(
    shapes.map(shape => group.request(shape)),
    depth,
  )
  return new Promise((resolve, reject) => {
    let is_over = false
    let answered = 0
    let in_flight = group.sockets.length * depth
    const start = performance.now()
    setTimeout(() => {
      is_over = true
    }, run_ms)
    const settle = (): void => resolve({ messages: answered, elapsed_ms: performance.now() - start })
    const answer_reader = ({ tcp }: ClientSocket, first: number): ((bytes: Buffer) => void) => {
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
        // The new messages follow the `depth` messages of which the first were answered now.
        if (!is_over) tcp.write(requests.messages(next - answers + depth, answers))
        else {
          in_flight -= answers
          if (in_flight === 0) settle()
        }
      }
    }
    for (const [index, socket] of group.sockets.entries()) {
      const first = (index * STRIDE) % shapes.length
      socket.on_bytes = answer_reader(socket, first)
      void socket.closed.then(() => reject(new Error('a connection was closed during the closed loop')))
      socket.tcp.write(requests.messages(first, depth))
    }
  })
}

/** Messages that are sent in turn, repeatedly, with their bytes in one buffer. */
class MessageCycle {
  readonly #length: number
  readonly #bytes: Buffer
  /** Where each message begins. */
  readonly #starts: number[] = [0]

  /** `max_at_once` is the most messages that one call of `messages` returns. */
  constructor(messages: readonly Buffer[], max_at_once: number) {
    this.#length = messages.length
    const all = Array.from(
      { length: messages.length + max_at_once },
      (_, index) => messages[index % messages.length] as Buffer,
    )
    this.#bytes = Buffer.concat(all)
    for (const { length } of all) this.#starts.push((this.#starts.at(-1) as number) + length)
  }

  /** Returns the bytes of `count` consecutive messages from an index on. */
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

/** Makes a server send a burst to all sockets. */
export interface Trigger {
  pull(): void
}

/** Connects to the trigger port of a server during a run. Each byte on it triggers a burst. */
export async function with_trigger<Result>(
  port: number,
  run: (trigger: Trigger) => Promise<Result>,
): Promise<Result> {
  const tcp = connect({ port, host: '127.0.0.1', noDelay: true })
  // If the server ends, the sockets that wait for a burst report that they were closed.
  tcp.on('error', () => {})
  await once(tcp, 'connect')
  try {
    return await run({ pull: () => tcp.write('!') })
  } finally {
    tcp.destroy()
  }
}

/**
 * Makes a server send bursts to all sockets until the time is over, each when all sockets have received the
 * last one. Each delivery counts as a message.
 */
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
    let missing = 0
    const start = performance.now()
    setTimeout(() => {
      is_over = true
    }, run_ms)
    const next = (): void => {
      missing = sockets
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
        missing -= 1
        if (missing > 0) return
        if (is_over) resolve({ messages: bursts * burst * sockets, elapsed_ms: performance.now() - start })
        else next()
      }
      void socket.closed.then(() => reject(new Error('a connection was closed during the fan-out')))
    }
    next()
  })
}

export interface ConnectTask {
  /** How many connections are being opened or closed at any time. */
  readonly at_a_time: number
  readonly run_ms: number
}

/** Repeatedly connects, does the handshake and closes cleanly, several connections at a time. */
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
