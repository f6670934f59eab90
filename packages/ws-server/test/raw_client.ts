import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { frame_bytes } from '@bt/test-support/frames'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const HEADERS_END = Buffer.from('\r\n\r\n')

/** The lines of a good handshake for `/ws` (RFC 6455 §4.1), to be changed by a test. */
export function handshake_lines(): Record<string, string> {
  return {
    start: 'GET /ws HTTP/1.1',
    Host: 'Host: 127.0.0.1',
    Upgrade: 'Upgrade: websocket',
    Connection: 'Connection: Upgrade',
    Key: `Sec-WebSocket-Key: ${KEY}`,
    Version: 'Sec-WebSocket-Version: 13',
  }
}

/** Makes a masked frame of a client (RFC 6455 §5.2) with the given first byte. */
export function masked_frame(first_byte: number, payload: Uint8Array): Buffer {
  return frame_bytes({ first: first_byte, payload, key: 0x0102_0304 })
}

/** A client on a bare socket, which sends whatever a test likes. */
export class RawClient {
  readonly socket: Socket
  #received: Buffer = Buffer.alloc(0)
  readonly #ended: Promise<Buffer>

  constructor(addr: string) {
    this.socket = addr.startsWith('unix:')
      ? connect(addr.slice(5))
      : connect(Number(addr.split(':').at(-1)), '127.0.0.1')
    this.socket.on('error', () => {})
    this.socket.on('data', part => {
      this.#received = Buffer.concat([this.#received, part])
    })
    this.#ended = new Promise(resolve => this.socket.on('close', () => resolve(this.#received)))
  }

  /** Sends a handshake for `/ws`, with other or more lines, by name; an empty one is left out. */
  static ask(addr: string, lines: Record<string, string> = {}): RawClient {
    const client = new RawClient(addr)
    client.send_lines(Object.values({ ...handshake_lines(), ...lines }).filter(line => line !== ''))
    return client
  }

  /** Opens a WebSocket at `/ws`, and keeps the bytes that follow the response. */
  static async upgraded(addr: string): Promise<RawClient> {
    const client = RawClient.ask(addr)
    await client.header()
    return client
  }

  /** The number of received bytes that were not taken yet. */
  get received_bytes(): number {
    return this.#received.length
  }

  send(data: string | Uint8Array): void {
    this.socket.write(data)
  }

  send_lines(lines: readonly string[]): void {
    this.send(`${lines.join('\r\n')}\r\n\r\n`)
  }

  /** Takes the head of the response from the received bytes. */
  async header(): Promise<string> {
    while (!this.#received.includes(HEADERS_END)) await once(this.socket, 'data')
    const end = this.#received.indexOf(HEADERS_END) + HEADERS_END.length
    const header = this.#received.subarray(0, end).toString()
    this.#received = this.#received.subarray(end)
    return header
  }

  /** Takes the first `count` received bytes, and waits for them. */
  async bytes(count: number): Promise<Buffer> {
    while (this.#received.length < count) await once(this.socket, 'data')
    const bytes = this.#received.subarray(0, count)
    this.#received = this.#received.subarray(count)
    return bytes
  }

  /** Resolves with the remaining bytes as text when the socket has ended. */
  async until_ended(): Promise<string> {
    return (await this.#ended).toString()
  }

  /** Resolves with the code of the last Close frame when the socket has ended. */
  async close_code(): Promise<number> {
    const received = await this.#ended
    const at = received.lastIndexOf(0x88)
    return received.readUInt16BE(at + 2)
  }
}
