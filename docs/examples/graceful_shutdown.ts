// A server in a container, replaced by the next one while it is in use. What it has taken is stored and answered before it ends; the
// Dockerfile beside it says what that asks of a container.
//
// A client sends {"id":"…","text":"…"} and gets the answer {"stored":"…"} with that id. Without an answer, it sends the note again to the
// next server, with the same id, and the note is stored once; so an id has to be unique: crypto.randomUUID(). HOST and PORT are the address
// to listen on, JOURNAL is the file it writes to.
import { open, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { listen } from '@bt/net'

const { HOST = '127.0.0.1', PORT = '8080', JOURNAL = 'journal.ndjson' } = process.env
/** How long it takes until whoever hands out connections has seen that /health says 503: how often it looks, times how often it wants to see it. */
const LINGER_MS = Number(process.env.LINGER_MS ?? 5_000)
/** How long messages that have arrived may take. */
const DRAIN_MS = 10_000
/** Within which time the clients come back, each at a moment of its own, so that the next server is not run down. */
const SPREAD_MS = 10_000
/** When it ends in any case: before the container's grace period is over, which should be 30 seconds. */
const END_MS = Number(process.env.END_MS ?? 25_000)

const MAX_TEXT = 1_000
/** So that clients cannot fill the disk. */
const MAX_NOTES = Number(process.env.MAX_NOTES ?? 100_000)

interface Note {
  readonly id: string
  readonly text: string
}

/** Stands for a database, of which the id would be the key. */
const journal = await open(JOURNAL, 'a')
const stored = new Map<string, Promise<void>>()
for (const line of (await readFile(JOURNAL, 'utf8')).split('\n')) {
  const note = read_note(line)
  if (note !== undefined) stored.set(note.id, Promise.resolve())
}
/** Where it is in its life: `ending` still serves everybody, `closing` takes nobody new. */
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

/** Stores a note, unless its id is stored already, or about to be. */
function store(note: Note): Promise<void> {
  const before = stored.get(note.id)
  if (before !== undefined) return before
  // The line break comes first: a note that was cut off, by a full disk or a crash, must not take the next one with it.
  const storing = journal.appendFile(`\n${JSON.stringify(note)}`)
  stored.set(note.id, storing)
  storing.catch(() => stored.delete(note.id))
  return storing
}

async function end(): Promise<void> {
  // `unref`: no reason to stay when all is done. A callback that never ends would keep `closed` from settling.
  setTimeout(give_up, END_MS).unref()
  // First of all, nobody new is sent here. Whoever comes all the same is served.
  state = 'ending'
  console.log(`ending: /health says 503 from now on, for ${LINGER_MS} ms at most before sockets are closed`)
  await wait(LINGER_MS, undefined, { signal: lingering.signal }).catch(() => {}) // by a second signal

  // Nothing more is read; what has arrived is stored and answered; then each client is told to come back, and when.
  state = 'closing'
  server.close({ drain_ms: DRAIN_MS, spread_ms: SPREAD_MS })
  http.close()
  await server.closed
  // Kept alive by whoever asks for /health, or nothing was ever asked on them.
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
    // Each further signal ends what is being waited for.
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
    return undefined // no JSON
  }
}

http.listen(Number(PORT), HOST, () => {
  console.log(`listening on http://${HOST}:${(http.address() as AddressInfo).port}`)
})
