import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { FrameReader, type SeenFrame } from '@bt/test-support/frames'

/** A frame that a relay has passed on. */
export interface RelayedFrame {
  readonly opcode: number
  readonly is_final: boolean
  readonly is_compressed: boolean
}

/** The endpoint that connected to the relay, or the one that the relay connected to. */
export type Endpoint = 'client' | 'server'

/** A TCP relay between a client and a server, which records each frame and can reset the connection. */
export class FrameRelay {
  readonly #relay: Server
  readonly #sockets = new Set<Socket>()
  readonly #frames: Record<Endpoint, RelayedFrame[]> = { client: [], server: [] }
  readonly #checks = new Set<() => void>()

  private constructor(relay: Server, target_port: number) {
    this.#relay = relay
    relay.on('connection', from => {
      const to = connect(target_port, '127.0.0.1')
      this.#relay_bytes(from, to, 'client')
      this.#relay_bytes(to, from, 'server')
    })
  }

  /** Starts a relay to a port of this machine. */
  static async start(target_port: number): Promise<FrameRelay> {
    const relay = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
    await once(relay, 'listening')
    return new FrameRelay(relay, target_port)
  }

  /** The port that clients connect to. */
  get port(): number {
    return (this.#relay.address() as AddressInfo).port
  }

  /** Returns the frames that an endpoint has sent. */
  frames_from(endpoint: Endpoint): readonly RelayedFrame[] {
    return this.#frames[endpoint]
  }

  /** Waits until an endpoint has sent `count` frames with an opcode. */
  wait_for_frames(endpoint: Endpoint, opcode: number, count: number): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (this.#frames[endpoint].filter(frame => frame.opcode === opcode).length < count) return
        this.#checks.delete(check)
        resolve()
      }
      this.#checks.add(check)
      check()
    })
  }

  /** Resets all connections, towards both endpoints. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Stops listening, and ends all connections. */
  close(): void {
    this.#relay.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #relay_bytes(from: Socket, to: Socket, endpoint: Endpoint): void {
    const reader = new ConnectionReader()
    this.#sockets.add(from)
    from.on('data', (chunk: Buffer) => {
      for (const { opcode, fin, rsv } of reader.read(chunk))
        this.#frames[endpoint].push({ opcode, is_final: fin, is_compressed: (rsv & 4) !== 0 })
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

/** Reads the frames of one direction of a connection, and skips the headers of the handshake. */
class ConnectionReader {
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
