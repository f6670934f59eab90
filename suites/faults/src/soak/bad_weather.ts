import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { reset } from '../wire.js'

/** A proxy before a server, which resets and stalls what goes through it. */
export class BadWeather {
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

  static async before(addr: string): Promise<BadWeather> {
    const weather = new BadWeather(Number(addr.split(':')[1]))
    weather.#server.listen(0, '127.0.0.1')
    await once(weather.#server, 'listening')
    return weather
  }

  get addr(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resets one of the connections, at both ends. */
  reset(random: () => number): void {
    for (const socket of this.#any(random)) if (!socket.destroyed && !socket.connecting) reset(socket)
  }

  /** Lets nothing through for a while, though both ends stay open. */
  stall(random: () => number, for_ms: number): void {
    const pair = this.#any(random)
    // Piped twice, it would let everything through twice.
    if (this.#stalled.has(pair)) return
    this.#stalled.add(pair)
    for (const [index, socket] of pair.entries()) socket.unpipe(pair[1 - index] as Socket).pause()
    setTimeout(() => {
      this.#stalled.delete(pair)
      for (const [index, socket] of pair.entries())
        if (!socket.destroyed) socket.pipe(pair[1 - index] as Socket)
    }, for_ms)
  }

  async end(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #any(random: () => number): readonly Socket[] {
    return [...this.#pairs][Math.floor(random() * this.#pairs.size)] ?? []
  }
}
