import { NetError } from '@bt/ws-protocol'
import { describe_cause, type SocketPort, shown_url } from '@bt/ws-protocol/internal'
import type { OpenedSocket } from '../client/socket_source.js'

/**
 * Starts to connect over the WebSocket of the platform, which `create` makes.
 *
 * @throws NetError `invalid_option` for a subprotocol that is no token, or is there twice; `unsupported` if the
 * platform has no WebSocket, or the page may not connect to that URL
 */
export function open_socket<Socket extends { readonly protocol?: string | null | undefined }>(
  url: string,
  create: () => Socket,
  make_port: (socket: Socket) => SocketPort,
): OpenedSocket {
  try {
    const socket = create()
    return { port: make_port(socket), protocol: () => socket.protocol ?? '' }
  } catch (cause) {
    // The URL was checked before. The browser's text, which shows the subprotocol, is left out: it may be secret.
    if ((cause as Error).name === 'SyntaxError') throw flawed_option('protocols')
    // The usual reason is that a page from https: may not use ws:.
    const message = `connect: ${shown_url(url)} can't be opened from here: ${describe_cause(cause)}`
    throw new NetError('unsupported', message, { cause })
  }
}

function flawed_option(name: string): NetError {
  return new NetError('invalid_option', `connect: the option ${name} has a flawed or doubled name`)
}
