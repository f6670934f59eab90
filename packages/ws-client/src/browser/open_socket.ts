import type { MessageBatch, SocketSink } from '@bt/ws-protocol'
import type { OpenedSocket } from '../client.js'
import type { ConnectSettings } from '../options.js'
import { WebSocketPort } from './web_socket_port.js'

/** Starts to connect, over the WebSocket of the platform; `sink` is told how it goes. */
export function open_socket(settings: ConnectSettings, sink: SocketSink): OpenedSocket<MessageBatch> {
  const socket = new WebSocket(settings.url, [...settings.protocols])
  return { port: new WebSocketPort(socket, settings, sink), protocol: () => socket.protocol }
}
