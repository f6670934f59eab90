// Express and WebSockets on one port: POST /notes with {"text":"…"} stores a note, and sends it to all
// clients of /live. HOST and PORT are the address to listen on.
import type { AddressInfo } from 'node:net'
import { listen } from '@bt/net'
import express from 'express'

const HOST = process.env.HOST ?? '127.0.0.1'
const PORT = Number(process.env.PORT ?? 8080)
/** How long requests may take after a signal. */
const END_MS = 5_000
const MAX_TEXT = 1_000
const MAX_NOTES = 100

interface Note {
  readonly id: number
  readonly text: string
}

/** The newest notes. Stands for a database. */
const notes: Note[] = []
let last_id = 0

const app = express()
app.use(express.json({ limit: '16kb' }))
app.get('/notes', (_request, response) => {
  response.json(notes)
})
app.post('/notes', (request, response) => {
  const text = read_text(request.body)
  if (text === undefined) {
    response.status(400).json({ error: `send {"text":"…"} with 1 to ${MAX_TEXT} characters` })
    return
  }
  last_id += 1
  const note: Note = { id: last_id, text }
  notes.push(note)
  if (notes.length > MAX_NOTES) notes.shift()
  const reached = live.broadcast(JSON.stringify(note))
  response.status(201).json({ ...note, reached })
})

const http = app.listen(PORT, HOST, err => {
  if (err) throw err
  const { address, family, port } = http.address() as AddressInfo
  console.log(`listening on http://${family === 'IPv6' ? `[${address}]` : address}:${port}`)
})

const live = listen({
  type: 'ws',
  server: http,
  route: '/live',
  // Clients have no reason to send anything. Without `on_message`, their messages are read and dropped.
  max_payload: 1_024,
  on_error: err => {
    // A client that would miss a note has to reconnect, and finds it with GET /notes.
    if (err.code === 'queue_full') err.socket?.close(4008, 'too slow')
    console.error(err.addr ?? '', err.message)
  },
})

function read_text(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('text' in body)) return undefined
  const { text } = body
  return typeof text === 'string' && text !== '' && text.length <= MAX_TEXT ? text : undefined
}

// The WebSocket server does not close the HTTP server, which in turn waits for all sockets: close both.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    live.close()
    http.close()
    // `close` also waits for connections without a request, which browsers open in advance.
    setTimeout(() => http.closeAllConnections(), END_MS).unref()
  })
