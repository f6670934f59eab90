import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { FrameReader, OPCODE, type SeenFrame } from '@bt/test-support/frames'
import { answer_to } from '@bt/test-support/handshake'
import { Journal } from '@bt/test-support/journal'
import { type FrameOptions, frame } from './frame.js'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const HEAD_END = '\r\n\r\n'

/** A good handshake (RFC 6455 §4.1). */
const request_for = (path: string, extensions = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n${extensions && `Sec-WebSocket-Extensions: ${extensions}\r\n`}\r\n`

/** The one for `/ws`. */
export const REQUEST: string = request_for('/ws')

/**
 * The other end of one of our connections, on a bare socket, as client or as server: it does what a fault needs, and nothing by itself but
 * answer pings and Closes, unless told otherwise.
 */
export class Wire {
  readonly socket: Socket
  readonly frames: Journal<SeenFrame> = new Journal()
  /** The socket has ended, however it did. */
  readonly closed: Promise<void>
  /** The other side says nothing more, or the socket has ended. */
  readonly ended: Promise<void>
  is_polite = true
  readonly #is_client: boolean
  #head = ''
  readonly #head_read: Promise<string>

  constructor(socket: Socket, is_client: boolean) {
    this.socket = socket
    this.#is_client = is_client
    socket.setNoDelay(true)
    socket.on('error', () => {})
    this.closed = new Promise(resolve => socket.once('close', () => resolve()))
    this.ended = new Promise(resolve => socket.once('end', resolve).once('close', () => resolve()))
    const reader = new FrameReader()
    this.#head_read = new Promise(resolve => {
      let is_open = false
      socket.on('data', part => {
        if (is_open) return this.#take(reader, part)
        this.#head += part.toString('latin1')
        const end = this.#head.indexOf(HEAD_END)
        if (end < 0) return
        is_open = true
        resolve(this.#head.slice(0, end))
        const rest = this.#head.slice(end + HEAD_END.length)
        if (rest !== '') this.#take(reader, Buffer.from(rest, 'latin1'))
      })
    })
  }

  /** A client that has connected, and said nothing; `addr` as a server of ours has it. Its other half stays open when ours ends. */
  static async dial(addr: string): Promise<Wire> {
    const { host, port } = parse_addr(addr)
    const socket = addr.startsWith('unix:')
      ? connect({ path: addr.slice(5), allowHalfOpen: true })
      : connect({ host, port, allowHalfOpen: true })
    const wire = new Wire(socket, true)
    await Promise.race([once(socket, 'connect'), wire.closed])
    return wire
  }

  /** A client that has shaken hands, or was not let in. */
  static async open(addr: string, path = '/ws', extensions = ''): Promise<Wire> {
    const wire = await Wire.dial(addr)
    wire.write(request_for(path, extensions))
    await Promise.race([wire.head(), wire.ended])
    return wire
  }

  write(data: string | Uint8Array): void {
    this.socket.write(data)
  }

  send(opcode: number, payload: string | Uint8Array = '', shape: FrameOptions = {}): void {
    this.write(this.frame(opcode, payload, shape))
  }

  /** A frame as this side has to write it (RFC 6455 §5.1). */
  frame(opcode: number, payload: string | Uint8Array = '', shape: FrameOptions = {}): Buffer {
    return frame(opcode, payload, { is_masked: this.#is_client, ...shape })
  }

  text(data: string): void {
    this.send(OPCODE.TEXT, data)
  }

  /** The head of the other side's request or answer. */
  head(): Promise<string> {
    return this.#head_read
  }

  /** Answers the request with 101, as a server. */
  async upgrade(): Promise<void> {
    this.write(answer_to(await this.head()))
  }

  /** Writes byte after byte, one each `every_ms`; settles when all are written, or the socket has ended. */
  async trickle(data: string | Uint8Array, every_ms: number): Promise<void> {
    const bytes = Buffer.from(data as Uint8Array)
    for (const byte of bytes) {
      if (this.socket.destroyed) return
      this.socket.write(Buffer.from([byte]))
      await new Promise(resolve => setTimeout(resolve, every_ms))
    }
  }

  stop_reading(): void {
    this.socket.pause()
  }

  resume_reading(): void {
    this.socket.resume()
  }

  /** Ends with a RST. */
  reset(): void {
    reset(this.socket)
  }

  /** Ends this half; the other stays open. */
  half_close(): void {
    this.socket.end()
  }

  #take(reader: FrameReader, part: Buffer): void {
    for (const got of reader.read(part)) {
      if (this.is_polite && this.socket.writable) {
        if (got.opcode === OPCODE.PING) this.send(OPCODE.PONG, got.payload)
        if (got.opcode === OPCODE.CLOSE) this.socket.end(this.frame(OPCODE.CLOSE, got.payload))
      }
      this.frames.add(got)
    }
  }
}

/** Ends a socket with a RST. Node never says `close` of one that is reset while it ends: that one is just destroyed. */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

/** A server on bare sockets, for clients of ours. */
export class WireServer {
  readonly wires: Journal<Wire> = new Journal()
  readonly #server: Server
  #taken = 0

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', socket => this.wires.add(new Wire(socket, false)))
  }

  static async start(): Promise<WireServer> {
    const server = createServer({ allowHalfOpen: true })
    const wires = new WireServer(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return wires
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as { port: number }).port}/ws`
  }

  /** The next client that connects. */
  async accept(): Promise<Wire> {
    this.#taken += 1
    const taken = this.#taken
    return (await this.wires.count(taken))[taken - 1] as Wire
  }

  /** The next client, with its handshake done. */
  async accept_open(): Promise<Wire> {
    const wire = await this.accept()
    await wire.upgrade()
    return wire
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    for (const { socket } of this.wires.entries) socket.destroy()
    await closed
  }
}

/** The payload and code of a Close that was received. */
export function close_code(got: SeenFrame): number {
  return got.payload.length < 2 ? 1005 : got.payload.readUInt16BE()
}

function parse_addr(addr: string): { readonly host: string; readonly port: number } {
  const at = addr.lastIndexOf(':')
  return { host: addr.slice(0, at), port: Number(addr.slice(at + 1)) }
}
