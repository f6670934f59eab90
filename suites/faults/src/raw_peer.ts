import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { FrameReader, OPCODE, type SeenFrame } from '@bt/test-support/frames'
import { answer_to } from '@bt/test-support/handshake'
import { Journal } from '@bt/test-support/journal'
import { type FrameOptions, frame } from './frame.js'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const HEAD_END = '\r\n\r\n'

/** Returns a valid opening handshake (RFC 6455 §4.1). */
const request_for = (path: string, extensions = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n${extensions && `Sec-WebSocket-Extensions: ${extensions}\r\n`}\r\n`

/** A valid opening handshake for `/ws`. */
export const REQUEST: string = request_for('/ws')

/**
 * The other end of one of our connections, a client or a server on a bare socket. It does only what a test
 * makes it do, except that it answers pings and Closes while it is responsive.
 */
export class RawPeer {
  readonly socket: Socket
  readonly frames: Journal<SeenFrame> = new Journal()
  /** Resolves when the socket has closed, for whatever reason. */
  readonly closed: Promise<void>
  /** Resolves when the other side has ended its half of the connection, or the socket has closed. */
  readonly ended: Promise<void>
  /** Whether it answers pings and Closes by itself. */
  is_responsive = true
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
      socket.on('data', chunk => {
        if (is_open) return this.#read_frames(reader, chunk)
        this.#head += chunk.toString('latin1')
        const end = this.#head.indexOf(HEAD_END)
        if (end < 0) return
        is_open = true
        resolve(this.#head.slice(0, end))
        const rest = this.#head.slice(end + HEAD_END.length)
        if (rest !== '') this.#read_frames(reader, Buffer.from(rest, 'latin1'))
      })
    })
  }

  /**
   * Connects a client that sends nothing yet. `addr` has the form of a server's `addr`. The client's half of
   * the connection stays open when the server ends its own.
   */
  static async dial(addr: string): Promise<RawPeer> {
    const { host, port } = parse_addr(addr)
    const socket = addr.startsWith('unix:')
      ? connect({ path: addr.slice(5), allowHalfOpen: true })
      : connect({ host, port, allowHalfOpen: true })
    const peer = new RawPeer(socket, true)
    await Promise.race([once(socket, 'connect'), peer.closed])
    return peer
  }

  /** Connects a client, and resolves when the server has answered its handshake or ended the connection. */
  static async open(addr: string, path = '/ws', extensions = ''): Promise<RawPeer> {
    const peer = await RawPeer.dial(addr)
    peer.write(request_for(path, extensions))
    await Promise.race([peer.head(), peer.ended])
    return peer
  }

  write(data: string | Uint8Array): void {
    this.socket.write(data)
  }

  send(opcode: number, payload: string | Uint8Array = '', shape: FrameOptions = {}): void {
    this.write(this.frame(opcode, payload, shape))
  }

  /** Returns a frame that is masked as this side must (RFC 6455 §5.1). */
  frame(opcode: number, payload: string | Uint8Array = '', shape: FrameOptions = {}): Buffer {
    return frame(opcode, payload, { is_masked: this.#is_client, ...shape })
  }

  text(data: string): void {
    this.send(OPCODE.TEXT, data)
  }

  /** Resolves with the head of the other side's request or response. */
  head(): Promise<string> {
    return this.#head_read
  }

  /** Answers the client's request with 101. */
  async upgrade(): Promise<void> {
    this.write(answer_to(await this.head()))
  }

  /** Writes one byte each `interval_ms`; resolves when all are written, or the socket is destroyed. */
  async trickle(data: string | Uint8Array, interval_ms: number): Promise<void> {
    const bytes = Buffer.from(data as Uint8Array)
    for (const byte of bytes) {
      if (this.socket.destroyed) return
      this.socket.write(Buffer.from([byte]))
      await new Promise(resolve => setTimeout(resolve, interval_ms))
    }
  }

  stop_reading(): void {
    this.socket.pause()
  }

  resume_reading(): void {
    this.socket.resume()
  }

  /** Ends the connection with a RST. */
  reset(): void {
    reset(this.socket)
  }

  /** Ends this half of the connection; the other stays open. */
  half_close(): void {
    this.socket.end()
  }

  #read_frames(reader: FrameReader, chunk: Buffer): void {
    for (const received of reader.read(chunk)) {
      if (this.is_responsive && this.socket.writable) {
        if (received.opcode === OPCODE.PING) this.send(OPCODE.PONG, received.payload)
        if (received.opcode === OPCODE.CLOSE) this.socket.end(this.frame(OPCODE.CLOSE, received.payload))
      }
      this.frames.add(received)
    }
  }
}

/**
 * Ends a socket with a RST. A socket that is already ending is only destroyed, because Node never emits
 * `close` for one that is reset while it ends.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

/** A server on bare sockets, to which our clients connect. */
export class RawServer {
  readonly peers: Journal<RawPeer> = new Journal()
  readonly #server: Server
  #accepted = 0

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', socket => this.peers.add(new RawPeer(socket, false)))
  }

  static async start(): Promise<RawServer> {
    const server = createServer({ allowHalfOpen: true })
    const raw_server = new RawServer(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return raw_server
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as { port: number }).port}/ws`
  }

  /** Resolves with the next client that connects. */
  async accept(): Promise<RawPeer> {
    this.#accepted += 1
    const accepted = this.#accepted
    return (await this.peers.count(accepted))[accepted - 1] as RawPeer
  }

  /** Resolves with the next client, after answering its handshake. */
  async accept_open(): Promise<RawPeer> {
    const peer = await this.accept()
    await peer.upgrade()
    return peer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    for (const { socket } of this.peers.entries) socket.destroy()
    await closed
  }
}

/** Returns the code of a received Close, or 1005 if it has none. */
export function close_code({ payload }: SeenFrame): number {
  return payload.length < 2 ? 1005 : payload.readUInt16BE()
}

function parse_addr(addr: string): { readonly host: string; readonly port: number } {
  const at = addr.lastIndexOf(':')
  return { host: addr.slice(0, at), port: Number(addr.slice(at + 1)) }
}
