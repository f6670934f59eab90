// The clients of a restart: each connects, and again whenever it is sent away or cut off.
import { connect, type WsClient } from '@bt/net'
import { handle_commands } from '../process/commands.js'

const clients: WsClient[] = []
/** The clients that are not back yet. */
const missing = new Set<WsClient>()
let attempts = 0
let all_back = (): void => {}
let back: Promise<void> | undefined

function add(url: string): WsClient {
  const ws = connect({
    type: 'ws',
    url: () => {
      attempts += 1
      return url
    },
    reconnect: true,
    on_open: () => {
      missing.delete(ws)
      if (missing.size === 0) all_back()
    },
    // That connections are lost is what is measured.
    on_error: () => {},
  })
  return ws
}

handle_commands({
  connect: async ({ port, count }: { port: number; count: number }) => {
    for (let index = 0; index < count; index += 1) clients.push(add(`ws://127.0.0.1:${port}/ws`))
    await Promise.all(clients.map(ws => ws.opened))
  },
  /** Counts anew: the restart is next. */
  expect_restart: () => {
    attempts = 0
    for (const ws of clients) missing.add(ws)
    back = new Promise(resolve => {
      all_back = resolve
    })
  },
  /** Resolves when all clients are back, with the number of attempts that it took. */
  back: async () => {
    await back
    return attempts
  },
})
