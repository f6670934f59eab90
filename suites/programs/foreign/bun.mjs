// A WebSocket client and server on Bun's own WebSocket. Their sockets have different interfaces.
import { decode_bytes, decode_text, report, report_close, report_message, run_commands } from './commands.mjs'
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
        report('open', { protocol: socket.data.protocol })
      },
      message: (_socket, data) => report_message(data),
      close: (_socket, code, reason) => {
        accepted = undefined
        report_close(code, reason)
      },
    },
  })
}

run_commands({
  connect: ({ url, protocols }) => client.attach(new WebSocket(url, protocols)),
  listen: ({ protocols, compression }) => {
    server?.stop()
    server = serve(protocols, compression)
    report('listening', { port: server.port })
  },
  text: command => {
    if (accepted === undefined) client.socket_commands.text(command)
    else accepted.sendText(decode_text(command.data), true)
  },
  binary: command => {
    if (accepted === undefined) client.socket_commands.binary(command)
    else accepted.sendBinary(decode_bytes(command.data), true)
  },
  ping: () => (accepted ?? client.socket).ping(),
  close: ({ code, reason }) => (accepted ?? client.socket).close(code, decode_text(reason)),
})
