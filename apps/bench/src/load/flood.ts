import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { FloodKind } from '../wire/floods.js'
import { make_frame } from '../wire/frame.js'
import { request_of } from '../wire/handshake.js'

/** The target and the frames of a flood. */
export interface FloodTask {
  readonly port: number
  readonly kind: FloodKind
}

/** The maximum size of one write. */
const MAX_WRITE_BYTES = 64 * 1024

/** Clients that send the same frame as fast as the server reads it, and discard all answers. */
export class Flood {
  readonly #sockets: readonly Socket[]
  /** How many clients the server has disconnected so far. */
  clients_ended = 0

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets
  }

  /** Connects the clients, and starts the flood. */
  static async start({ port, kind }: FloodTask): Promise<Flood> {
    const flood = new Flood(await Promise.all(Array.from({ length: kind.clients }, () => open(port))))
    const frame = make_frame(kind.opcode, Buffer.from(kind.payload), 'client')
    const frames_at_once = Math.floor(MAX_WRITE_BYTES / frame.length)
    flood.#begin(Buffer.concat(Array.from({ length: frames_at_once }, () => frame)))
    return flood
  }

  /** Stops the flood, and returns how many clients the server has disconnected. */
  stop(): number {
    const { clients_ended } = this
    for (const socket of this.#sockets) socket.destroy()
    return clients_ended
  }

  #begin(frames: Buffer): void {
    for (const socket of this.#sockets) {
      const fill = (): void => {
        while (socket.writable && socket.write(frames));
      }
      socket.on('drain', fill).once('close', () => {
        this.clients_ended += 1
      })
      fill()
    }
  }
}

/** Connects a client, and does the handshake. */
async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  // A server may disconnect a flooding client; the result shows that.
  socket.on('error', () => {})
  socket.write(request_of(port, 'websocket'))
  await once(socket, 'data')
  socket.resume()
  return socket
}
