import type { ServerOptions } from 'socket.io'
import { MAX_MESSAGE_BYTES } from './server_subject.js'

/** The load answers no pings: none come while it runs. */
const NO_PING_MS = 2 ** 30

/** Speaks WebSocket alone, never polling, and does not compress, which is its default. */
export const SOCKET_IO_OPTIONS: Partial<ServerOptions> = {
  transports: ['websocket'],
  pingInterval: NO_PING_MS,
  maxHttpBufferSize: MAX_MESSAGE_BYTES,
  serveClient: false,
}
