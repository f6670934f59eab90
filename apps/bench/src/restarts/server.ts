// The server of a restart: accepts clients, and notes when.
import { type CloseOptions, listen, type WsServer } from '@bt/net'
import { handle_commands, now_us } from '../process/commands.js'

const opened_us: number[] = []
let server: WsServer | undefined

handle_commands({
  listen: async ({ port }: { port: number }) => {
    server = listen({
      type: 'ws',
      bind: `127.0.0.1:${port}`,
      on_connect: () => void opened_us.push(now_us()),
    })
    await server.opened
    return Number(server.addr.split(':')[1])
  },
  close: async (options: CloseOptions) => {
    server?.close(options)
    await server?.closed
  },
  opened: () => opened_us,
})
