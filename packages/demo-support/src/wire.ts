import { createServer, connect as open_socket, type Server, type Socket } from 'node:net'
import { type Address, address_text, listening } from './address.js'

/** How long a wire that fails is silent before it breaks. What is sent meanwhile is lost, as in a real network. */
const SILENT_MS = 300

/** A wire that can be cut: a TCP relay that forwards bytes both ways without parsing them. */
export class Wire {
  readonly #server: Server
  readonly #bind: Address
  readonly #target: Address
  readonly #links = new Set<Link>()
  /** The same links, by the local address of the outgoing side. */
  readonly #by_addr = new Map<string, Link>()

  /** Relays connections to `bind` on to `target`. */
  constructor(bind: Address, target: Address) {
    this.#bind = bind
    this.#target = target
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, near => this.#lead(near))
  }

  /**
   * Starts to listen, and resolves to the address.
   *
   * @throws Error that names the address, and says what to do
   */
  listen(): Promise<Address> {
    return listening(this.#server, this.#bind)
  }

  /**
   * Lets the connection whose outgoing side has the local address `addr` fail as networks do: for a moment nothing
   * comes through any more, then both sides are destroyed.
   */
  cut(addr: string): void {
    this.#by_addr.get(addr)?.fail()
  }

  /** Lets all connections fail, like {@link Wire.cut}. */
  cut_all(): void {
    for (const link of this.#links) link.fail()
  }

  /** Accepts no more connections. Existing ones end when their peers do. */
  close(): void {
    this.#server.close()
  }

  /**
   * Destroys all remaining connections at once: a peer that reads nothing would otherwise keep its connection open for
   * ever.
   */
  destroy_all(): void {
    for (const link of this.#links) link.destroy()
  }

  #lead(near: Socket): void {
    const far = open_socket({ ...this.#target, allowHalfOpen: true, noDelay: true })
    const link = new Link(near, far)
    this.#links.add(link)
    near.once('close', () => this.#links.delete(link))
    far.once('connect', () => {
      const addr = address_text({ host: far.localAddress ?? '', port: far.localPort ?? 0 })
      this.#by_addr.set(addr, link)
      far.once('close', () => this.#by_addr.delete(addr))
    })
  }
}

/** One connection over a {@link Wire}, with both of its sides. */
class Link {
  readonly #near: Socket
  readonly #far: Socket

  constructor(near: Socket, far: Socket) {
    this.#near = near
    this.#far = far
    // If one side fails, the other is destroyed too, which is all that a wire can pass on.
    near.on('error', () => this.destroy())
    far.on('error', () => this.destroy())
    // The program must not wait for a peer that never closes its half.
    far.once('close', () => near.destroySoon())
    near.pipe(far).pipe(near)
  }

  /** Passes nothing on any more, and is destroyed a moment later. */
  fail(): void {
    this.#near.unpipe(this.#far)
    this.#far.unpipe(this.#near)
    setTimeout(() => this.destroy(), SILENT_MS)
  }

  destroy(): void {
    this.#near.destroy()
    this.#far.destroy()
  }
}
