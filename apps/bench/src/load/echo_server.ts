import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { CountedEcho } from '../wire/counted_echo.js'
import { make_frame, OPCODE } from '../wire/frame.js'
import { answer_to } from '../wire/handshake.js'
import type { Dialect, Shape } from '../wire/message.js'

/** What an echo server expects, and so what it answers. */
export interface EchoServerTask {
  readonly dialect: Dialect
  readonly shape: Shape
}

/** What engine.io and socket.io say before messages may flow; no pings while a measure runs. */
const ENGINE_OPEN = make_frame(
  OPCODE.TEXT,
  Buffer.from(
    '0{"sid":"a","upgrades":[],"pingInterval":1073741824,"pingTimeout":20000,"maxPayload":1000000}',
  ),
  'server',
)
const NAMESPACE_JOINED = make_frame(OPCODE.TEXT, Buffer.from('40{"sid":"b"}'), 'server')
const JOIN_NAMESPACE_BYTES = make_frame(OPCODE.TEXT, Buffer.from('40'), 'client').length

/** The other end of clients that are measured: it counts bytes, and answers each message's worth with a ready-made frame. */
export class EchoServer {
  readonly #dialect: Dialect
  readonly #counted: CountedEcho
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor({ dialect, shape }: EchoServerTask) {
    this.#dialect = dialect
    this.#counted = new CountedEcho(shape, dialect)
    this.#server = createServer({ noDelay: true }, socket => this.#serve(socket))
  }

  /** Starts to listen on a free port of 127.0.0.1, and returns it. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  /** Lets go of all clients. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // A client that lets go is seen by what is measured, which then lacks an answer.
    socket.on('error', () => {})
    socket.once('data', (request: Buffer) => {
      socket.write(answer_to(request.toString('latin1')))
      if (this.#dialect === 'websocket') this.#echo(socket)
      else this.#greet(socket)
    })
  }

  #greet(socket: Socket): void {
    socket.write(ENGINE_OPEN)
    socket.once('data', (join: Buffer) => {
      // Bytes are counted from here on: it is told at once when they can't be, or a client would wait for answers that never come.
      if (join.length !== JOIN_NAMESPACE_BYTES)
        throw new Error(`expected the ${JOIN_NAMESPACE_BYTES} bytes of a packet 40, got ${join.length}`)
      socket.write(NAMESPACE_JOINED)
      this.#echo(socket)
    })
  }

  #echo(socket: Socket): void {
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      bytes = this.#counted.answer(socket, bytes + chunk.length)
    })
  }
}
