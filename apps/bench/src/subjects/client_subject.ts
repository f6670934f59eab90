import type { LoadResult } from '../load/client_group.js'
import { cpu_us, obey } from '../process/commands.js'
import { payload_of, type Shape } from '../wire/message.js'

/** One connection of a client that is measured. */
export interface ClientConnection {
  send(text: string): void
  close(): void
}

/** Who is told of each message that comes. */
export interface Listener {
  on_message: () => void
}

/** A client that can connect: what each subject does in its own words. */
export interface ClientSubject {
  /** Connects to a port of 127.0.0.1, and settles when messages may flow. */
  open(port: number, listener: Listener): Promise<ClientConnection>
  /** Told which message will come; for what understands none. */
  expect?(shape: Shape): void
}

/** Messages of which so many are under way on each connection. */
interface ClientLoopTask {
  readonly shape: Shape
  readonly depth: number
  readonly run_ms: number
}

interface Driven {
  readonly connection: ClientConnection
  readonly listener: Listener
}

/** Runs a client as a process of the bench. */
export function drive(subject: ClientSubject): void {
  let driven: Driven[] = []
  obey({
    open: async ({ port, count, shape }: { port: number; count: number; shape: Shape }) => {
      subject.expect?.(shape)
      driven = await Promise.all(Array.from({ length: count }, () => open(subject, port)))
    },
    closed_loop: (task: ClientLoopTask) => run_closed_loop(driven, task),
    close: () => {
      for (const { connection } of driven.splice(0)) connection.close()
    },
    cpu: cpu_us,
  })
}

async function open(subject: ClientSubject, port: number): Promise<Driven> {
  const listener: Listener = { on_message: () => {} }
  return { listener, connection: await subject.open(port, listener) }
}

/** Keeps so many messages under way on each connection: each that comes back is sent again, until the time is over. */
function run_closed_loop(
  driven: readonly Driven[],
  { shape, depth, run_ms }: ClientLoopTask,
): Promise<LoadResult> {
  const text = payload_of(shape).toString()
  return new Promise(resolve => {
    let is_over = false
    let messages = 0
    let under_way = driven.length * depth
    const start = performance.now()
    setTimeout(() => {
      is_over = true
    }, run_ms)
    for (const { connection, listener } of driven) {
      listener.on_message = () => {
        messages += 1
        if (!is_over) connection.send(text)
        else {
          under_way -= 1
          if (under_way === 0) resolve({ messages, elapsed_ms: performance.now() - start })
        }
      }
      for (let sent = 0; sent < depth; sent += 1) connection.send(text)
    }
  })
}
