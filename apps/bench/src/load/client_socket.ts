import { connect, type Socket } from 'node:net'
import { connect as connect_tls } from 'node:tls'
import { make_frame, OPCODE, read_frame } from '../wire/frame.js'
import { answer_end, request_of } from '../wire/handshake.js'
import type { Dialect } from '../wire/message.js'
import { PingFilter } from '../wire/ping_filter.js'

/** The server of a connection, and its protocol. */
export interface Target {
  readonly port: number
  readonly dialect: Dialect
  readonly with_compression?: boolean
  readonly with_tls?: boolean
}

/**
 * A minimal client: a TCP socket that does the handshake, answers Pings, and passes on all other bytes
 * unread.
 */
export interface ClientSocket {
  readonly tcp: Socket
  /** Called with received bytes, which are valid only until it returns. */
  on_bytes: (bytes: Buffer) => void
  /** Resolves when the connection has closed. */
  readonly closed: Promise<void>
}

/** The buffer into which all sockets read. No callback keeps the bytes. */
const READ_BUFFER = Buffer.allocUnsafeSlow(256 * 1024)

const JOIN_NAMESPACE = make_frame(OPCODE.TEXT, Buffer.from('40'), 'client')
const CLOSE_1000 = make_frame(OPCODE.CLOSE, Buffer.from([0x03, 0xe8]), 'client')

/** Connects, and does the handshake, including that of socket.io if it is the protocol. */
export function open_socket(target: Target): Promise<ClientSocket> {
  return new Promise((resolve, reject) => {
    const onread = {
      buffer: READ_BUFFER,
      callback: (count: number) => {
        const bytes = READ_BUFFER.subarray(0, count)
        if (is_open) socket.on_bytes(pings.filter(bytes))
        else read_handshake(bytes)
        return true
      },
    }
    const address = { port: target.port, host: '127.0.0.1', onread }
    // Each run generates its own certificate.
    const tcp = target.with_tls ? connect_tls({ ...address, rejectUnauthorized: false }) : connect(address)
    tcp.setNoDelay(true)
    const pings = new PingFilter(payload => tcp.write(make_frame(OPCODE.PONG, payload, 'client')))
    const handshake = new ClientHandshake(target, tcp)
    let is_open = false
    const read_handshake = (bytes: Buffer): void => {
      try {
        is_open = handshake.read(bytes)
        if (is_open) resolve(socket)
      } catch (error) {
        reject(error)
        tcp.destroy()
      }
    }
    const socket: ClientSocket = {
      tcp,
      on_bytes: () => {},
      closed: new Promise(done => {
        tcp.once('close', () => {
          reject(new Error(`port ${target.port}: closed before the handshake was done`))
          done()
        })
      }),
    }
    tcp.write(request_of(target.port, target.dialect, target.with_compression))
    tcp.on('error', reject)
  })
}

/** Opens `count` sockets, `at_a_time` at once. */
export async function open_sockets(target: Target, count: number, at_a_time = 64): Promise<ClientSocket[]> {
  const sockets: ClientSocket[] = []
  while (sockets.length < count) {
    const due = Math.min(at_a_time, count - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length: due }, () => open_socket(target)))))
  }
  return sockets
}

/** Sends a Close frame, and waits until the server has closed the TCP connection (RFC 6455 §7.1.1). */
export function close_socket({ tcp, closed }: ClientSocket): Promise<void> {
  tcp.write(CLOSE_1000)
  return closed
}

/** The client's side of the handshakes before the first message. */
class ClientHandshake {
  readonly #target: Target
  readonly #tcp: Socket
  #received: Buffer = Buffer.alloc(0)
  #next: 'answer' | 'engine_open' | 'namespace_joined' = 'answer'

  constructor(target: Target, tcp: Socket) {
    this.#target = target
    this.#tcp = tcp
  }

  /** Reads bytes of the server; returns `true` when the handshakes are complete. */
  read(bytes: Buffer): boolean {
    this.#received = Buffer.concat([this.#received, bytes])
    if (this.#next === 'answer') {
      const end = answer_end(this.#received, this.#target.with_compression)
      if (end === -1) return false
      if (this.#target.dialect === 'websocket') return true
      this.#received = this.#received.subarray(end)
      this.#next = 'engine_open'
    }
    if (this.#next === 'engine_open' && this.#packet('0{')) {
      this.#tcp.write(JOIN_NAMESPACE)
      this.#next = 'namespace_joined'
    }
    return this.#next === 'namespace_joined' && this.#packet('40')
  }

  #packet(start: string): boolean {
    const frame = read_frame(this.#received)
    if (frame === undefined) return false
    this.#received = this.#received.subarray(frame.bytes)
    const packet = frame.payload.toString()
    if (!packet.startsWith(start)) throw new Error(`expected a packet ${start}…, got: ${packet}`)
    return true
  }
}
