import { type AddressInfo, createServer } from 'node:net'
import { cpu_us, obey } from '../process/commands.js'
import { payload_of, type Shape } from '../wire/message.js'
import { memory_in_use } from './memory.js'

/** How a server is to be started. */
export interface ListenSettings {
  /** Takes bytes as well as text. */
  readonly is_binary: boolean
  /** permessage-deflate without context takeover, level 6, from 1 KiB on. */
  readonly is_compressing: boolean
  /** Keeps the defaults of all limits, as it will be flooded; see `wire/floods.ts` for what it does then. */
  readonly is_flooded: boolean
  /** Speaks TLS with this certificate. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** The largest message of the bench, and some room. */
export const MAX_MESSAGE_BYTES: number = 2 * 1024 * 1024

/** What may wait to be sent on one connection: more than any measure has under way. */
export const MAX_WAITING_BYTES: number = 64 * 1024 * 1024

/** More connections than any measure opens. */
export const MAX_CONNECTIONS = 20_000

/** An echo server that can also send to all: what each subject does in its own words. */
export interface ServerSubject {
  /** Starts to listen on a free port of 127.0.0.1, and returns that port. */
  listen(settings: ListenSettings): Promise<number>
  /** Makes what is sent to all of the payload, once, and returns what sends it to all so many times in one turn. */
  prepare(payload: Buffer, shape: Shape, burst: number): () => void
  /** Told which message will come next; for what understands none. */
  expect?(shape: Shape): void
}

/** Runs a server as a process of the bench. */
export function serve(subject: ServerSubject): void {
  let send_burst = (): void => {}
  obey({
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

/** Does something so many times over. */
export function repeated(count: number, act: () => void): () => void {
  return () => {
    for (let done = 0; done < count; done += 1) act()
  }
}

/** Listens on a free port of 127.0.0.1, and returns it: each byte that arrives there pulls the trigger. */
export async function listen_for_trigger(pull: () => void): Promise<number> {
  const trigger = createServer({ noDelay: true }, socket => {
    // The load drops the connection when it is done.
    socket.on('error', () => {})
    socket.on('data', pulls => {
      for (let due = pulls.length; due > 0; due -= 1) pull()
    })
  })
  await new Promise<void>(resolve => trigger.listen(0, '127.0.0.1', resolve))
  return (trigger.address() as AddressInfo).port
}
