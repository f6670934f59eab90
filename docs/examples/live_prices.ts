// Live prices for clients of any speed. A fast client receives every price. A slow client receives only the
// newest price of each symbol, whenever its queue has drained, so that it does not fill the server's memory.
//
// A client sends {"watch":["S0","S1"]} in `on_open`, so that it watches the same symbols after a reconnect,
// and again whenever they change. It receives {"symbol":"S0","price":99.87,"number":42}. `number` counts the
// prices of a symbol, so that a gap shows. BIND is the address to listen on, SYMBOLS the number of symbols,
// and TICK_MS the interval at which prices change.
import { setTimeout as wait } from 'node:timers/promises'
import { listen, type WsSocket } from '@bt/net'

const BIND = process.env.BIND ?? '127.0.0.1:8081'
const SYMBOLS = new Set(Array.from({ length: Number(process.env.SYMBOLS ?? 20) }, (_, i) => `S${i}`))
const TICK_MS = Number(process.env.TICK_MS ?? 100)
/** The minimum time between two changes of a client's symbols. Each change may send it all prices. */
const PACE_MS = 100
/** A client with a longer queue when the next prices arrive is slow. */
const MAX_BEHIND_BYTES = 64 * 1_024

interface Viewer {
  watched: ReadonlySet<string>
  /** The symbols whose newest price has not been sent to a slow client; `undefined` for a fast client. */
  missed: Set<string> | undefined
}

/** The newest price of each symbol, as JSON. */
const newest = new Map<string, string>()

const server = listen({
  type: 'ws',
  bind: BIND,
  route: '/prices',
  max_payload: 64 * 1_024,
  max_queue: 1_048_576,
  max_topics: SYMBOLS.size,
  authorize: (): Viewer => ({ watched: new Set(), missed: undefined }),
  on_message: async (socket, data) => {
    const symbols = read_symbols(data)
    if (symbols === undefined)
      return void socket.close(4400, 'send {"watch":[…]} with symbols that there are')
    watch(socket, symbols)
    await wait(PACE_MS)
  },
  on_error: err => console.error(err.addr ?? '', err.message),
})

function watch(socket: WsSocket<Viewer>, symbols: ReadonlySet<string>): void {
  const { watched, missed } = socket.data
  socket.data.watched = symbols
  for (const symbol of watched) if (!symbols.has(symbol)) socket.leave(symbol)
  const news = [...symbols].filter(symbol => !watched.has(symbol))
  if (missed !== undefined) {
    for (const symbol of news) missed.add(symbol)
    return
  }
  for (const symbol of news) {
    socket.join(symbol)
    const text = newest.get(symbol)
    if (text !== undefined) socket.send(text)
  }
}

/** Publishes new prices. Each is framed once for all fast clients, and each client gets them in one write. */
function publish(prices: ReadonlyMap<string, string>): void {
  // Checked before publishing: what is queued now remains from the previous prices.
  for (const socket of server.sockets)
    if (socket.data.missed === undefined && socket.queued > MAX_BEHIND_BYTES) void catch_up(socket)
  for (const [symbol, text] of prices) {
    newest.set(symbol, text)
    server.publish(symbol, text)
  }
  for (const { data } of server.sockets)
    if (data.missed !== undefined) for (const symbol of prices.keys()) data.missed.add(symbol)
}

/** Removes a slow socket from all topics until it has received all newest prices, as its queue drains. */
async function catch_up(socket: WsSocket<Viewer>): Promise<void> {
  const { data } = socket
  const missed = new Set<string>()
  data.missed = missed
  for (const symbol of data.watched) socket.leave(symbol)
  console.log(`${socket.addr} does not keep up: ${socket.queued} bytes are queued`)
  try {
    do {
      await socket.drained()
      for (const symbol of missed) {
        const text = newest.get(symbol)
        const sent = text === undefined || !data.watched.has(symbol) || socket.send(text)
        // The others follow when there is room again, with their prices at that time.
        if (sent !== true && sent.code === 'queue_full') break
        if (sent !== true) return
        missed.delete(symbol)
      }
      // Nothing is queued if none of its symbols has changed meanwhile.
    } while (missed.size > 0 || socket.queued > 0)
  } catch {
    return // `drained` rejects when the socket has ended
  }
  data.missed = undefined
  for (const symbol of data.watched) socket.join(symbol)
  console.log(`${socket.addr} keeps up again`)
}

/** Returns the symbols of a message; `undefined` if the message is invalid. */
function read_symbols(data: string): ReadonlySet<string> | undefined {
  try {
    const message: unknown = JSON.parse(data)
    if (typeof message !== 'object' || message === null || !('watch' in message)) return undefined
    const { watch } = message
    if (!Array.isArray(watch) || !watch.every(symbol => SYMBOLS.has(symbol))) return undefined
    return new Set(watch)
  } catch {
    return undefined // invalid JSON
  }
}

/** Stands for a source of prices: each price changes a little at every tick. */
function start_market(): NodeJS.Timeout {
  const prices = new Map(Array.from(SYMBOLS, symbol => [symbol, 100]))
  let number = 0
  return setInterval(() => {
    number += 1
    const changed = new Map<string, string>()
    for (const [symbol, last] of prices) {
      const price = Math.max(0.01, Math.round((last + Math.random() - 0.5) * 100) / 100)
      prices.set(symbol, price)
      changed.set(symbol, JSON.stringify({ symbol, price, number }))
    }
    publish(changed)
  }, TICK_MS)
}

await server.opened
const market = start_market()
console.log(`listening on ws://${server.addr}/prices`)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    clearInterval(market)
    server.close()
  })
