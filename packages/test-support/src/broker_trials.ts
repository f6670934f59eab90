// Helpers for the tests of both broker packages: clean-up, uncaught errors, and a server that is no broker.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, onTestFinished } from 'vitest'

interface Closable {
  close(): unknown
}

/**
 * Returns a function that registers an object to be closed after the current test, and returns it.
 * Objects are closed in the reverse order of their registration.
 */
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

/** Resolves with the next uncaught exception of this test, which would otherwise fail it. */
export function thrown_to_nobody(): Promise<unknown[]> {
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  onTestFinished(() => {
    for (const listener of listeners) process.on('uncaughtException', listener)
  })
  return once(process, 'uncaughtException')
}

/** Connects, and returns the connection with its TCP socket, so that a test can stop reading from it. */
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

/** The only text that a mute server sends, and whether it waits for the client to send first. */
interface MuteOptions {
  readonly says?: string
  readonly when_asked?: boolean
}

/** A server that sends at most one text. */
export interface MuteServer {
  readonly port: number
  /** Resolves when the first connection has closed. */
  readonly hung_up: Promise<unknown>
  close(): void
}

/** Starts a server that accepts connections, sends one text on each, and does not respond any further. */
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
