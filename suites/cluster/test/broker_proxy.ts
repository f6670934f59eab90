import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy between one server and the broker, which can cut the connection and records its traffic. */
export class BrokerProxy {
  /** The URL that the server connects to. */
  readonly url: string
  /** The bytes that the broker has sent. */
  readonly from_broker: Buffer[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #is_cut = false

  private constructor(server: Server, broker_url: string) {
    const url = new URL(broker_url)
    this.#server = server
    this.url = `${url.protocol}//127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('connection', near => {
      const far = connect(Number(url.port), url.hostname)
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
      }
      far.on('data', bytes => this.from_broker.push(bytes))
      near.pipe(far).pipe(near)
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
      if (this.#is_cut) near.destroy()
    })
  }

  static async start(broker_url: string): Promise<BrokerProxy> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new BrokerProxy(server, broker_url)
  }

  /** Ends all connections, and any new one, until `restore` is called. */
  cut(): void {
    this.#is_cut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  restore(): void {
    this.#is_cut = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
