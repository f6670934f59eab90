// The server: `node trouble_server.js HOST PORT PAGE_SCRIPT HEARTBEAT_MS INTERVAL_MS`. It serves the page and
// tokens that can be used once, and sends numbered messages to each client.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { accept, listen, probe, refuse, type WsServer, type WsSocket } from '@bt/net'
import { Conversation } from '@bt/test-support/conversation'
import type { TroubleServerCommand, TroubleServerEvent } from './trouble_messages.js'

const [host = '', port = '', page_script = '', heartbeat_ms = '', interval_ms = ''] = process.argv.slice(2)

/** What goes on with one client, over all of its connections. */
interface Guest {
  readonly conversation: Conversation
  socket: WsSocket<string> | undefined
}

const guests = new Map<string, Guest>()
const tokens = new Set<string>()
/** The clients whose next token has expired when it is issued. */
const unlucky = new Set<string>()
let http: Server
let server: WsServer<string>

const report = (event: TroubleServerEvent): void => void process.send?.(event)

function issue_token(client: string): string {
  const token = randomUUID()
  if (!unlucky.delete(client)) tokens.add(token)
  return token
}

function guest_of(client: string): Guest {
  const guest = guests.get(client) ?? { conversation: new Conversation(), socket: undefined }
  guests.set(client, guest)
  return guest
}

async function start(): Promise<void> {
  http = createServer((request, response) => {
    // A request of its own for each token: a connection that is kept alive may be dead as well.
    response.setHeader('Connection', 'close')
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://host')
    if (pathname === '/token') response.end(issue_token(searchParams.get('client') ?? ''))
    else if (pathname === '/page.js') {
      response.setHeader('Content-Type', 'text/javascript')
      response.end(readFileSync(page_script))
    } else {
      response.setHeader('Content-Type', 'text/html')
      response.end(
        '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
      )
    }
  })
  server = listen({
    type: 'ws',
    server: http,
    heartbeat: Number(heartbeat_ms),
    probe: probe({ receive: 'ping', reply: 'pong' }),
    authorize: ({ query }) => {
      if (tokens.delete(query.get('token') ?? '')) return accept(query.get('client') ?? '')
      return refuse(401, 'get a new token', { close: 4401 })
    },
    on_connect: socket => {
      guest_of(socket.data).socket = socket
    },
    on_message: (socket, text) => guest_of(socket.data).conversation.hear(text),
    on_close: (socket, { unsent }) => {
      const guest = guest_of(socket.data)
      if (guest.socket === socket) guest.socket = undefined
      guest.conversation.lost(unsent)
    },
    // Lost connections are what this is about.
    on_error: () => {},
  })
  await new Promise<void>(resolve => http.listen(Number(port), host, resolve))
  report({ event: 'listening', at_ms: Date.now() })
}

async function restart(spread_ms: number, down_ms: number): Promise<void> {
  report({ event: 'closing', at_ms: Date.now() })
  const closed = new Promise(resolve => http.close(resolve))
  server.close({ spread_ms, late: 'delivered' })
  await server.closed
  http.closeAllConnections()
  await closed
  await new Promise(resolve => setTimeout(resolve, down_ms))
  await start()
}

const timer = setInterval(() => {
  for (const { conversation, socket } of guests.values())
    if (socket !== undefined) conversation.say(text => socket.send(text) === true)
}, Number(interval_ms))

// The process ends with the one that started it.
process.on('disconnect', () => process.exit())
process.on('message', (message: TroubleServerCommand) => {
  switch (message.command) {
    case 'expire':
      tokens.clear()
      for (const client of guests.keys()) unlucky.add(client)
      report({ event: 'expired', at_ms: Date.now() })
      for (const { socket } of guests.values()) socket?.close(4401, 'the token has expired')
      return
    case 'restart':
      return void restart(message.spread_ms, message.down_ms)
    case 'stop':
      return clearInterval(timer)
    case 'records': {
      const records = Object.fromEntries(
        [...guests].map(([name, guest]) => [name, guest.conversation.record]),
      )
      report({ event: 'records', records })
    }
  }
})
await start()
