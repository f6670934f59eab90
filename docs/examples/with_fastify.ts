// Fastify and WebSockets on one port: POST /notes with {"text":"…"} stores a note, and sends it to all
// clients of /live. HOST and PORT are the address to listen on.
import { listen } from '@bt/net'
import fastify from 'fastify'

const HOST = process.env.HOST ?? '127.0.0.1'
const PORT = Number(process.env.PORT ?? 8080)
/** How long requests may take after a signal. */
const END_MS = 5_000
const MAX_NOTES = 100

interface Note {
  readonly id: number
  readonly text: string
}

/** The newest notes. Stands for a database. */
const notes: Note[] = []
let last_id = 0

const app = fastify({ bodyLimit: 16 * 1_024 })

const live = listen({
  type: 'ws',
  server: app.server,
  route: '/live',
  // Clients have no reason to send anything. Without `on_message`, their messages are read and dropped.
  max_payload: 1_024,
  on_error: err => {
    // A client that would miss a note has to reconnect, and finds it with GET /notes.
    if (err.code === 'queue_full') err.socket?.close(4008, 'too slow')
    console.error(err.addr ?? '', err.message)
  },
})

app.get('/notes', async () => notes)
app.post<{ Body: { text: string } }>(
  '/notes',
  {
    // Fastify answers any other body with 400 and the reason.
    schema: {
      body: {
        type: 'object',
        required: ['text'],
        properties: { text: { type: 'string', minLength: 1, maxLength: 1_000 } },
      },
    },
  },
  async (request, reply) => {
    last_id += 1
    const note: Note = { id: last_id, text: request.body.text }
    notes.push(note)
    if (notes.length > MAX_NOTES) notes.shift()
    const reached = live.broadcast(JSON.stringify(note))
    return reply.code(201).send({ ...note, reached })
  },
)

// Runs before Fastify waits for its connections, so that `app.close()` always closes both.
app.addHook('preClose', async () => {
  // Fastify also waits for connections without a request, which browsers open in advance.
  setTimeout(() => app.server.closeAllConnections(), END_MS).unref()
  await live[Symbol.asyncDispose]()
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => app.close())
console.log(`listening on ${await app.listen({ port: PORT, host: HOST })}`)
