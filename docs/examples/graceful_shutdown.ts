// A server in a container, replaced by the next one while it is in use. What it has taken is stored and answered before it ends; the
// Dockerfile beside it says what that asks of a container.
//
// A client sends {"id":"…","text":"…"} and is answered {"stored":"…"} with that id. What it gets no answer to, it sends again to the next
// server, with the same id. HOST and PORT say where it listens, JOURNAL is the file it writes to.
import { open } from 'node:fs/promises'
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

/** Stands for a database. */
const journal = await open(JOURNAL, 'a')
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
    // Where this fails, nobody is told that it is stored, and `on_error` is told why not.
    await journal.appendFile(`${JSON.stringify(note)}\n`)
    socket.send(JSON.stringify({ stored: note.id }))
  },
  on_error: err => console.error(err.addr ?? '', err.message),
})

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

function read_note(data: string): { readonly id: string; readonly text: string } | undefined {
  try {
    const note: unknown = JSON.parse(data)
    if (typeof note !== 'object' || note === null || !('id' in note) || !('text' in note)) return undefined
    const { id, text } = note
    return typeof id === 'string' && typeof text === 'string' && id.length <= 64 ? { id, text } : undefined
  } catch {
    return undefined // no JSON
  }
}

http.listen(Number(PORT), HOST, () => {
  console.log(`listening on http://${HOST}:${(http.address() as AddressInfo).port}`)
})
