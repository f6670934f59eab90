import { Server as HttpServer, type ServerOptions } from 'node:http'
import type { NetworkAddress } from '@bt/ws-protocol/internal/node'
import type { MemoryStream } from './memory_stream.js'

/** The network that a {@link MemoryHttpServer} listens on. */
export interface Listening {
  /**
   * Takes an address, with a free port for port 0, and returns it. Throws an error with the code `EADDRINUSE` if it is taken.
   */
  bind(server: MemoryHttpServer, address: NetworkAddress): NetworkAddress
  unbind(server: MemoryHttpServer): void
  /** Runs `task` in a later turn of the event loop. */
  later(task: () => void): void
}

const ALL_ADDRESSES: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

type Callback = (error?: Error) => void

/** An http server that accepts the connections of a network in memory. */
export class MemoryHttpServer extends HttpServer {
  readonly #network: Listening
  readonly #streams = new Set<MemoryStream>()
  #bound: NetworkAddress | undefined
  #on_drained: (() => void)[] = []

  constructor(options: ServerOptions, network: Listening) {
    super(options)
    this.#network = network
    // Node declares this as a property, and has an accessor on its prototype.
    Object.defineProperty(this, 'listening', { get: () => this.#bound !== undefined })
  }

  /** Whether it is bound to all addresses of its machine. */
  get serves_all_addresses(): boolean {
    return this.#bound !== undefined && 'host' in this.#bound && ALL_ADDRESSES.has(this.#bound.host)
  }

  /** Accepts a connection, like that of a real network. */
  accept(stream: MemoryStream): void {
    if (this.#streams.size >= (this.maxConnections ?? Number.POSITIVE_INFINITY)) {
      const { remoteAddress, remotePort } = stream
      this.emit('drop', { remoteAddress, remotePort })
      stream.destroy()
      return
    }
    this.#streams.add(stream)
    stream.once('close', () => {
      this.#streams.delete(stream)
      this.#settle_drained()
    })
    this.emit('connection', stream)
  }

  override listen(...args: unknown[]): this {
    const [address, on_listening] = args as [NetworkAddress, () => void]
    this.#network.later(() => {
      try {
        this.#bound = this.#network.bind(this, address)
      } catch (error) {
        this.emit('error', error)
        return
      }
      this.emit('listening')
      on_listening()
    })
    return this
  }

  override address(): ReturnType<HttpServer['address']> {
    const bound = this.#bound
    if (bound === undefined) return null
    if ('path' in bound) return bound.path
    return { address: bound.host, port: bound.port, family: bound.host.includes(':') ? 'IPv6' : 'IPv4' }
  }

  override getConnections(callback: (error: Error | null, count: number) => void): this {
    callback(null, this.#streams.size)
    return this
  }

  override close(callback?: Callback): this {
    this.#network.unbind(this)
    this.#bound = undefined
    // Node ends its idle connections; it has no handle to close.
    super.close()
    if (callback !== undefined) this.#on_drained.push(callback)
    this.#network.later(() => this.#settle_drained())
    return this
  }

  #settle_drained(): void {
    if (this.#bound !== undefined || this.#streams.size > 0) return
    for (const done of this.#on_drained.splice(0)) done()
  }
}
