import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'

/** The settings of a {@link CuttingProxy}. */
export interface CuttingProxySettings {
  /** The ports of the servers: each connection goes to the next one. */
  readonly ports: readonly number[]
  readonly random: () => number
  /** How long it lets nobody through now and then: longer than servers hold sessions. */
  readonly outage_ms: number
  /** Called after each cut. */
  readonly on_cut: () => void
}

type Way = 'up' | 'down'

/** How often no connection gets through for `outage_ms` after a cut. */
const OUTAGE_RATE = 0.01

/**
 * A proxy in front of servers, for one client, that delays, splits, freezes and cuts each connection after a while:
 * often within the handshake, the first messages of the session, or what is sent again.
 */
export class CuttingProxy {
  /** When the client's end of a connection was cut. */
  readonly cuts_ms: number[] = []
  readonly #settings: CuttingProxySettings
  readonly #server: Server
  readonly #links = new Set<Link>()
  #is_calm = false
  #connections = 0
  #out_until_ms = 0

  private constructor(settings: CuttingProxySettings) {
    this.#settings = settings
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, near => this.#connected(near))
  }

  /** Resolves when it listens. */
  static async start(settings: CuttingProxySettings): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(settings)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Whether connections pass unharmed. */
  get is_calm(): boolean {
    return this.#is_calm
  }

  /** From now on, connections pass unharmed. */
  calm_down(): void {
    this.#is_calm = true
    this.#out_until_ms = 0
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const link of this.#links) link.destroy()
    await closed
  }

  /** A connection is about to be cut. */
  count_cut(): void {
    const { random, outage_ms, on_cut } = this.#settings
    this.cuts_ms.push(performance.timeOrigin + performance.now())
    if (random() < OUTAGE_RATE) this.#out_until_ms = performance.now() + outage_ms
    on_cut()
  }

  #connected(near: Socket): void {
    const { ports, random } = this.#settings
    if (performance.now() < this.#out_until_ms) {
      near.on('error', () => {})
      near.destroy()
      return
    }
    const far = connect({
      port: ports[this.#connections % ports.length] as number,
      host: '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true,
    })
    this.#connections += 1
    const link = new Link(this, near, far, random)
    this.#links.add(link)
    near.once('close', () => this.#links.delete(link))
  }
}

/** A connection through the proxy. */
class Link {
  readonly #proxy: CuttingProxy
  readonly #near: Socket
  readonly #far: Socket
  readonly #random: () => number
  /** The direction whose bytes count for the cut, and after how many it comes. */
  readonly #cut_way: Way
  readonly #cut_after: number
  /** How many bytes of each direction pass one by one. */
  readonly #single_bytes: number
  readonly #max_delay_ms: number
  readonly #passed = { up: 0, down: 0 }
  readonly #timer: ReturnType<typeof globalThis.setTimeout>
  #is_cut = false
  /** The directions in which nothing passes any more: what comes after a gap must not. */
  readonly #muted = new Set<Way>()

  constructor(proxy: CuttingProxy, near: Socket, far: Socket, random: () => number) {
    this.#proxy = proxy
    this.#near = near
    this.#far = far
    this.#random = random
    this.#cut_way = random() < 0.5 ? 'up' : 'down'
    this.#cut_after = bytes_to_pass(random)
    this.#single_bytes = random() < 0.1 ? Math.floor(random() * 400) : 0
    this.#max_delay_ms = random() < 0.3 ? 3 * random() : 0
    this.#timer = globalThis.setTimeout(() => this.#cut(), 10 * 40 ** random())
    this.#join(near, far, 'up')
    this.#join(far, near, 'down')
  }

  destroy(): void {
    clearTimeout(this.#timer)
    this.#near.destroy()
    this.#far.destroy()
  }

  #join(from: Socket, to: Socket, way: Way): void {
    from.on('data', (chunk: Buffer) => {
      from.pause()
      void this.#pass(chunk, to, way).then(() => from.resume())
    })
    from.on('end', () => to.end())
    from.on('error', () => {})
    from.on('close', () => {
      clearTimeout(this.#timer)
      // What has arrived from the other side passes first.
      if (!this.#is_cut) to.end()
    })
  }

  async #pass(chunk: Buffer, to: Socket, way: Way): Promise<void> {
    let start = 0
    while (!this.#proxy.is_calm && this.#passed[way] < this.#single_bytes && start < chunk.length) {
      if (this.#muted.has(way)) return
      if (this.#is_due(way, 1)) return this.#cut(way)
      this.#passed[way] += 1
      to.write(chunk.subarray(start, start + 1))
      start += 1
      await setImmediate()
    }
    if (!this.#proxy.is_calm) {
      if (this.#max_delay_ms > 0) await setTimeout(this.#random() * this.#max_delay_ms)
      if (this.#random() < 0.01) await setTimeout(30 * this.#random())
      if (this.#is_due(way, chunk.length - start)) {
        if (!this.#muted.has(way))
          to.write(chunk.subarray(start, start + this.#cut_after - this.#passed[way]))
        return this.#cut(way)
      }
    }
    if (this.#muted.has(way)) return
    this.#passed[way] += chunk.length - start
    await new Promise<void>(resolve => to.write(chunk.subarray(start), () => resolve()))
  }

  #is_due(way: Way, bytes: number): boolean {
    // A connection that is being cut already passes whatever it still passes in one piece.
    if (this.#is_cut || this.#proxy.is_calm) return false
    return way === this.#cut_way && this.#passed[way] + bytes >= this.#cut_after
  }

  /** Cuts the connection. `within` is the direction whose bytes have passed in part. */
  #cut(within?: Way): void {
    if (within !== undefined) this.#muted.add(within)
    if (this.#is_cut || this.#proxy.is_calm || this.#near.destroyed) return
    this.#is_cut = true
    clearTimeout(this.#timer)
    void this.#cut_somehow()
  }

  async #cut_somehow(): Promise<void> {
    const [near, far] = [this.#near, this.#far]
    const kind = this.#random()
    if (kind < 0.15) {
      // One direction is cut before the other.
      this.#muted.add(this.#random() < 0.5 ? 'up' : 'down')
      await setTimeout(20 * this.#random())
    } else if (kind < 0.3) {
      // The server notices first.
      end_somehow(far, this.#random)
      await setTimeout(10 * this.#random())
    }
    this.#proxy.count_cut()
    end_somehow(near, this.#random)
    // The server notices later, when the client may have come back already.
    if (kind > 0.7) await setTimeout(60 * this.#random())
    end_somehow(far, this.#random)
    // An end in one direction only must not last.
    await setTimeout(10)
    near.destroy()
    far.destroy()
  }
}

/** How many bytes pass before a cut: often so few that it comes within the handshake or the first messages. */
function bytes_to_pass(random: () => number): number {
  const kind = random()
  if (kind < 0.1) return 1 + Math.floor(random() * 400)
  if (kind < 0.35) return 150 + Math.floor(random() * 400)
  if (kind < 0.65) return 300 + Math.floor(random() * 4_096)
  return Math.floor(4_096 * 64 ** random())
}

function end_somehow(socket: Socket, random: () => number): void {
  const kind = random()
  if (kind < 0.4) socket.resetAndDestroy()
  else if (kind < 0.8) socket.destroy()
  else socket.end()
}
