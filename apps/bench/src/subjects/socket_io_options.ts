import type { ServerOptions } from 'socket.io'
import { MAX_MESSAGE_BYTES } from './server_subject.js'

/** The load does not answer pings, so none must be sent while it runs. */
const NO_PING_MS = 2 ** 30

/** Only WebSocket without polling, and no compression, which is the default. */
export const SOCKET_IO_OPTIONS: Partial<ServerOptions> = {
  transports: ['websocket'],
  pingInterval: NO_PING_MS,
  maxHttpBufferSize: MAX_MESSAGE_BYTES,
  serveClient: false,
}
