import type { Server as HttpServer } from 'node:http'
import { mount, type Unmount } from './dispatcher.js'
import type { HandshakeTarget } from './handshake_target.js'
import type { HttpHost } from './http_host.js'
import type { HttpServerLike } from './http_server_like.js'

/**
 * An http server that is somebody else's. Whether it listens, what else it answers and when it closes is its owner's to see to: its errors are
 * not listened for, since that would hide them from whoever counts on them.
 */
export class SharedHttp implements HttpHost {
  readonly http: HttpServer
  #listens: () => void = () => {}

  constructor(server: HttpServerLike) {
    // What is used of it is what the type asks for.
    this.http = server as HttpServerLike & HttpServer
  }

  serve(target: HandshakeTarget): Unmount {
    return mount(this.http, target)
  }

  /** Nothing is kept of it here. */
  let_go(): void {}

  open(): Promise<undefined> {
    return new Promise(resolve => {
      this.#listens = () => {
        this.http.off('listening', this.#listens)
        resolve(undefined)
      }
      if (this.http.listening) this.#listens()
      else this.http.on('listening', this.#listens)
    })
  }

  /** Waits no longer for it to listen; it goes on. */
  async close(connections_closed: Promise<void>): Promise<void> {
    this.#listens()
    await connections_closed
  }
}
