import type { CloseInfo } from '@bt/ws-protocol'
import type { WsServerError } from './server_error.js'
import type { WsSocket } from './socket.js'

/** The user's callbacks for the sockets of a server, as the options of these names. */
export interface SocketCallbacks {
  readonly on_connect?: ((socket: WsSocket) => unknown) | undefined
  readonly on_message?: ((socket: WsSocket, data: string | Uint8Array) => unknown) | undefined
  readonly on_close?: ((socket: WsSocket, info: CloseInfo) => unknown) | undefined
  readonly on_away?: ((socket: WsSocket) => unknown) | undefined
  readonly on_back?: ((socket: WsSocket) => unknown) | undefined
  readonly on_error?: ((err: WsServerError) => unknown) | undefined
}
