// WebSockets for programs and apps, by a signed token that says who somebody is and until when.
//
//   SECRET=$(openssl rand -hex 32) node sign_in_by_token.ts ada     prints a token for ada, and serves
//
// A client offers two subprotocols, the one that is spoken and its token: a URL ends up in logs, this does not. Where that can't be done, the
// token may be in the query: /live?token=…
//
//   connect({ type: 'ws', url: 'ws://127.0.0.1:8081/live', protocols: ['notes', `token.${token}`] })
//
// Before the token ends, {"token":"…"} with a new one keeps the socket open; else it is closed with 4401.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { listen, refuse, type WsSocket } from '@bt/net'

const { BIND = '127.0.0.1:8081', SECRET = '', TOKEN_MS = String(15 * 60_000) } = process.env
if (SECRET.length < 32) throw new Error('set SECRET to 32 characters or more that nobody can guess')
/** What a timer takes. */
const MAX_TIMER_MS = 2_147_483_647

interface Claim {
  readonly user: string
  readonly ends_ms: number
}

/** Who somebody is, and what closes their socket when their token ends. */
interface Guest {
  claim: Claim
  end: NodeJS.Timeout | undefined
}

/** Makes a token. It is what your sign-in hands out; what is in it can be read by whoever has it, and not be changed. */
function make_token(claim: Claim): string {
  const content = Buffer.from(JSON.stringify(claim)).toString('base64url')
  return `${content}.${sign(content).toString('base64url')}`
}

/** What a token says, where it is one of ours and has not ended. */
function read_token(token: string): Claim | undefined {
  const [content = '', signature = ''] = token.split('.')
  const [expected, given] = [sign(content), Buffer.from(signature, 'base64url')]
  // A comparison that takes as long whatever is wrong; it wants both of one length.
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  // Signed by us, so that it is what `make_token` has written.
  const claim: Claim = JSON.parse(Buffer.from(content, 'base64url').toString())
  return claim.ends_ms > Date.now() ? claim : undefined
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
    return claim === undefined ? refuse(401, 'no token, or one that has ended') : { claim, end: undefined }
  },
  on_connect: socket => {
    close_in_time(socket)
    socket.send(`hello ${socket.data.claim.user}`)
  },
  on_message: (socket, data) => {
    const { claim } = socket.data
    const token = read_message(data)
    if (token === undefined) return void server.broadcast(`${claim.user}: ${data}`)
    const renewed = read_token(token)
    // Nobody becomes somebody else on the way.
    if (renewed?.user !== claim.user) return void socket.close(4401, 'no token of yours')
    socket.data.claim = renewed
    close_in_time(socket)
    socket.send('renewed')
  },
  on_close: socket => clearTimeout(socket.data.end),
  on_error: err => console.error(err.addr ?? '', err.message),
})

function close_in_time(socket: WsSocket<Guest>): void {
  const { claim, end } = socket.data
  clearTimeout(end)
  const left_ms = Math.min(claim.ends_ms - Date.now(), MAX_TIMER_MS)
  socket.data.end = setTimeout(() => socket.close(4401, 'the token has ended'), left_ms)
}

/** The token in a message that renews one; `undefined` for any other message. */
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
