import { give_up } from '../process/commands.js'
import { MAX_MESSAGE_BYTES, MAX_QUEUE_BYTES, repeated, run_server } from './server_subject.js'

/** The part of Bun, which runs this file, that is used here. */
declare const Bun: { serve(options: object): BunServer }

interface BunServer {
  readonly port: number
  upgrade(request: unknown): boolean
  publish(topic: string, data: string | Uint8Array): number
}

interface BunSocket {
  send(data: string | Uint8Array): number
  subscribe(topic: string): void
}

const TOPIC = 'all'
/** The result of Bun's `send` if it has dropped the message. */
const DROPPED = 0

let server: BunServer | undefined

run_server({
  listen: async ({ is_flooded, tls }) => {
    server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      tls,
      fetch: (request: unknown, self: BunServer) =>
        self.upgrade(request) ? undefined : new Response(null, { status: 400 }),
      websocket: {
        maxPayloadLength: MAX_MESSAGE_BYTES,
        backpressureLimit: MAX_QUEUE_BYTES,
        perMessageDeflate: false,
        open: (socket: BunSocket) => socket.subscribe(TOPIC),
        message: (socket: BunSocket, data: string | Uint8Array) => {
          if (socket.send(data) === DROPPED && !is_flooded) give_up('Bun dropped a message')
        },
      },
    })
    return server.port
  },
  prepare: (payload, { kind }, burst) => {
    const data = kind === 'text' ? payload.toString() : payload
    return repeated(burst, () => server?.publish(TOPIC, data))
  },
})
