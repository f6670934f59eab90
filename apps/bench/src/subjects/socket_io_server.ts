import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as create_https_server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { EVENT } from '../wire/message.js'
import { repeated, run_server } from './server_subject.js'
import { SOCKET_IO_OPTIONS } from './socket_io_options.js'

let io: Server | undefined

run_server({
  listen: async ({ tls }) => {
    const http_server = tls ? create_https_server(tls) : createServer()
    io = new Server(http_server, SOCKET_IO_OPTIONS)
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
