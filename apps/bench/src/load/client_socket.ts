import { connect, type Socket } from 'node:net'
import { connect as connect_tls } from 'node:tls'
import { make_frame, OPCODE, read_frame } from '../wire/frame.js'
import { answer_end, request_of } from '../wire/handshake.js'
import type { Dialect } from '../wire/message.js'
import { PingSieve } from '../wire/ping_sieve.js'

/** Where a socket connects to, and how it speaks. */
export interface Target {
  readonly port: number
  readonly dialect: Dialect
  readonly with_compression?: boolean
  readonly with_tls?: boolean
}

/** A client as light as one can be in Node: a TCP socket that has shaken hands, answers Pings, and hands on all else unread. */
export interface ClientSocket {
  readonly tcp: Socket
  /** Is handed what comes, which is there until it returns. */
  on_bytes: (bytes: Buffer) => void
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>
}

/** What all sockets read into: nobody keeps what was read. */
const SHARED = Buffer.allocUnsafeSlow(256 * 1024)

const JOIN_NAMESPACE = make_frame(OPCODE.TEXT, Buffer.from('40'), 'client')
const CLOSE_1000 = make_frame(OPCODE.CLOSE, Buffer.from([0x03, 0xe8]), 'client')

/** Connects, and shakes hands; of socket.io, with its own protocol as well. */
export function open_socket(target: Target): Promise<ClientSocket> {
  return new Promise((resolve, reject) => {
    const onread = {
      buffer: SHARED,
      callback: (count: number) => {
        const bytes = SHARED.subarray(0, count)
        if (is_greeted) socket.on_bytes(pings.sift(bytes))
        else greet(bytes)
        return true
      },
    }
    const to = { port: target.port, host: '127.0.0.1', onread }
    // The certificate is one that a run makes for itself.
    const tcp = target.with_tls ? connect_tls({ ...to, rejectUnauthorized: false }) : connect(to)
    tcp.setNoDelay(true)
    const pings = new PingSieve(payload => tcp.write(make_frame(OPCODE.PONG, payload, 'client')))
    const greeting = new Greeting(target, tcp)
    let is_greeted = false
    const greet = (bytes: Buffer): void => {
      try {
        is_greeted = greeting.hear(bytes)
        if (is_greeted) resolve(socket)
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

/** Opens so many sockets, a few at a time. */
export async function open_sockets(target: Target, count: number, at_a_time = 64): Promise<ClientSocket[]> {
  const sockets: ClientSocket[] = []
  while (sockets.length < count) {
    const due = Math.min(at_a_time, count - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length: due }, () => open_socket(target)))))
  }
  return sockets
}

/** Closes in order (RFC 6455 §7.1.2): says Close, and waits until the server has closed the TCP connection. */
export function close_socket({ tcp, closed }: ClientSocket): Promise<void> {
  tcp.write(CLOSE_1000)
  return closed
}

/** What is said on both sides until messages may flow. */
class Greeting {
  readonly #target: Target
  readonly #tcp: Socket
  #said: Buffer = Buffer.alloc(0)
  #next: 'answer' | 'engine_open' | 'namespace_joined' = 'answer'

  constructor(target: Target, tcp: Socket) {
    this.#target = target
    this.#tcp = tcp
  }

  /** Takes what the server says next; `true` when that was the last of it. */
  hear(bytes: Buffer): boolean {
    this.#said = Buffer.concat([this.#said, bytes])
    if (this.#next === 'answer') {
      const end = answer_end(this.#said, this.#target.with_compression)
      if (end === -1) return false
      if (this.#target.dialect === 'websocket') return true
      this.#said = this.#said.subarray(end)
      this.#next = 'engine_open'
    }
    if (this.#next === 'engine_open' && this.#packet('0{')) {
      this.#tcp.write(JOIN_NAMESPACE)
      this.#next = 'namespace_joined'
    }
    return this.#next === 'namespace_joined' && this.#packet('40')
  }

  #packet(start: string): boolean {
    const frame = read_frame(this.#said)
    if (frame === undefined) return false
    this.#said = this.#said.subarray(frame.bytes)
    const packet = frame.payload.toString()
    if (!packet.startsWith(start)) throw new Error(`expected a packet ${start}…, got: ${packet}`)
    return true
  }
}
