import { NetError } from '@bt/ws-protocol'
import { describe_cause, type SocketEvents, shown_url } from '@bt/ws-protocol/internal'
import type { OpenedSocket } from '../client/client.js'
import type { ConnectSettings } from '../client/options.js'
import { WebSocketPort } from './web_socket_port.js'

/**
 * Starts to connect, over the WebSocket of the platform; `sink` is told how it goes.
 *
 * @throws NetError `unsupported` where there is none, or where a page may not connect there
 */
export function open_socket(settings: ConnectSettings, sink: SocketEvents): OpenedSocket {
  const { url, protocols } = settings
  try {
    const socket = new WebSocket(url, [...protocols])
    return { port: new WebSocketPort(socket, settings, sink), protocol: () => socket.protocol }
  } catch (cause) {
    // As a rule: a page that came by https: may not use ws:.
    const message = `connect: ${shown_url(url)} can't be opened from here: ${describe_cause(cause)}`
    throw new NetError('unsupported', message, { cause })
  }
}
