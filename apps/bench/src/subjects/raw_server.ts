import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as create_tls_server } from 'node:tls'
import { CountedEcho } from '../wire/counted_echo.js'
import { answer_to } from '../wire/handshake.js'
import { message_bytes } from '../wire/message.js'
import { serve } from './server_subject.js'

const CLOSE_BYTES = 8
const CLOSE_FIRST_BYTE = 0x88

const sockets = new Set<Socket>()
let echo: CountedEcho | undefined

serve({
  listen: async ({ tls }) => {
    const server = tls
      ? create_tls_server({ ...tls, noDelay: true }, serve_socket)
      : createServer({ noDelay: true }, serve_socket)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  expect: shape => {
    echo = new CountedEcho(shape, 'websocket')
  },
  prepare: (_, shape, burst) => {
    const message = message_bytes(shape, 'websocket', 'server')
    const messages = Buffer.concat(Array.from({ length: burst }, () => message))
    return () => {
      for (const socket of sockets) socket.write(messages)
    }
  },
})

/** Answers the handshake in words that never change, and then each message's worth of bytes with an answer's worth. */
function serve_socket(socket: Socket): void {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  // A connection that is lost is noticed by the load, which then lacks an answer.
  socket.on('error', () => {})
  socket.once('data', (request: Buffer) => {
    socket.write(answer_to(request.toString('latin1')))
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      if (is_close(chunk)) {
        socket.end()
        return
      }
      bytes = echo?.answer(socket, bytes + chunk.length) ?? 0
    })
  })
}

/** A Close frame with a code, the one thing that is understood: it comes alone, since nothing is under way any more. */
function is_close(chunk: Buffer): boolean {
  return chunk.length === CLOSE_BYTES && chunk[0] === CLOSE_FIRST_BYTE
}
