import type { LoadResult } from '../load/client_group.js'
import { cpu_us, handle_commands } from '../process/commands.js'
import { payload_of, type Shape } from '../wire/message.js'

/** A connection of a measured client. */
export interface ClientConnection {
  send(text: string): void
  close(): void
}

/** Called for each received message. */
export interface Listener {
  on_message: () => void
}

/** A client, which each subject implements with its own library. */
export interface ClientSubject {
  /** Connects to a port of 127.0.0.1, and resolves when the connection is open. */
  open(port: number, listener: Listener): Promise<ClientConnection>
  /** Called with the next message, for a client that does not parse messages. */
  expect?(shape: Shape): void
}

/** A closed loop with `depth` messages in flight on each connection. */
interface ClientLoopTask {
  readonly shape: Shape
  readonly depth: number
  readonly run_ms: number
}

interface MeasuredConnection {
  readonly connection: ClientConnection
  readonly listener: Listener
}

/** Runs a client as a process of the bench. */
export function run_client(subject: ClientSubject): void {
  let connections: MeasuredConnection[] = []
  handle_commands({
    open: async ({ port, count, shape }: { port: number; count: number; shape: Shape }) => {
      subject.expect?.(shape)
      connections = await Promise.all(Array.from({ length: count }, () => open(subject, port)))
    },
    closed_loop: (task: ClientLoopTask) => run_closed_loop(connections, task),
    close: () => {
      for (const { connection } of connections.splice(0)) connection.close()
    },
    cpu: cpu_us,
  })
}

async function open(subject: ClientSubject, port: number): Promise<MeasuredConnection> {
  const listener: Listener = { on_message: () => {} }
  return { listener, connection: await subject.open(port, listener) }
}

/**
 * Keeps `depth` messages in flight on each connection until the time is over: each answer is followed by a
 * message.
 */
function run_closed_loop(
  connections: readonly MeasuredConnection[],
  { shape, depth, run_ms }: ClientLoopTask,
): Promise<LoadResult> {
  const text = payload_of(shape).toString()
  return new Promise(resolve => {
    let is_over = false
    let messages = 0
    let in_flight = connections.length * depth
    const start = performance.now()
    setTimeout(() => {
      is_over = true
    }, run_ms)
    for (const { connection, listener } of connections) {
      listener.on_message = () => {
        messages += 1
        if (!is_over) connection.send(text)
        else {
          in_flight -= 1
          if (in_flight === 0) resolve({ messages, elapsed_ms: performance.now() - start })
        }
      }
      for (let sent = 0; sent < depth; sent += 1) connection.send(text)
    }
  })
}
