import { createServer, connect as open_socket, type Server, type Socket } from 'node:net'
import { type Address, address_text, listening } from './address.js'

/** A wire that can be cut: a TCP relay that carries bytes both ways and understands none of them. */
export class Wire {
  readonly #server: Server
  readonly #bind: Address
  readonly #target: Address
  /** How each connection is cut: all of them, and by the address at which they come out. */
  readonly #all_cuts = new Set<() => void>()
  readonly #cuts = new Map<string, () => void>()

  /** Leads from `bind` to `target`. */
  constructor(bind: Address, target: Address) {
    this.#bind = bind
    this.#target = target
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, near => this.#lead(near))
  }

  /**
   * Starts to listen, and settles with the address.
   *
   * @throws Error that names the address, and says what to do
   */
  listen(): Promise<Address> {
    return listening(this.#server, this.#bind)
  }

  /** Ends at once, both ways and without a word, the connection that comes out of the wire at `addr`. */
  cut(addr: string): void {
    this.#cuts.get(addr)?.()
  }

  /** Takes no more connections. Those that there are end by themselves, when their ends do. */
  close(): void {
    this.#server.close()
  }

  /** Cuts all connections that are left: those whose near end reads nothing, which would never end, though their far end has let go. */
  cut_all(): void {
    for (const cut of this.#all_cuts) cut()
  }

  #lead(near: Socket): void {
    const far = open_socket({ ...this.#target, allowHalfOpen: true, noDelay: true })
    const cut = (): void => {
      near.destroy()
      far.destroy()
    }
    this.#all_cuts.add(cut)
    near.once('close', () => this.#all_cuts.delete(cut))
    // One end that breaks breaks the other: that is all that a wire can tell of it.
    near.on('error', cut)
    far.on('error', cut)
    far.once('connect', () => {
      const addr = address_text({ host: far.localAddress ?? '', port: far.localPort ?? 0 })
      this.#cuts.set(addr, cut)
      far.once('close', () => this.#cuts.delete(addr))
    })
    // The program must not wait for a near end that never closes its half.
    far.once('close', () => near.destroySoon())
    near.pipe(far).pipe(near)
  }
}
