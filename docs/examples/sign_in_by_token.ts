// WebSockets for programs, apps and pages, by a signed token that names the user and the time when it expires.
//
//   SECRET=$(openssl rand -hex 32) node sign_in_by_token.ts ada     prints a token for ada, and serves
//
// A client offers two subprotocols, the application's own and its token: unlike a URL, this does not end up in logs. If that is impossible,
// the token may be in the query: /live?token=…
//
//   connect({ type: 'ws', url: 'ws://127.0.0.1:8081/live', protocols: ['notes', `token.${token}`], reconnect: true })
//
// Before the token expires, {"token":"…"} with a new one keeps the socket open; otherwise it is closed with 4401. A reconnect sends the first
// token again: if that has expired meanwhile, it ends with 4401 too, and a new client with a new token goes on.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { listen, refuse, type WsSocket } from '@bt/net'

const { BIND = '127.0.0.1:8081', SECRET = '', TOKEN_MS = String(15 * 60_000) } = process.env
if (SECRET.length < 32) throw new Error('set SECRET to 32 characters or more that nobody can guess')
/** The most that a timer can take. */
const MAX_TIMER_MS = 2_147_483_647
/** The least time between two messages of one socket; the next ones wait. */
const PACE_MS = 50

interface Claim {
  readonly user: string
  readonly ends_ms: number
}

/** The user of a socket, and the timer that closes it when their token expires. */
interface Guest {
  claim: Claim
  end: NodeJS.Timeout | undefined
}

/** Makes a token, for your sign-in to hand out. Its bearer can read what is in it, but not change it. */
function make_token(claim: Claim): string {
  const content = Buffer.from(JSON.stringify(claim)).toString('base64url')
  return `${content}.${sign(content).toString('base64url')}`
}

/** Returns the claim of a token that we have signed. It may have expired. */
function read_token(token: string): Claim | undefined {
  const [content = '', signature = ''] = token.split('.')
  const [expected, given] = [sign(content), Buffer.from(signature, 'base64url')]
  // A comparison that takes equally long whatever is wrong; both have to have the same length.
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  // Signed by us, so it is what `make_token` has written.
  return JSON.parse(Buffer.from(content, 'base64url').toString())
}

function has_expired({ ends_ms }: Claim): boolean {
  return ends_ms <= Date.now()
}

function sign(content: string): Buffer {
  return createHmac('sha256', SECRET).update(content).digest()
}

const server = listen({
  type: 'ws',
  bind: BIND,
  route: '/live',
  max_payload: 4_096,
  protocols: ['notes'],
  authorize: ({ protocols, query }): Guest => {
    const offered = protocols.find(name => name.startsWith('token.'))?.slice('token.'.length)
    const claim = read_token(offered ?? query.get('token') ?? '')
    return claim === undefined ? refuse(401, 'a valid token is missing') : { claim, end: undefined }
  },
  on_connect: socket => {
    // Not refused with 401: a page cannot see that, and would try the same token again.
    if (has_expired(socket.data.claim)) return void socket.close(4401, 'the token has expired')
    close_in_time(socket)
    socket.send(`hello ${socket.data.claim.user}`)
  },
  on_message: async (socket, data) => {
    const token = read_message(data)
    if (token !== undefined) renew(socket, token)
    else server.broadcast(`${socket.data.claim.user}: ${data}`)
    await wait(PACE_MS)
  },
  on_close: socket => clearTimeout(socket.data.end),
  on_error: err => console.error(err.addr ?? '', err.message),
})

function renew(socket: WsSocket<Guest>, token: string): void {
  const claim = read_token(token)
  // A socket never changes its user.
  if (claim?.user !== socket.data.claim.user || has_expired(claim))
    return void socket.close(4401, 'not a valid token of yours')
  socket.data.claim = claim
  close_in_time(socket)
  socket.send('renewed')
}

function close_in_time(socket: WsSocket<Guest>): void {
  const { claim, end } = socket.data
  clearTimeout(end)
  const left_ms = Math.min(claim.ends_ms - Date.now(), MAX_TIMER_MS)
  socket.data.end = setTimeout(() => socket.close(4401, 'the token has expired'), left_ms)
}

/** Returns the new token of a message that has one; `undefined` for any other message. */
function read_message(data: string): string | undefined {
  if (!data.startsWith('{')) return undefined
  try {
    const message: unknown = JSON.parse(data)
    if (typeof message !== 'object' || message === null || !('token' in message)) return undefined
    return typeof message.token === 'string' ? message.token : undefined
  } catch {
    return undefined // no JSON
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close())
await server.opened
console.log(`listening on ws://${server.addr}/live`)
const [, , user] = process.argv
if (user !== undefined) console.log(`token ${make_token({ user, ends_ms: Date.now() + Number(TOKEN_MS) })}`)
