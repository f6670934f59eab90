import type { Server as HttpServer } from 'node:http'
import type { NetError } from '@bt/ws-protocol'
import { format_address } from '../handshake/client_address.js'
import type { ClientStream } from '../handshake/client_stream.js'
import type { Unmount } from './dispatcher.js'
import type { OwnHttpTarget } from './handshake_target.js'

/** The http server that handshakes come through: our own, or one that is shared. */
export interface HttpHost {
  /** The server itself. */
  readonly http: HttpServer
  /** Sends handshakes to a target, and on our own server everything else, to be refused; returns a function that stops this. */
  serve(target: OwnHttpTarget): Unmount
  /** Forgets a stream that has become a WebSocket, whose end is seen to elsewhere. */
  let_go(stream: ClientStream): void
  /** Settles when it listens, with what kept it from that if anything did. Never rejects. */
  open(): Promise<NetError | undefined>
  /** Takes no connections any more, where it is our own; settles when all of ours have ended. */
  close(connections_closed: Promise<void>): Promise<void>
}

/** Where an http server listens, as `addr` shows it: empty where it does not. */
export function shown_address(http: HttpServer): string {
  const address = http.address()
  if (typeof address === 'object')
    return address === null ? '' : format_address(address.address, address.port)
  return `unix:${address}`
}

/** The same for a Unix socket; `undefined` if it listens on none. */
export function shown_unix_path(http: HttpServer): string | undefined {
  return typeof http.address() === 'string' ? shown_address(http) : undefined
}
