// WebSockets for programs, apps and pages, with a signed token that contains the user and the time when it
// expires.
//
//   SECRET=$(openssl rand -hex 32) node sign_in_by_token.ts ada
//
// This prints a token for ada, and starts the server.
//
// A client offers two subprotocols, that of the application and its token. Unlike a URL, these do not end up
// in logs. If a client cannot do that, the token may be in the query: /live?token=…
//
//   const url = 'ws://127.0.0.1:8081/live'
//   connect({ type: 'ws', url, protocols: async () => ['notes', `token.${await get_token()}`], reconnect: true })
//
// Before its token expires, a client sends {"token":"…"} with a new one to keep the socket open; otherwise
// the socket is closed with 4401, which ends the client. A client that reconnects gets a new token for each
// attempt, or sends the same one again if `protocols` is a list: then it is closed with 4401 once that has
// expired.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { listen, refuse, type WsSocket } from '@bt/net'

const { BIND = '127.0.0.1:8081', SECRET = '', TOKEN_MS = String(15 * 60_000) } = process.env
if (SECRET.length < 32) throw new Error('set SECRET to 32 characters or more that cannot be guessed')
/** The longest timer. */
const MAX_TIMER_MS = 2_147_483_647
/** The minimum time between two messages of one socket; further messages wait. */
const PACE_MS = 50

interface Claim {
  readonly user: string
  readonly ends_ms: number
}

/** The claim of a socket, and the timer that closes the socket when the claim expires. */
interface Guest {
  claim: Claim
  end: NodeJS.Timeout | undefined
}

/** Creates a token, for your sign-in to issue. Its bearer can read its content, but not change it. */
function make_token(claim: Claim): string {
  const content = Buffer.from(JSON.stringify(claim)).toString('base64url')
  return `${content}.${sign(content).toString('base64url')}`
}

/** Returns the claim of a token that we have signed, expired or not; `undefined` for any other token. */
function read_token(token: string): Claim | undefined {
  const [content = '', signature = ''] = token.split('.')
  const [expected, given] = [sign(content), Buffer.from(signature, 'base64url')]
  // `timingSafeEqual` takes equally long wherever the two differ, and requires the same length.
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  // It has our signature, so `make_token` has written it.
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
    // Not refused with 401, because a page cannot see that status, and would try the same token again.
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
    return undefined // invalid JSON
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close())
await server.opened
console.log(`listening on ws://${server.addr}/live`)
const [, , user] = process.argv
if (user !== undefined) console.log(`token ${make_token({ user, ends_ms: Date.now() + Number(TOKEN_MS) })}`)
