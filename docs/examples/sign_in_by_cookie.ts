// WebSockets for users who have signed in on a page, identified by their session cookie. When a session ends,
// its sockets are closed.
//
//   USERS=ada:secret,bob:other node sign_in_by_cookie.ts
//
// HOST and PORT are the address to listen on, ORIGIN is the origin of its pages in browsers, such as
// https://example.com, and SESSION_MS is the lifetime of a session. Put a proxy with TLS in front: without
// TLS, passwords and cookies can be read on the network.
import { randomBytes, scrypt, scryptSync, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { listen, refuse } from '@bt/net'

const { HOST = '127.0.0.1', PORT = '8080', ORIGIN, USERS = '' } = process.env
/** Limited to the longest timer, almost 25 days. */
const SESSION_MS = Math.min(Number(process.env.SESSION_MS ?? 8 * 3_600_000), 2_147_483_647)
/** How long requests may take after a signal. */
const END_MS = 5_000
const MAX_SESSIONS = 10_000
const MAX_FORM_BYTES = 4_096
/** How many sign-in attempts one address has per minute. */
const MAX_TRIES = 10
/** How many addresses may attempt to sign in per minute, because an attacker may have any number of them. */
const MAX_ADDRESSES = 1_000
/** The minimum time between two messages of one socket; further messages wait. */
const PACE_MS = 50
const IS_SECURE = ORIGIN?.startsWith('https:') ?? false
/** With this prefix, browsers accept the cookie only over TLS, and only from this host of the domain. */
const COOKIE = IS_SECURE ? '__Host-session' : 'session'

interface Session {
  readonly id: string
  readonly user: string
  readonly timer: NodeJS.Timeout
}

/** Stands for a database, which also stores only hashes of passwords. */
const passwords = read_users(USERS)
const derive_key = promisify<string, Buffer, number, Buffer>(scrypt)
const UNKNOWN_USER = { salt: randomBytes(16), hash: randomBytes(32) }
const sessions = new Map<string, Session>()
const tries = new Map<string, number>()
setInterval(() => tries.clear(), 60_000).unref()

const http = createServer((request, response) => {
  answer(request, response).catch((err: unknown) => {
    console.error(err)
    if (!response.headersSent) response.writeHead(500)
    response.end()
  })
})

const live = listen({
  type: 'ws',
  server: http,
  route: '/live',
  max_payload: 1_024,
  // A browser sends the cookie whichever page connects, so only our own pages are allowed.
  origins: origin => origin === own_origin(),
  authorize: ({ headers }) => session_of(headers.cookie) ?? refuse(401, 'sign in first'),
  on_connect: socket => {
    // The session may have ended since `authorize`.
    if (!sessions.has(socket.data.id)) return void socket.close(4401, 'the session has ended')
    socket.send(`hello ${socket.data.user}`)
  },
  on_message: async (socket, data) => {
    live.broadcast(`${socket.data.user}: ${data}`)
    await wait(PACE_MS)
  },
  on_error: err => console.error(err.addr ?? '', err.message),
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const session = session_of(request.headers.cookie)
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  switch (`${request.method} ${request.url}`) {
    case 'GET /':
      response.setHeader('Content-Security-Policy', CONTENT_POLICY)
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.end(session === undefined ? SIGN_IN_PAGE : LIVE_PAGE)
      return
    case 'GET /session':
      return void response.writeHead(session === undefined ? 401 : 204).end()
    case 'GET /live.js':
      response.setHeader('Content-Type', 'text/javascript; charset=utf-8')
      response.end(LIVE_SCRIPT)
      return
    case 'POST /sign_in':
    case 'POST /sign_out':
      // Otherwise a page of another site could sign its visitors out, or in as another user.
      if (request.headers.origin !== own_origin()) return void response.writeHead(403).end()
      if (request.url === '/sign_in') return sign_in(request, response, session)
      if (session !== undefined) end_session(session)
      set_cookie(response, '', 0)
      return void response.writeHead(303, { Location: '/' }).end()
    default:
      response.writeHead(404).end()
  }
}

async function sign_in(
  request: IncomingMessage,
  response: ServerResponse,
  session_before: Session | undefined,
): Promise<void> {
  // Behind a proxy, this is the address of the proxy, which has to limit sign-ins instead.
  const addr = request.socket.remoteAddress ?? ''
  const tried = (tries.get(addr) ?? 0) + 1
  if (tries.size < MAX_ADDRESSES || tried > 1) tries.set(addr, tried)
  if (tried > MAX_TRIES || !tries.has(addr))
    return void response.writeHead(429, { 'Retry-After': 60 }).end('Too many tries.')
  const form = await read_form(request)
  if (form === undefined) return void response.writeHead(413, { Connection: 'close' }).end()
  const user = form.get('user') ?? ''
  // An unknown name takes equally long, so that the time does not reveal which names exist.
  const { salt, hash } = passwords.get(user) ?? UNKNOWN_USER
  const given = await derive_key(form.get('password') ?? '', salt, 32)
  if (!timingSafeEqual(given, hash))
    return void response.writeHead(401).end('No such name, or another password.')
  // A session never changes its user, and the old one would live on without a cookie.
  if (session_before !== undefined) end_session(session_before)
  set_cookie(response, start_session(user).id, SESSION_MS)
  response.writeHead(303, { Location: '/' }).end()
}

/** Reads `ada:secret,bob:other`: names and passwords, none of them empty. */
function read_users(text: string): Map<string, { salt: Buffer; hash: Buffer }> {
  const entries = text.split(',').map(entry => {
    const [, user, password] = /^([^:]+):(.+)$/.exec(entry) ?? []
    // The error does not show the entry, because it may be a password.
    if (user === undefined || password === undefined)
      throw new Error('set USERS to name:password,name:password, with no name and no password empty')
    const salt = randomBytes(16)
    return [user, { salt, hash: scryptSync(password, salt, 32) }] as const
  })
  return new Map(entries)
}

function start_session(user: string): Session {
  const [oldest] = sessions.values()
  if (sessions.size >= MAX_SESSIONS && oldest !== undefined) end_session(oldest)
  const id = randomBytes(32).toString('base64url')
  const session: Session = { id, user, timer: setTimeout(() => end_session(session), SESSION_MS).unref() }
  sessions.set(id, session)
  return session
}

function end_session({ id, timer }: Session): void {
  clearTimeout(timer)
  if (!sessions.delete(id)) return
  for (const socket of live.sockets) if (socket.data.id === id) socket.close(4401, 'the session has ended')
}

function session_of(cookies = ''): Session | undefined {
  const cookie = cookies.split(/;\s*/).find(text => text.startsWith(`${COOKIE}=`))
  return sessions.get(cookie?.slice(COOKIE.length + 1) ?? '')
}

function set_cookie(response: ServerResponse, id: string, lasts_ms: number): void {
  const age = `Max-Age=${Math.floor(lasts_ms / 1_000)}`
  const secure = IS_SECURE ? '; Secure' : ''
  response.setHeader('Set-Cookie', `${COOKIE}=${id}; HttpOnly; SameSite=Strict; Path=/; ${age}${secure}`)
}

async function read_form(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > MAX_FORM_BYTES) return undefined
  }
  return new URLSearchParams(text)
}

/** Returns the `Origin` that browsers send for our own pages. */
function own_origin(): string {
  return new URL(ORIGIN ?? own_url()).origin
}

function own_url(): string {
  const { port } = http.address() as AddressInfo
  return `http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${port}`
}

const CONTENT_POLICY = `default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`

const SIGN_IN_PAGE = `<!doctype html><title>Sign in</title>
<form method="post" action="/sign_in">
  <label>Name <input name="user" autocomplete="username" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
</form>`

const LIVE_PAGE = `<!doctype html><title>Live</title>
<output></output>
<form method="post" action="/sign_out"><button>Sign out</button></form>
<script type="module" src="/live.js"></script>`

/**
 * The script of a page without a bundler. With one, use `connect` of @bt/net, which reconnects by itself. A
 * page cannot see the status of a refused handshake, so it checks whether it is still signed in before it
 * connects again.
 */
const LIVE_SCRIPT = `
function open_live() {
  const ws = new WebSocket(new URL('/live', location.href.replace(/^http/, 'ws')))
  ws.onmessage = ({ data }) => { document.querySelector('output').textContent = data }
  ws.onclose = async ({ code }) => {
    const answer = code === 4401 ? undefined : await fetch('/session').catch(() => ({ status: 0 }))
    if (answer === undefined || answer.status === 401) location.reload()
    else setTimeout(open_live, 1_000 + 2_000 * Math.random())
  }
}
open_live()
`

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    live.close()
    http.close()
    // `close` also waits for connections without a request, which browsers open in advance.
    setTimeout(() => http.closeAllConnections(), END_MS).unref()
  })
http.listen(Number(PORT), HOST, () => console.log(`listening on ${own_url()}`))
