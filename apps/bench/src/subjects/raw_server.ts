import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { answer_to } from '../wire/handshake.js'
import { message_bytes, type Shape } from '../wire/message.js'
import { serve } from './server_subject.js'

/** The most answers that one write holds: more come in several. */
const MOST_AT_ONCE_BYTES = 64 * 1024

const CLOSE_BYTES = 8
const CLOSE_FIRST_BYTE = 0x88

const sockets = new Set<Socket>()
let request_bytes = 1
let answer_bytes = 1
let answers: Buffer = Buffer.alloc(0)

serve({
  listen: async () => {
    const server = createServer({ noDelay: true }, serve_socket)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  expect: expect_shape,
  prepare: (_, shape, burst) => {
    const messages = repeated_message(shape, burst)
    return () => {
      for (const socket of sockets) socket.write(messages)
    }
  },
})

/** Bytes are counted and not looked at, so what they will be has to be known. */
function expect_shape(shape: Shape): void {
  const answer = message_bytes(shape, 'websocket', 'server')
  request_bytes = message_bytes(shape, 'websocket', 'client').length
  answer_bytes = answer.length
  const most = Math.max(1, Math.floor(MOST_AT_ONCE_BYTES / answer.length))
  answers = repeated_message(shape, most)
}

function repeated_message(shape: Shape, count: number): Buffer {
  const message = message_bytes(shape, 'websocket', 'server')
  return Buffer.concat(Array.from({ length: count }, () => message))
}

/** Answers the handshake in words that never change, and then each message's worth of bytes with an answer's worth. */
function serve_socket(socket: Socket): void {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  socket.on('error', () => {})
  socket.once('data', (request: Buffer) => {
    socket.write(answer_to(request.toString('latin1')))
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      if (is_close(chunk)) {
        socket.end()
        return
      }
      bytes += chunk.length
      let due = Math.floor(bytes / request_bytes)
      bytes -= due * request_bytes
      while (due > 0) {
        const at_once = Math.min(due, answers.length / answer_bytes)
        socket.write(answers.subarray(0, at_once * answer_bytes))
        due -= at_once
      }
    })
  })
}

/** A Close frame with a code, the one thing that is understood: it comes alone, since nothing is under way any more. */
function is_close(chunk: Buffer): boolean {
  return chunk.length === CLOSE_BYTES && chunk[0] === CLOSE_FIRST_BYTE
}
