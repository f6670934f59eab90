// A WebSocket client and server on Bun's own WebSocket. The two differ in what they can do.
import { bytes_of, obey, say, say_closed, say_message, text_of } from './commands.mjs'
import * as client from './web_socket.mjs'

let server
let accepted

function accept(request, protocols) {
  const offered = request.headers.get('sec-websocket-protocol')?.split(/,\s*/) ?? []
  const protocol = protocols.find(name => offered.includes(name)) ?? ''
  const headers = protocol === '' ? {} : { 'Sec-WebSocket-Protocol': protocol }
  server.upgrade(request, { headers, data: { protocol } })
}

function serve(protocols, perMessageDeflate) {
  return Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: request => accept(request, protocols),
    websocket: {
      perMessageDeflate,
      open: socket => {
        accepted = socket
        say('open', { protocol: socket.data.protocol })
      },
      message: (_socket, data) => say_message(data),
      close: (_socket, code, reason) => {
        accepted = undefined
        say_closed(code, reason)
      },
    },
  })
}

obey({
  connect: ({ url, protocols }) => client.watch(new WebSocket(url, protocols)),
  listen: ({ protocols, compression }) => {
    server?.stop()
    server = serve(protocols, compression)
    say('listening', { port: server.port })
  },
  text: command => {
    if (accepted === undefined) client.socket_commands.text(command)
    else accepted.sendText(text_of(command.data), true)
  },
  binary: command => {
    if (accepted === undefined) client.socket_commands.binary(command)
    else accepted.sendBinary(bytes_of(command.data), true)
  },
  ping: () => (accepted ?? client.socket).ping(),
  close: ({ code, reason }) => (accepted ?? client.socket).close(code, text_of(reason)),
})
