import type { NetError } from '@bt/ws-protocol'
import type { WsSocket } from './socket.js'

/** An error as a server's `on_error` gets it; `Data` is the type of `socket.data`. */
export type WsServerError<Data = unknown> = NetError & {
  /** The socket that it is about, if there is one. Not enumerable, so that a printed error stays readable. */
  readonly socket?: WsSocket<Data>
  /** The address of that socket, which is printed. */
  readonly addr?: string
}

/** Adds the socket on which an error happened. */
export function with_socket(error: NetError, socket: WsSocket): WsServerError {
  Object.defineProperty(error, 'socket', { value: socket, configurable: true })
  return Object.assign(error, { addr: socket.addr })
}
