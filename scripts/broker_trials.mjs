// What the tests of all brokers need: what they leave open is closed, and whoever is no broker stands in for one.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, onTestFinished } from 'vitest'

/**
 * What the tests of this file open, which is closed after each, the last first.
 * @returns {{ <Opened extends { close(): unknown }>(opened: Opened): Opened }} adds something, and returns it
 */
export function closed_after_each() {
  /** @type {{ close(): unknown }[]} */
  const left_open = []
  afterEach(async () => {
    for (const opened of left_open.splice(0).reverse()) await opened.close()
  })
  return opened => {
    left_open.push(opened)
    return opened
  }
}

/** What is thrown and caught by nobody, for this test. */
export function thrown_to_nobody() {
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  onTestFinished(() => {
    for (const listener of listeners) process.on('uncaughtException', listener)
  })
  return once(process, 'uncaughtException')
}

/**
 * What is connected, and the socket below it, so that it can be slow to read.
 * @template Connected
 * @param {() => Promise<Connected>} connect
 * @returns {Promise<[Connected, import('node:net').Socket]>}
 */
export async function with_socket(connect) {
  /** @type {import('node:net').Socket[]} */
  const sockets = []
  const opened = (/** @type {unknown} */ message) => {
    sockets.push(/** @type {{ socket: import('node:net').Socket }} */ (message).socket)
  }
  subscribe('net.client.socket', opened)
  const connected = await connect()
  unsubscribe('net.client.socket', opened)
  const socket = sockets.at(-1)
  if (socket === undefined) throw new Error('no socket was opened')
  return [connected, socket]
}

/**
 * Somebody who takes connections and says one thing, and nothing more; `hung_up` settles when the first was ended by the other side.
 * @param {{ readonly says?: string, readonly when_asked?: boolean }} [options] `when_asked`: says it only when spoken to
 */
export async function mute_server({ says = '', when_asked = false } = {}) {
  const server = createServer(socket => {
    socket.on('error', () => {})
    if (!when_asked) socket.write(says)
    socket.once('data', () => when_asked && socket.write(says))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const hung_up = once(server, 'connection').then(([socket]) => once(socket, 'close'))
  return { port, hung_up, close: () => server.close() }
}
