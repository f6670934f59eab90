// The server of the soak: checks the messages that arrive, sends messages of its own, closes some
// connections, and reports a record of each connection that has ended.
import { readdirSync } from 'node:fs'
import { listen, type WsSocket } from '@bt/net'
import { keep_rate } from './keep_rate.js'
import { seeded_random } from './seeded_random.js'
import type { ConnectionRecord, ServerCommand, ServerEvent } from './server_messages.js'

const [seed = 1, per_second = 2_500] = process.argv.slice(2).map(Number)
const random = seeded_random(seed)
const connections = new Map<WsSocket, ConnectionRecord>()
/** The sockets of `connections`, and some that have closed: an array, so that one can be picked at random. */
let sockets: WsSocket[] = []
const errors: Record<string, number> = {}
let next_id = 0

const report = (event: ServerEvent): void => void process.send?.(event)

const server = listen({
  type: 'ws',
  bind: '127.0.0.1:0',
  heartbeat: 2_000,
  close_timeout: 2_000,
  max_queue: 1_048_576,
  max_total_queue: 33_554_432,
  on_connect: socket => {
    const connection: ConnectionRecord = {
      id: next_id,
      client: Number(socket.request.query.get('client')),
      first: -1,
      last: -1,
      accepted: 0,
      rejected: 0,
      out_of_order: 0,
      is_closed_by_server: false,
      info: undefined,
    }
    next_id += 1
    connections.set(socket, connection)
    sockets.push(socket)
    socket.send(`connection ${connection.id}`)
  },
  on_message: (socket, data) => {
    const connection = connections.get(socket) as ConnectionRecord
    const number = Number.parseInt(data, 10)
    if (connection.first === -1) connection.first = number
    else if (number !== connection.last + 1) connection.out_of_order += 1
    connection.last = number
    // One in a hundred callbacks is slow.
    return random() < 0.01 ? new Promise<void>(resolve => setTimeout(resolve, random() * 20)) : undefined
  },
  on_close: (socket, info) => {
    const connection = connections.get(socket) as ConnectionRecord
    connections.delete(socket)
    connection.info = info
    report({ event: 'closed', connection })
  },
  on_error: ({ code }) => {
    errors[code] = (errors[code] ?? 0) + 1
  },
})

function send(socket: WsSocket, size: number): boolean {
  const connection = connections.get(socket)
  if (connection === undefined || connection.is_closed_by_server) return false
  if (socket.send(`${connection.accepted} `.padEnd(size, 'x')) === true) {
    connection.accepted += 1
    return true
  }
  connection.rejected += 1
  return false
}

function random_socket(): WsSocket | undefined {
  if (sockets.length > 2 * connections.size) sockets = [...connections.keys()]
  return sockets[Math.floor(random() * sockets.length)]
}

let stops: (() => void)[] = []

// The process ends with the soak that started it.
process.on('disconnect', () => process.exit())
process.on('message', (command: ServerCommand) => {
  switch (command) {
    case 'start':
      stops = [
        keep_rate(per_second, () => {
          const socket = random_socket()
          if (socket !== undefined) send(socket, 100 + Math.floor(random() * 200))
        }),
        // A burst fills the queue of a client that does not read.
        keep_rate(0.5, () => {
          const socket = random_socket()
          for (let index = 0; index < 400 && socket !== undefined && send(socket, 16_384); index += 1);
        }),
        keep_rate(5, () => {
          const socket = random_socket()
          const connection = socket && connections.get(socket)
          if (socket === undefined || connection === undefined) return
          connection.is_closed_by_server = true
          socket.close(4_000, 'come back')
        }),
      ]
      return
    case 'stop':
      for (const stop of stops.splice(0)) stop()
      return
    case 'measure':
      if (connections.size === 0) sockets = []
      globalThis.gc?.()
      report({
        event: 'figures',
        connections: connections.size,
        heap_bytes: process.memoryUsage().heapUsed,
        rss_bytes: process.memoryUsage().rss,
        descriptors: readdirSync('/proc/self/fd').length,
        shed: server.stats().shed,
        errors,
      })
  }
})
await server.opened
report({ event: 'listening', addr: server.addr })
