// Runs a server in its own process: `node server_process.js OPTIONS`, with options as JSON. Commands and
// events go over the IPC channel.
import { readdirSync } from 'node:fs'
import * as net from '@bt/net'
import { jump_clock } from './jumping_clock.js'
import { report, type ServerCommand } from './process_messages.js'

const { holds_messages = false, ...options } = JSON.parse(process.argv[2] ?? '{}')
const PROBE = 'are you there?'

const server = net.listen({
  type: 'ws',
  bind: '127.0.0.1:0',
  ...options,
  on_connect: (socket: net.WsSocket) => report({ event: 'open', id: socket.id }),
  on_message: (socket: net.WsSocket, data: string) => {
    // The callback never settles, so that its message stays in the inbox.
    if (holds_messages && data !== PROBE) return new Promise(() => {})
    report({ event: 'message', id: socket.id, data })
    return socket.send(data)
  },
  on_close: (socket: net.WsSocket, info: net.CloseInfo) => report({ event: 'close', id: socket.id, info }),
  on_error: (error: net.NetError) => report({ event: 'error', code: error.code, message: error.message }),
})

// The process ends with the test that started it.
process.on('disconnect', () => process.exit())
process.on('message', (command: ServerCommand) => {
  switch (command.command) {
    case 'send': {
      let rejected = 0
      for (const socket of server.sockets)
        for (let index = 0; index < command.count; index += 1)
          if (socket.send(`${index} `.padEnd(command.size, 'x')) !== true) rejected += 1
      return report({ event: 'sent', rejected, queued: server.stats().queued_bytes })
    }
    case 'measure':
      globalThis.gc?.()
      return report({
        event: 'measured',
        heap_bytes: process.memoryUsage().heapUsed,
        rss_bytes: process.memoryUsage().rss,
        descriptors: readdirSync('/proc/self/fd').length,
        stats: server.stats(),
      })
    case 'jump_clock':
      return jump_clock(command.interval_ms)
  }
})

await server.opened
report({ event: 'listening', addr: server.addr })
