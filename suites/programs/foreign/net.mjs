// A WebSocket client and server on the build of @bt/net, for Node, Bun and Deno.
import { connect, listen } from '@bt/net'
import { decode_bytes, decode_text, report, report_close, report_message, run_commands } from './commands.mjs'

/** Long enough that a connection survives when a busy machine delays a pong. */
const HEARTBEAT_MS = 3_000

let handle
let server

run_commands({
  connect: ({ url, protocols, compression, headers }) => {
    let is_open = false
    const client = connect({
      type: 'ws',
      url,
      protocols,
      headers,
      binary: true,
      ...node_options(compression),
    })
    handle = client
    client.on_open(() => {
      is_open = true
      report('open', { protocol: client.protocol })
    })
    client.on_message(report_message)
    client.on_error(({ message }) => {
      if (!is_open) report('refused', { error: message })
    })
    client.on_close(({ code, reason }) => {
      if (is_open) report_close(code, reason)
    })
  },
  listen: async ({ protocols, compression }) => {
    server?.close()
    server = listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      protocols,
      compression,
      binary: true,
      heartbeat: HEARTBEAT_MS,
      on_connect: socket => {
        handle = socket
        report('open', { protocol: socket.request.protocol })
      },
      on_message: (_socket, data) => report_message(data),
      on_close: (_socket, { code, reason }) => report_close(code, reason),
      on_error: () => {},
    })
    await server.opened
    report('listening', { port: Number(server.addr.split(':').at(-1)) })
  },
  text: ({ data }) => handle.send(decode_text(data)),
  binary: ({ data }) => handle.send(decode_bytes(data)),
  // The heartbeat sends a ping once the connection has been silent for a while.
  ping: () => {},
  close: ({ code, reason }) => handle.close(code, decode_text(reason)),
})

/** Returns the options for Node only: on Bun and Deno, `connect` uses the platform's own WebSocket. */
function node_options(compression) {
  return 'Bun' in globalThis || 'Deno' in globalThis ? {} : { compression, heartbeat: HEARTBEAT_MS }
}
