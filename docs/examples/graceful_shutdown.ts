// A server in a container that is replaced while clients are connected. It stores and answers all messages
// that it has received before it exits. The Dockerfile beside it shows the settings of the container.
//
// A client sends {"id":"…","text":"…"}, and receives {"stored":"…"} with that id. Without an answer, it sends
// the note to the next server, with the same id, and the note is stored only once. So ids have to be unique:
// use crypto.randomUUID(). HOST and PORT are the address to listen on, and JOURNAL is the file for the notes.
import { open, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { listen } from '@bt/net'

const { HOST = '127.0.0.1', PORT = '8080', JOURNAL = 'journal.ndjson' } = process.env
/**
 * How long it takes the load balancer to notice that /health returns 503: the interval of its checks, times
 * the number of failures that it requires.
 */
const LINGER_MS = Number(process.env.LINGER_MS ?? 5_000)
/** How long the messages that have been received may take. */
const DRAIN_MS = 10_000
/** The time over which clients spread their reconnects, so that they do not overload the next server. */
const SPREAD_MS = 10_000
/** When the process exits in any case: before the container's grace period of 30 seconds is over. */
const END_MS = Number(process.env.END_MS ?? 25_000)

const MAX_TEXT = 1_000
/** Keeps clients from filling the disk. */
const MAX_NOTES = Number(process.env.MAX_NOTES ?? 100_000)

interface Note {
  readonly id: string
  readonly text: string
}

/** Stands for a database table with the id as its primary key. */
const journal = await open(JOURNAL, 'a')
const stored = new Map<string, Promise<void>>()
for (const line of (await readFile(JOURNAL, 'utf8')).split('\n')) {
  const note = read_note(line)
  if (note !== undefined) stored.set(note.id, Promise.resolve())
}
/** While it is `ending`, the server still accepts connections; while it is `closing`, it does not. */
let state: 'serving' | 'ending' | 'closing' = 'serving'
const lingering = new AbortController()

const http = createServer((request, response) => {
  if (request.url !== '/health') return void response.writeHead(404).end()
  response.writeHead(state === 'serving' ? 200 : 503, { 'Cache-Control': 'no-store' }).end(state)
})

const server = listen({
  type: 'ws',
  server: http,
  route: '/notes',
  max_payload: 16 * 1_024,
  on_message: async (socket, data) => {
    const note = read_note(data)
    if (note === undefined) return void socket.close(4400, 'send {"id":"…","text":"…"}')
    if (!stored.has(note.id) && stored.size >= MAX_NOTES) return void socket.close(4413, 'no space left')
    // If this fails, the client gets no answer, and `on_error` gets the error.
    await store(note)
    socket.send(JSON.stringify({ stored: note.id }))
  },
  on_error: err => console.error(err.addr ?? '', err.message),
})

/** Stores a note, unless a note with its id is stored or being stored. */
function store(note: Note): Promise<void> {
  const before = stored.get(note.id)
  if (before !== undefined) return before
  // The line break comes first, so that a note truncated by a full disk or a crash cannot corrupt the next.
  const storing = journal.appendFile(`\n${JSON.stringify(note)}`)
  stored.set(note.id, storing)
  storing.catch(() => stored.delete(note.id))
  return storing
}

async function end(): Promise<void> {
  // A callback that never returns would keep `closed` pending. With `unref`, the timer does not delay the
  // exit.
  setTimeout(give_up, END_MS).unref()
  // First, the load balancer stops sending new connections. Those that still arrive are served.
  state = 'ending'
  console.log(`ending: /health returns 503 from now on; sockets are closed after ${LINGER_MS} ms at most`)
  await wait(LINGER_MS, undefined, { signal: lingering.signal }).catch(() => {}) // aborted by a second signal

  // The server stops reading, processes all received messages, and sends each client a time to reconnect.
  state = 'closing'
  server.close({ drain_ms: DRAIN_MS, spread_ms: SPREAD_MS })
  http.close()
  await server.closed
  // Connections that health checks keep alive, or that never had a request.
  http.closeAllConnections()
  await journal.close()
  console.log('ended')
}

function give_up(): void {
  console.error(`not done after ${END_MS} ms: ${server.sockets.size} sockets are left`)
  process.exit(1)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    // Each further signal ends the current wait.
    if (state === 'serving') void end()
    else if (state === 'ending') lingering.abort()
    else server.close({ drain_ms: 0 })
  })

function read_note(data: string): Note | undefined {
  try {
    const note: unknown = JSON.parse(data)
    if (typeof note !== 'object' || note === null || !('id' in note) || !('text' in note)) return undefined
    const { id, text } = note
    if (typeof id !== 'string' || id === '' || id.length > 64) return undefined
    return typeof text === 'string' && text.length <= MAX_TEXT ? { id, text } : undefined
  } catch {
    return undefined // invalid JSON
  }
}

http.listen(Number(PORT), HOST, () => {
  console.log(`listening on http://${HOST}:${(http.address() as AddressInfo).port}`)
})
