import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { EVENT } from '../wire/message.js'
import { MAX_MESSAGE_BYTES, repeated, serve } from './server_subject.js'

/** The load answers no pings: none come while it runs. */
const NO_PING_MS = 2 ** 30

let io: Server | undefined

serve({
  listen: async () => {
    const http_server = createServer()
    io = new Server(http_server, {
      transports: ['websocket'],
      pingInterval: NO_PING_MS,
      maxHttpBufferSize: MAX_MESSAGE_BYTES,
      serveClient: false,
    })
    io.on('connection', socket => {
      socket.on(EVENT, data => {
        socket.emit(EVENT, data)
      })
    })
    http_server.listen(0, '127.0.0.1')
    await once(http_server, 'listening')
    return (http_server.address() as AddressInfo).port
  },
  prepare: (payload, { kind }, burst) => {
    const data = kind === 'text' ? payload.toString() : payload
    return repeated(burst, () => io?.emit(EVENT, data))
  },
})
