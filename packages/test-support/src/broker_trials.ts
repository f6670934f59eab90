// What the tests of all brokers need: what they leave open is closed, and a program that is no broker stands in for one.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, onTestFinished } from 'vitest'

interface Closable {
  close(): unknown
}

/** Returns a function that adds to what the tests of this file open, and returns it; all of it is closed after each test, the last first. */
export function closed_after_each(): <Opened extends Closable>(opened: Opened) => Opened {
  const left_open: Closable[] = []
  afterEach(async () => {
    for (const opened of left_open.splice(0).reverse()) await opened.close()
  })
  return opened => {
    left_open.push(opened)
    return opened
  }
}

/** Settles with what is thrown and caught by nobody, in this test. */
export function thrown_to_nobody(): Promise<unknown[]> {
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  onTestFinished(() => {
    for (const listener of listeners) process.on('uncaughtException', listener)
  })
  return once(process, 'uncaughtException')
}

/** Returns what is connected, and the socket below it, so that it can be slow to read. */
export async function with_socket<Connected>(
  connect: () => Promise<Connected>,
): Promise<[Connected, Socket]> {
  const sockets: Socket[] = []
  const opened = (message: unknown): void => {
    sockets.push((message as { readonly socket: Socket }).socket)
  }
  subscribe('net.client.socket', opened)
  const connected = await connect()
  unsubscribe('net.client.socket', opened)
  const socket = sockets.at(-1)
  if (socket === undefined) throw new Error('no socket was opened')
  return [connected, socket]
}

/** What a mute server says, and whether it waits for the client to speak first. */
interface MuteOptions {
  readonly says?: string
  readonly when_asked?: boolean
}

/** A server that says one thing at most. */
export interface MuteServer {
  readonly port: number
  /** Settles when the first connection was ended by the other side. */
  readonly hung_up: Promise<unknown>
  close(): void
}

/** Starts a server that takes connections and says one thing, and nothing more. */
export async function mute_server({ says = '', when_asked = false }: MuteOptions = {}): Promise<MuteServer> {
  const server = createServer(socket => {
    socket.on('error', () => {})
    if (!when_asked) socket.write(says)
    socket.once('data', () => when_asked && socket.write(says))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const hung_up = once(server, 'connection').then(([socket]) => once(socket, 'close'))
  return { port, hung_up, close: () => server.close() }
}
