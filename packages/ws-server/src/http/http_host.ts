import type { Server as HttpServer } from 'node:http'
import type { NetError } from '@bt/ws-protocol'
import { format_address } from '../handshake/client_address.js'
import type { ClientStream } from '../handshake/client_stream.js'
import type { Unmount } from './dispatcher.js'
import type { OwnHttpTarget } from './handshake_target.js'

/** The http server that receives the handshakes: our own, or a shared one. */
export interface HttpHost {
  readonly http: HttpServer
  /**
   * Routes handshakes to a target, which on our own server also refuses all other requests. Returns a
   * function that stops this.
   */
  serve(target: OwnHttpTarget): Unmount
  /** Stops tracking a stream that has become a WebSocket. */
  release(stream: ClientStream): void
  /** Resolves when the server listens, or with the error that prevented it. Never rejects. */
  open(): Promise<NetError | undefined>
  /** Destroys the connections of our own server that have not become WebSockets. */
  destroy_clients(): void
  /** Stops accepting connections on our own server, and resolves when all of ours have ended. */
  close(connections_closed: Promise<void>): Promise<void>
}

/**
 * Formats the address that an http server listens on, as `addr` shows it. Returns `''` if it does not listen.
 */
export function format_server_address(http: HttpServer): string {
  const address = http.address()
  if (typeof address === 'object')
    return address === null ? '' : format_address(address.address, address.port)
  return `unix:${address}`
}

/**
 * Formats the path of the Unix socket that an http server listens on. Returns `undefined` if it listens on
 * none.
 */
export function format_unix_path(http: HttpServer): string | undefined {
  return typeof http.address() === 'string' ? format_server_address(http) : undefined
}
