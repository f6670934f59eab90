import { type CloseInfo, listen, type WsListenOptions, type WsServer } from '@bt/net'
import { onTestFinished } from 'vitest'
import { AsyncQueue } from './async_queue.ts'

/** Starts a server that echoes messages and queues the close info of its sockets; ends it after the test. */
export function start_echo_server(options: Partial<WsListenOptions>): {
  server: WsServer
  closes: AsyncQueue<CloseInfo>
} {
  const closes = new AsyncQueue<CloseInfo>()
  const server = listen({
    type: 'ws',
    bind: '127.0.0.1:0',
    on_message: (socket, data) => {
      socket.send(data)
    },
    on_close: (_socket, info) => closes.push(info),
    on_error: () => {},
    ...options,
  })
  onTestFinished(() => close_at_once(server))
  return { server, closes }
}

/** Closes a server without draining its sockets, and waits until it is closed. */
export async function close_at_once(server: WsServer): Promise<void> {
  server.close({ drain_ms: 0 })
  await server.closed
}
