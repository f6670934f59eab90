import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { running, type Stoppable } from './running.js'

/** Stands between a broker and one that connects to it, hands everything on, and keeps what the broker says. */
export class Tap implements Stoppable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #heard: Buffer[] = []

  private constructor(broker_port: number) {
    this.#server = createServer({ noDelay: true }, client => {
      const broker = connect({ port: broker_port, host: '127.0.0.1', noDelay: true })
      broker.on('data', bytes => this.#heard.push(bytes))
      for (const [from, to] of [
        [client, broker],
        [broker, client],
      ] as const) {
        this.#sockets.add(from)
        from.on('error', () => to.destroy()).pipe(to)
      }
    })
  }

  /** Listens on a free port of 127.0.0.1. */
  static async open(broker_port: number): Promise<Tap> {
    const tap = new Tap(broker_port)
    tap.#server.listen(0, '127.0.0.1')
    await once(tap.#server, 'listening')
    running.add(tap)
    return tap
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** What the broker has said since this was asked last. */
  take(): Buffer {
    return Buffer.concat(this.#heard.splice(0))
  }

  async stop(): Promise<void> {
    running.delete(this)
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
