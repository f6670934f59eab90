import { type AddressInfo, createServer } from 'node:net'
import { cpu_us, handle_commands } from '../process/commands.js'
import { payload_of, type Shape } from '../wire/message.js'
import { memory_in_use } from './memory.js'

/** How a server is started. */
export interface ListenSettings {
  /** Whether it accepts bytes besides text. */
  readonly is_binary: boolean
  /** Whether it uses permessage-deflate without context takeover, with level 6, from 1 KiB on. */
  readonly is_compressing: boolean
  /**
   * Whether it will be flooded. Then it keeps the defaults of all limits, and handles the texts of
   * `wire/floods.ts`.
   */
  readonly is_flooded: boolean
  /** The certificate for TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** A limit above the largest message of the bench. */
export const MAX_MESSAGE_BYTES: number = 2 * 1024 * 1024

/** A limit for the queue of a connection, above what any measure has in flight. */
export const MAX_QUEUE_BYTES: number = 64 * 1024 * 1024

/** A limit above the connections of any measure. */
export const MAX_CONNECTIONS = 20_000

/** An echo server that can also send to all sockets, which each subject implements with its own library. */
export interface ServerSubject {
  /** Listens on a free port of 127.0.0.1, and resolves with the port. */
  listen(settings: ListenSettings): Promise<number>
  /**
   * Prepares a message once, and returns a function that sends it to all sockets `burst` times in one turn.
   */
  prepare(payload: Buffer, shape: Shape, burst: number): () => void
  /** Called with the next message, for a server that does not parse messages. */
  expect?(shape: Shape): void
}

/** Runs a server as a process of the bench. */
export function run_server(subject: ServerSubject): void {
  let send_burst = (): void => {}
  handle_commands({
    listen: (settings: ListenSettings) => subject.listen(settings),
    listen_for_trigger: () => listen_for_trigger(() => send_burst()),
    expect: (shape: Shape) => subject.expect?.(shape),
    prepare: ({ shape, burst }: { shape: Shape; burst: number }) => {
      send_burst = subject.prepare(payload_of(shape), shape, burst)
    },
    cpu: cpu_us,
    memory: memory_in_use,
  })
}

/** Returns a function that calls `act` `count` times. */
export function repeated(count: number, act: () => void): () => void {
  return () => {
    for (let done = 0; done < count; done += 1) act()
  }
}

/**
 * Listens on a free port of 127.0.0.1, and resolves with the port. Each byte that arrives there calls `pull`.
 */
export async function listen_for_trigger(pull: () => void): Promise<number> {
  const trigger = createServer({ noDelay: true }, socket => {
    // The load destroys the connection when it has finished.
    socket.on('error', () => {})
    socket.on('data', pulls => {
      for (let due = pulls.length; due > 0; due -= 1) pull()
    })
  })
  await new Promise<void>(resolve => trigger.listen(0, '127.0.0.1', resolve))
  return (trigger.address() as AddressInfo).port
}
