// Fastify and WebSockets on one port: POST /notes with {"text":"…"} stores a note, and whoever is connected to /live is sent it.
// HOST and PORT say where it listens.
import { listen } from '@bt/net'
import fastify from 'fastify'

const HOST = process.env.HOST ?? '127.0.0.1'
const PORT = Number(process.env.PORT ?? 8080)
/** How long requests that are under way may take once it is to end. */
const END_MS = 5_000
const MAX_NOTES = 100

interface Note {
  readonly id: number
  readonly text: string
}

/** The newest notes: stands for a database. */
const notes: Note[] = []
let last_id = 0

const app = fastify({ bodyLimit: 16 * 1_024 })

const live = listen({
  type: 'ws',
  server: app.server,
  route: '/live',
  // Nobody has to send anything here. Where nobody listens to what is sent, it is read and dropped.
  max_payload: 1_024,
  on_error: err => {
    // Who has missed a note comes back, and asks GET /notes for it.
    if (err.code === 'queue_full') err.socket?.close(4008, 'too slow')
    console.error(err.addr ?? '', err.message)
  },
})

app.get('/notes', async () => notes)
app.post<{ Body: { text: string } }>(
  '/notes',
  {
    // Fastify answers 400 to what is something else, and says why.
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

// Before Fastify waits for its connections to end, so that whatever calls `app.close()` ends both.
app.addHook('preClose', async () => {
  // Fastify waits as well for connections on which nothing was asked yet, such as browsers keep in stock.
  setTimeout(() => app.server.closeAllConnections(), END_MS).unref()
  await live[Symbol.asyncDispose]()
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => app.close())
console.log(`listening on ${await app.listen({ port: PORT, host: HOST })}`)
