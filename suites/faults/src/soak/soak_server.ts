// The server of the soak: checks what comes, sends by itself, closes some, and tells how each connection went.
import { readdirSync } from 'node:fs'
import { listen, type WsSocket } from '@bt/net'
import { keep_rate, type ServerLife, type ServerOrder, type ServerWord, seeded_random } from './life.js'

const [seed = 1, per_second = 2_500] = process.argv.slice(2).map(Number)
const random = seeded_random(seed)
const lives = new Map<WsSocket, ServerLife>()
/** The same, to draw from. */
let sockets: WsSocket[] = []
const errors: Record<string, number> = {}
let next_life = 0

const say = (word: ServerWord): void => void process.send?.(word)

const server = listen({
  type: 'ws',
  bind: '127.0.0.1:0',
  heartbeat: 2_000,
  close_timeout: 2_000,
  max_queue: 1_048_576,
  max_total_queue: 33_554_432,
  on_connect: socket => {
    const life: ServerLife = {
      life: next_life,
      client: Number(socket.request.query.get('client')),
      first: -1,
      last: -1,
      taken: 0,
      refused: 0,
      out_of_order: 0,
      is_closed_here: false,
      info: undefined,
    }
    next_life += 1
    lives.set(socket, life)
    sockets.push(socket)
    socket.send(`life ${life.life}`)
  },
  on_message: (socket, data) => {
    const life = lives.get(socket) as ServerLife
    const number = Number.parseInt(data, 10)
    if (life.first === -1) life.first = number
    else if (number !== life.last + 1) life.out_of_order += 1
    life.last = number
    // Now and then a handler takes its time.
    return random() < 0.01 ? new Promise<void>(resolve => setTimeout(resolve, random() * 20)) : undefined
  },
  on_close: (socket, info) => {
    const life = lives.get(socket) as ServerLife
    lives.delete(socket)
    life.info = info
    say({ word: 'life', life })
  },
  on_error: ({ code }) => {
    errors[code] = (errors[code] ?? 0) + 1
  },
})

function send(socket: WsSocket, size: number): boolean {
  const life = lives.get(socket)
  if (life === undefined || life.is_closed_here) return false
  if (socket.send(`${life.taken} `.padEnd(size, 'x')) === true) {
    life.taken += 1
    return true
  }
  life.refused += 1
  return false
}

function any_socket(): WsSocket | undefined {
  if (sockets.length > 2 * lives.size) sockets = [...lives.keys()]
  return sockets[Math.floor(random() * sockets.length)]
}

let stops: (() => void)[] = []

// Whoever has started it has ended.
process.on('disconnect', () => process.exit())
process.on('message', (order: ServerOrder) => {
  switch (order) {
    case 'start':
      stops = [
        keep_rate(per_second, () => {
          const socket = any_socket()
          if (socket !== undefined) send(socket, 100 + Math.floor(random() * 200))
        }),
        // A burst, which fills the queue of whoever does not read.
        keep_rate(0.5, () => {
          const socket = any_socket()
          for (let index = 0; index < 400 && socket !== undefined && send(socket, 16_384); index += 1);
        }),
        keep_rate(5, () => {
          const socket = any_socket()
          const life = socket && lives.get(socket)
          if (socket === undefined || life === undefined) return
          life.is_closed_here = true
          socket.close(4_000, 'come back')
        }),
      ]
      return
    case 'stop':
      for (const stop of stops.splice(0)) stop()
      return
    case 'measure':
      if (lives.size === 0) sockets = []
      globalThis.gc?.()
      say({
        word: 'figures',
        connections: lives.size,
        heap_bytes: process.memoryUsage().heapUsed,
        rss_bytes: process.memoryUsage().rss,
        descriptors: readdirSync('/proc/self/fd').length,
        shed: server.stats().shed,
        errors,
      })
  }
})
await server.opened
say({ word: 'listening', addr: server.addr })
