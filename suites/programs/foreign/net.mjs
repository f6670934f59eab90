// A WebSocket client and server on @bt/net as it was built, for whichever program runs it.
import { connect, listen } from '@bt/net'
import { bytes_of, obey, say, say_closed, say_message, text_of } from './commands.mjs'

/** Half of the silence that a busy machine may cause without an end to it. */
const HEARTBEAT_MS = 3_000

let handle
let server

obey({
  connect: ({ url, protocols, compression }) => {
    let is_open = false
    const client = connect({ type: 'ws', url, protocols, binary: true, ...node_options(compression) })
    handle = client
    client.on_open(() => {
      is_open = true
      say('open', { protocol: client.protocol })
    })
    client.on_message(say_message)
    client.on_error(error => {
      if (!is_open) say('refused', { said: error.message })
    })
    client.on_close(({ code, reason }) => {
      if (is_open) say_closed(code, reason)
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
        say('open', { protocol: socket.request.protocol })
      },
      on_message: (_socket, data) => say_message(data),
      on_close: (_socket, { code, reason }) => say_closed(code, reason),
      on_error: () => {},
    })
    await server.opened
    say('listening', { port: Number(server.addr.split(':').at(-1)) })
  },
  text: ({ data }) => handle.send(text_of(data)),
  binary: ({ data }) => handle.send(bytes_of(data)),
  // It comes by itself, after a while of silence.
  ping: () => {},
  close: ({ code, reason }) => handle.close(code, text_of(reason)),
})

/** What a browser's WebSocket can't do, nor that of Bun and Deno. */
function node_options(compression) {
  return 'Bun' in globalThis || 'Deno' in globalThis ? {} : { compression, heartbeat: HEARTBEAT_MS }
}
