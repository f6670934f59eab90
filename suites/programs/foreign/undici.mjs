// A WebSocket client on undici, which always offers compression.
import { ping, WebSocket } from 'undici'
import { run_commands } from './commands.mjs'
import { attach, socket, socket_commands } from './web_socket.mjs'

run_commands({
  ...socket_commands,
  connect: ({ url, protocols }) => attach(new WebSocket(url, protocols)),
  ping: () => ping(socket),
})
