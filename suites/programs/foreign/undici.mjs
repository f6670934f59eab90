// A WebSocket client on undici, which always offers compression.
import { ping, WebSocket } from 'undici'
import { obey } from './commands.mjs'
import { socket, socket_commands, watch } from './web_socket.mjs'

obey({
  ...socket_commands,
  connect: ({ url, protocols }) => watch(new WebSocket(url, protocols)),
  ping: () => ping(socket),
})
