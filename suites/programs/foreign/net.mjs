// A WebSocket client and server on @bt/net as it was built, for whichever program runs it.
import { connect, listen } from '@bt/net'
import { bytes_of, obey, say, say_closed, say_message, text_of } from './commands.mjs'

let handle
let server

obey({
  connect: ({ url, protocols, compression }) => {
    let is_open = false
    const client = connect({
      type: 'ws',
      url,
      protocols,
      binary: true,
      ...(compression ? { compression } : {}),
    })
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
  close: ({ code, reason }) => handle.close(code, text_of(reason)),
})
