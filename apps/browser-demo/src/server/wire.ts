import { createServer, connect as open_socket, type Server, type Socket } from 'node:net'
import { type Address, address_text, listening } from './address.js'

/** A wire that can be cut: a TCP relay that forwards bytes both ways without parsing them. */
export class Wire {
  readonly #server: Server
  readonly #bind: Address
  readonly #target: Address
  /** The functions that cut connections, by the local address of the outgoing side. */
  readonly #all_cuts = new Set<() => void>()
  readonly #cuts = new Map<string, () => void>()

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

  /** Destroys both sides of the connection whose outgoing side has the local address `addr`. */
  cut(addr: string): void {
    this.#cuts.get(addr)?.()
  }

  /** Accepts no more connections. Existing ones end when their peers do. */
  close(): void {
    this.#server.close()
  }

  /**
   * Cuts all remaining connections: a peer that reads nothing would otherwise keep its connection open for
   * ever.
   */
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
    // If one side fails, the other is destroyed too, which is all that a wire can pass on.
    near.on('error', cut)
    far.on('error', cut)
    far.once('connect', () => {
      const addr = address_text({ host: far.localAddress ?? '', port: far.localPort ?? 0 })
      this.#cuts.set(addr, cut)
      far.once('close', () => this.#cuts.delete(addr))
    })
    // The program must not wait for a peer that never closes its half.
    far.once('close', () => near.destroySoon())
    near.pipe(far).pipe(near)
  }
}
