import type { listen as Listen, WsServer } from '@bt/net'
import { give_up } from './give_up.js'
import { MAX_CONNECTIONS, MAX_MESSAGE_BYTES, MAX_WAITING_BYTES, repeated, serve } from './server_subject.js'

// The first argument names another build to measure.
const { listen } = (await import(process.argv[2] ?? '@bt/net')) as { listen: typeof Listen }

let server: WsServer | undefined

serve({
  listen: async ({ is_binary, is_compressing }) => {
    const options = {
      type: 'ws',
      bind: '127.0.0.1:0',
      max_payload: MAX_MESSAGE_BYTES,
      max_queue: MAX_WAITING_BYTES,
      max_connections: MAX_CONNECTIONS,
      compression: is_compressing,
      on_error: give_up,
    } as const
    const started = is_binary
      ? listen({
          ...options,
          binary: true,
          on_message: (socket, data) => {
            const sent = socket.send(data)
            if (sent !== true) give_up(sent)
          },
        })
      : listen({
          ...options,
          on_message: (socket, data) => {
            const sent = socket.send(data)
            if (sent !== true) give_up(sent)
          },
        })
    await started.opened
    server = started
    return Number(started.addr.split(':')[1])
  },
  prepare: (payload, { kind }, burst) => {
    const data = kind === 'text' ? payload.toString() : payload
    return repeated(burst, () => server?.broadcast(data))
  },
})
