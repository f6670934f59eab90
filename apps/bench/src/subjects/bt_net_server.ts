import type { listen as Listen, WsServer, WsSocket } from '@bt/net'
import { give_up } from '../process/commands.js'
import { ERRORS, JOINS } from '../wire/floods.js'
import {
  type ListenSettings,
  MAX_CONNECTIONS,
  MAX_MESSAGE_BYTES,
  MAX_QUEUE_BYTES,
  repeated,
  run_server,
} from './server_subject.js'

// The first argument names another build to measure.
const { listen } = (await import(process.argv[2] ?? '@bt/net')) as { listen: typeof Listen }

const BIND = '127.0.0.1:0'

let server: WsServer | undefined

run_server({
  listen: async settings => {
    server = start(settings)
    await server.opened
    return Number(server.addr.split(':')[1])
  },
  prepare: (payload, { kind }, burst) => {
    const data = kind === 'text' ? payload.toString() : payload
    return repeated(burst, () => server?.broadcast(data))
  },
})

function start({ is_binary, is_compressing, is_flooded, tls }: ListenSettings): WsServer {
  // Without `on_error`, errors become warnings.
  if (is_flooded) return listen({ type: 'ws', bind: BIND, on_message: answer_flood })
  const options = {
    type: 'ws',
    bind: BIND,
    max_payload: MAX_MESSAGE_BYTES,
    max_queue: MAX_QUEUE_BYTES,
    max_connections: MAX_CONNECTIONS,
    compression: is_compressing,
    tls,
    on_error: give_up,
  } as const
  const echo = (socket: WsSocket, data: string | Uint8Array): void => {
    const sent = socket.send(data)
    if (sent !== true) give_up(sent)
  }
  return is_binary
    ? listen({ ...options, binary: true, on_message: echo })
    : listen({ ...options, on_message: echo })
}

function answer_flood(socket: WsSocket, text: string): void | Promise<void> {
  if (text === ERRORS.payload) throw new Error('a callback throws')
  if (text === JOINS.payload) return join_and_publish(socket, text)
  socket.send(text)
}

async function join_and_publish(socket: WsSocket, topic: string): Promise<void> {
  await socket.join(topic)
  server?.publish(topic, topic, { except: socket })
}
