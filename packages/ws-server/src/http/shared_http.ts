import type { Server as HttpServer } from 'node:http'
import { mount, type Unmount } from './dispatcher.js'
import type { HandshakeTarget } from './handshake_target.js'
import type { HttpHost } from './http_host.js'
import type { HttpServerLike } from './http_server_like.js'

/**
 * An http server that the user owns. The user makes it listen, answers its other requests and closes it. We
 * do not listen for its errors, because that would hide them from the user.
 */
export class SharedHttp implements HttpHost {
  readonly http: HttpServer
  #on_listening: () => void = () => {}

  constructor(server: HttpServerLike) {
    // We use only the members of HttpServerLike.
    this.http = server as HttpServerLike & HttpServer
  }

  serve(target: HandshakeTarget): Unmount {
    return mount(this.http, target)
  }

  release(): void {}

  destroy_clients(): void {}

  open(): Promise<undefined> {
    return new Promise(resolve => {
      this.#on_listening = () => {
        this.http.off('listening', this.#on_listening)
        resolve(undefined)
      }
      if (this.http.listening) this.#on_listening()
      else this.http.on('listening', this.#on_listening)
    })
  }

  /** Stops waiting for the server to listen, and leaves it running. */
  async close(connections_closed: Promise<void>): Promise<void> {
    this.#on_listening()
    await connections_closed
  }
}
