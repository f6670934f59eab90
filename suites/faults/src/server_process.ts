// A server in a process of its own: `node server_process.js OPTIONS`, with a JSON of numbers and strings; all else goes over the channel of `fork`.
import { readdirSync } from 'node:fs'
import * as net from '@bt/net'
import { jump_clock } from './jumping_clock.js'
import { type ServerOrder, tell } from './process_words.js'

const { holds_messages = false, ...options } = JSON.parse(process.argv[2] ?? '{}')
const QUESTION = 'is anybody there?'

const server = net.listen({
  type: 'ws',
  bind: '127.0.0.1:0',
  ...options,
  on_connect: (socket: net.WsSocket) => tell({ event: 'open', id: socket.id }),
  on_message: (socket: net.WsSocket, data: string) => {
    // A callback that is never done.
    if (holds_messages && data !== QUESTION) return new Promise(() => {})
    tell({ event: 'message', id: socket.id, data })
    return socket.send(data)
  },
  on_close: (socket: net.WsSocket, info: net.CloseInfo) => tell({ event: 'close', id: socket.id, info }),
  on_error: (error: net.NetError) => tell({ event: 'error', code: error.code, message: error.message }),
})

// A test that has ended leaves nobody behind.
process.on('disconnect', () => process.exit())
process.on('message', (order: ServerOrder) => {
  switch (order.do) {
    case 'send': {
      let full = 0
      for (const socket of server.sockets)
        for (let index = 0; index < order.count; index += 1)
          if (socket.send(`${index} `.padEnd(order.size, 'x')) !== true) full += 1
      return tell({ event: 'sent', full, queued: server.stats().queued_bytes })
    }
    case 'measure':
      globalThis.gc?.()
      return tell({
        event: 'measured',
        heap_bytes: process.memoryUsage().heapUsed,
        rss_bytes: process.memoryUsage().rss,
        descriptors: readdirSync('/proc/self/fd').length,
        stats: server.stats(),
      })
    case 'jump_clock':
      return jump_clock(order.every_ms)
  }
})

await server.opened
tell({ event: 'listening', addr: server.addr })
