import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { FrameReader, type SeenFrame } from '@bt/test-support/frames'

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
    const reader = new OpenedReader()
    this.#sockets.add(from)
    from.on('data', (chunk: Buffer) => {
      for (const { opcode, fin, rsv } of reader.read(chunk))
        this.#frames[end].push({ opcode, is_final: fin, is_compressed: (rsv & 4) !== 0 })
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

/** Reads frames behind the headers of the handshake. */
class OpenedReader {
  readonly #frames = new FrameReader()
  #is_open = false
  #unread: Buffer = Buffer.alloc(0)

  read(chunk: Buffer): SeenFrame[] {
    if (this.#is_open) return this.#frames.read(chunk)
    this.#unread = Buffer.concat([this.#unread, chunk])
    const end = this.#unread.indexOf('\r\n\r\n')
    if (end === -1) return []
    this.#is_open = true
    return this.#frames.read(this.#unread.subarray(end + 4))
  }
}
