import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { reset } from '../raw_peer.js'

/** A proxy in front of a server, which resets and stalls connections on request. */
export class FaultyProxy {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  readonly #stalled = new Set<readonly Socket[]>()

  private constructor(port: number) {
    this.#server = createServer(near => {
      const far = connect(port, '127.0.0.1')
      const pair = [near, far] as const
      this.#pairs.add(pair)
      for (const [from, to] of [pair, [far, near]] as const) {
        from.pipe(to)
        from.on('error', () => to.destroy())
        from.on('close', () => {
          to.destroy()
          this.#pairs.delete(pair)
        })
      }
    })
  }

  /** Starts a proxy for the server at `addr`. */
  static async start(addr: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(Number(addr.split(':')[1]))
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get addr(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resets a random connection at both ends. */
  reset(random: () => number): void {
    for (const socket of this.#random_pair(random)) if (!socket.destroyed && !socket.connecting) reset(socket)
  }

  /** Holds back all data of a random connection for a while; both ends stay open. */
  stall(random: () => number, duration_ms: number): void {
    const pair = this.#random_pair(random)
    // Two overlapping stalls would pipe the sockets twice, and so duplicate all data.
    if (this.#stalled.has(pair)) return
    this.#stalled.add(pair)
    for (const [index, socket] of pair.entries()) socket.unpipe(pair[1 - index] as Socket).pause()
    setTimeout(() => {
      this.#stalled.delete(pair)
      for (const [index, socket] of pair.entries())
        if (!socket.destroyed) socket.pipe(pair[1 - index] as Socket)
    }, duration_ms)
  }

  async end(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #random_pair(random: () => number): readonly Socket[] {
    return [...this.#pairs][Math.floor(random() * this.#pairs.size)] ?? []
  }
}
