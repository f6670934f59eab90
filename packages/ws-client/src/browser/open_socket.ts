import { NetError } from '@bt/ws-protocol'
import { describe_cause, type SocketEvents, shown_url } from '@bt/ws-protocol/internal'
import type { OpenedSocket } from '../client/client.js'
import type { ConnectSettings } from '../client/options.js'
import { WebSocketPort } from './web_socket_port.js'

/**
 * Starts to connect over the WebSocket of the platform, which `create` makes.
 *
 * @throws NetError `unsupported` if the platform has none, or the page may not connect to that URL
 */
export function open_socket(
  settings: ConnectSettings,
  events: SocketEvents,
  create: () => WebSocket,
): OpenedSocket {
  const { url } = settings
  try {
    const socket = create()
    return { port: new WebSocketPort(socket, settings, events), protocol: () => socket.protocol }
  } catch (cause) {
    // The usual reason is that a page from https: may not use ws:.
    const message = `connect: ${shown_url(url)} can't be opened from here: ${describe_cause(cause)}`
    throw new NetError('unsupported', message, { cause })
  }
}
