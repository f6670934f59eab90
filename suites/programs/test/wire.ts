import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** RFC 6455 §5.2: the kinds of frame that exchanges look for. */
export const TEXT = 1
export const PING = 9
export const PONG = 10

/** A frame that went over the wire. */
export interface WireFrame {
  readonly opcode: number
  readonly is_final: boolean
  readonly is_compressed: boolean
}

/** The two ends of the wire: whoever connected, and whoever it was connected to. */
export type WireEnd = 'client' | 'server'

/** A relay that stands between a client and a server, and sees each frame; it can be cut. */
export class Wire {
  readonly #relay: Server
  readonly #sockets = new Set<Socket>()
  readonly #frames: Record<WireEnd, WireFrame[]> = { client: [], server: [] }
  readonly #checks = new Set<() => void>()

  private constructor(relay: Server, target_port: number) {
    this.#relay = relay
    relay.on('connection', from => {
      const to = connect(target_port, '127.0.0.1')
      this.#join(from, to, 'client')
      this.#join(to, from, 'server')
    })
  }

  /** Starts one in front of a port of this machine. */
  static async to(target_port: number): Promise<Wire> {
    const relay = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
    await once(relay, 'listening')
    return new Wire(relay, target_port)
  }

  /** Where it listens. */
  get port(): number {
    return (this.#relay.address() as AddressInfo).port
  }

  /** The frames that came from one end. */
  frames(end: WireEnd): readonly WireFrame[] {
    return this.#frames[end]
  }

  /** Waits until one end has sent `count` frames of a kind. */
  until(end: WireEnd, opcode: number, count: number): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (this.#frames[end].filter(frame => frame.opcode === opcode).length < count) return
        this.#checks.delete(check)
        resolve()
      }
      this.#checks.add(check)
      check()
    })
  }

  /** Resets what goes over it, towards both ends. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Takes nothing more, and drops what there is. */
  close(): void {
    this.#relay.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #join(from: Socket, to: Socket, end: WireEnd): void {
    const reader = new FrameReader(frame => this.#frames[end].push(frame))
    this.#sockets.add(from)
    from.on('data', (chunk: Buffer) => {
      reader.read(chunk)
      to.write(chunk)
      for (const check of this.#checks) check()
    })
    from.on('end', () => to.end())
    from.on('error', () => to.resetAndDestroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      if (!from.readableEnded) to.destroy()
    })
  }
}

/** Reads the headers of frames behind those of the handshake. */
class FrameReader {
  readonly #told: (frame: WireFrame) => void
  #is_open = false
  #unread: Buffer = Buffer.alloc(0)
  #payload_left = 0

  constructor(told: (frame: WireFrame) => void) {
    this.#told = told
  }

  read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk])
    if (!this.#is_open) this.#skip_handshake()
    while (this.#is_open && this.#skip_payload() && this.#read_header()) {}
  }

  #skip_handshake(): void {
    const end = this.#unread.indexOf('\r\n\r\n')
    if (end === -1) return
    this.#is_open = true
    this.#unread = this.#unread.subarray(end + 4)
  }

  /** Whether the payload has come whole. */
  #skip_payload(): boolean {
    const skipped = Math.min(this.#payload_left, this.#unread.length)
    this.#payload_left -= skipped
    this.#unread = this.#unread.subarray(skipped)
    return this.#payload_left === 0
  }

  /** Whether a whole header was there. */
  #read_header(): boolean {
    const [first = 0, second = 0] = this.#unread
    const short = second & 0x7f
    const length_bytes = short === 127 ? 8 : short === 126 ? 2 : 0
    const size = 2 + length_bytes + (second & 0x80 ? 4 : 0)
    if (this.#unread.length < size) return false
    this.#payload_left =
      length_bytes === 0 ? short : Number(`0x${this.#unread.toString('hex', 2, 2 + length_bytes)}`)
    this.#told({ opcode: first & 0x0f, is_final: (first & 0x80) !== 0, is_compressed: (first & 0x40) !== 0 })
    this.#unread = this.#unread.subarray(size)
    return true
  }
}
