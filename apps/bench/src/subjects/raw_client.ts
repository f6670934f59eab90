import { once } from 'node:events'
import { connect } from 'node:net'
import { give_up } from '../process/commands.js'
import { request_of } from '../wire/handshake.js'
import { message_bytes, type Shape } from '../wire/message.js'
import { run_client } from './client_subject.js'

/** The maximum number of messages in one write. */
const MAX_AT_ONCE = 64

let request_bytes = 1
let answer_bytes = 1
let requests: Buffer = Buffer.alloc(0)

run_client({
  expect: (shape: Shape) => {
    const request = message_bytes(shape, 'websocket', 'client')
    request_bytes = request.length
    answer_bytes = message_bytes(shape, 'websocket', 'server').length
    requests = Buffer.concat(Array.from({ length: MAX_AT_ONCE }, () => request))
  },
  open: async (port, listener) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('error', give_up)
    socket.write(request_of(port, 'websocket'))
    await once(socket, 'data')
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      for (bytes += chunk.length; bytes >= answer_bytes; bytes -= answer_bytes) listener.on_message()
    })
    let due = 0
    const write_due_messages = (): void => {
      for (; due > 0; due -= Math.min(due, MAX_AT_ONCE))
        socket.write(requests.subarray(0, Math.min(due, MAX_AT_ONCE) * request_bytes))
    }
    return {
      send: () => {
        due += 1
        if (due === 1) queueMicrotask(write_due_messages)
      },
      close: () => socket.destroy(),
    }
  },
})
