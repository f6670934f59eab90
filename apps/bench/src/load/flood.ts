import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { FloodKind } from '../wire/floods.js'
import { make_frame } from '../wire/frame.js'
import { request_of } from '../wire/handshake.js'

/** Whom to flood, and with what. */
export interface FloodTask {
  readonly port: number
  readonly kind: FloodKind
}

/** What one write holds at most. */
const AT_ONCE_BYTES = 64 * 1024

/** Clients that each send the same frame as fast as the server takes it, and drop what they get. */
export class Flood {
  readonly #sockets: readonly Socket[]
  /** How many clients the server has cut off so far. */
  clients_ended = 0

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets
  }

  /** Connects the clients, and has all begin. */
  static async start({ port, kind }: FloodTask): Promise<Flood> {
    const flood = new Flood(await Promise.all(Array.from({ length: kind.clients }, () => open(port))))
    const frame = make_frame(kind.opcode, Buffer.from(kind.payload), 'client')
    const frames_at_once = Math.floor(AT_ONCE_BYTES / frame.length)
    flood.#begin(Buffer.concat(Array.from({ length: frames_at_once }, () => frame)))
    return flood
  }

  /** Lets go of all, and returns how many clients the server had cut off. */
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

/** A client that has shaken hands. */
async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  // A server that cuts a flooder off does well; it shows in the result.
  socket.on('error', () => {})
  socket.write(request_of(port, 'websocket'))
  await once(socket, 'data')
  socket.resume()
  return socket
}
