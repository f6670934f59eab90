import { type CloseInfo, listen, type WsListenOptions, type WsServer } from '@bt/net'
import { onTestFinished } from 'vitest'
import { Arrivals } from './arrivals.ts'

/** A server that echoes, and tells how its connections end; it is closed when the test is over. */
export function start_server(options: Partial<WsListenOptions>): {
  server: WsServer
  closes: Arrivals<CloseInfo>
} {
  const closes = new Arrivals<CloseInfo>()
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
  onTestFinished(() => end(server))
  return { server, closes }
}

/** Closes it at once, and waits until it has. */
export async function end(server: WsServer): Promise<void> {
  server.close({ drain_ms: 0 })
  await server.closed
}
