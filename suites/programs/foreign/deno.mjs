// A WebSocket client and server on Deno's own WebSocket.
import { report, run_commands } from './commands.mjs'
import { attach, socket_commands } from './web_socket.mjs'

let server

function accept(request, protocols) {
  const offered = request.headers.get('sec-websocket-protocol')?.split(/,\s*/) ?? []
  const protocol = protocols.find(name => offered.includes(name))
  const { socket, response } = Deno.upgradeWebSocket(request, { protocol, idleTimeout: 0 })
  attach(socket)
  return response
}

run_commands({
  ...socket_commands,
  connect: ({ url, protocols }) => attach(new WebSocket(url, protocols)),
  listen: ({ protocols }) => {
    server?.shutdown()
    const onListen = ({ port }) => report('listening', { port })
    server = Deno.serve({ hostname: '127.0.0.1', port: 0, onListen }, request => accept(request, protocols))
  },
})
