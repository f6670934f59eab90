import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as create_tls_server } from 'node:tls'
import { make_frame, OPCODE } from './frame.js'
import { answer_to } from './handshake.js'
import { type Dialect, message_bytes, type Shape } from './message.js'

/** The maximum size of the answers in one write. */
const MAX_WRITE_BYTES = 64 * 1024

/** The size of a Close frame with a code. It arrives alone, because no message is in flight any more. */
const CLOSE_BYTES = 8
const CLOSE_FIRST_BYTE = 0x88

/** The packets of engine.io and socket.io before any message, without pings while a measure runs. */
const ENGINE_OPEN = make_frame(
  OPCODE.TEXT,
  Buffer.from(
    '0{"sid":"a","upgrades":[],"pingInterval":1073741824,"pingTimeout":20000,"maxPayload":1000000}',
  ),
  'server',
)
const NAMESPACE_JOINED = make_frame(OPCODE.TEXT, Buffer.from('40{"sid":"b"}'), 'server')
const JOIN_NAMESPACE_BYTES = make_frame(OPCODE.TEXT, Buffer.from('40'), 'client').length

/** A server that counts bytes without parsing them, and answers each message with a ready-made frame. */
export class CountingServer {
  readonly #dialect: Dialect
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #request_bytes = 1
  #answer_bytes = 1
  #answers: Buffer = Buffer.alloc(0)

  constructor(dialect: Dialect, tls?: { readonly cert: string; readonly key: string }) {
    this.#dialect = dialect
    const serve = (socket: Socket): void => this.#serve(socket)
    this.#server = tls
      ? create_tls_server({ ...tls, noDelay: true }, serve)
      : createServer({ noDelay: true }, serve)
  }

  /** Listens on a free port of 127.0.0.1, and resolves with the port. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  /** Sets the message that clients will send. Its length is needed for counting. */
  expect(shape: Shape): void {
    const answer = message_bytes(shape, this.#dialect, 'server')
    const max_at_once = Math.max(1, Math.floor(MAX_WRITE_BYTES / answer.length))
    this.#request_bytes = message_bytes(shape, this.#dialect, 'client').length
    this.#answer_bytes = answer.length
    this.#answers = Buffer.concat(Array.from({ length: max_at_once }, () => answer))
  }

  /** Writes to all clients. */
  broadcast(bytes: Buffer): void {
    for (const socket of this.#sockets) socket.write(bytes)
  }

  /** Disconnects all clients, and stops listening. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // The client reports a lost connection, because it misses an answer.
    socket.on('error', () => {})
    socket.once('data', (request: Buffer) => {
      socket.write(answer_to(request.toString('latin1')))
      if (this.#dialect === 'websocket') this.#echo(socket)
      else this.#open_session(socket)
    })
  }

  #open_session(socket: Socket): void {
    socket.write(ENGINE_OPEN)
    socket.once('data', (join: Buffer) => {
      // Bytes are counted from here on. Without this check, a client could wait for answers that never come.
      if (join.length !== JOIN_NAMESPACE_BYTES)
        throw new Error(`expected the ${JOIN_NAMESPACE_BYTES} bytes of a packet 40, got ${join.length}`)
      socket.write(NAMESPACE_JOINED)
      this.#echo(socket)
    })
  }

  #echo(socket: Socket): void {
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      if (chunk.length === CLOSE_BYTES && chunk[0] === CLOSE_FIRST_BYTE) socket.end()
      else bytes = this.#answer(socket, bytes + chunk.length)
    })
  }

  /** Answers all complete messages, and returns how many bytes of the next one have arrived. */
  #answer(socket: Socket, bytes: number): number {
    const max_at_once = this.#answers.length / this.#answer_bytes
    let due = Math.floor(bytes / this.#request_bytes)
    const left = bytes - due * this.#request_bytes
    while (due > 0) {
      const at_once = Math.min(due, max_at_once)
      socket.write(this.#answers.subarray(0, at_once * this.#answer_bytes))
      due -= at_once
    }
    return left
  }
}
