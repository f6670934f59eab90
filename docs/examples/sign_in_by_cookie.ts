// WebSockets for people who have signed in on a page, by the cookie of their session. When the session ends, so do its sockets.
//
//   USERS=ada:secret node sign_in_by_cookie.ts
//
// HOST and PORT say where it listens, ORIGIN what its pages are called from outside, such as https://example.com, SESSION_MS how long a session
// lasts. Served behind TLS, of course: passwords and cookies are read by everybody on the way otherwise.
import { randomBytes, scrypt, scryptSync, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { listen, refuse } from '@bt/net'

const { HOST = '127.0.0.1', PORT = '8080', SESSION_MS = String(8 * 3_600_000), USERS = '' } = process.env
/** How long requests that are under way may take once it is to end. */
const END_MS = 5_000
const MAX_SESSIONS = 10_000
const MAX_FORM_BYTES = 4_096
/** How often one address may try to sign in within a minute. */
const MAX_TRIES = 10

interface Session {
  readonly id: string
  readonly user: string
}

/** Stands for a database: nobody's password, but what was made of it. */
const passwords = new Map(
  USERS.split(',').map(entry => {
    const [user = '', password = ''] = entry.split(':')
    const salt = randomBytes(16)
    return [user, { salt, hash: scryptSync(password, salt, 32) }]
  }),
)
const derive_key = promisify<string, Buffer, number, Buffer>(scrypt)
const NOBODY = { salt: randomBytes(16), hash: randomBytes(32) }
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
  // A browser sends the cookie along whatever page connects: only our own pages may.
  origins: origin => origin === own_origin(),
  authorize: ({ headers }) => session_of(headers.cookie) ?? refuse(401, 'sign in first'),
  on_connect: socket => {
    // It may have ended since `authorize`.
    if (!sessions.has(socket.data.id)) return void socket.close(4401, 'the session has ended')
    socket.send(`hello ${socket.data.user}`)
  },
  on_message: (socket, data) => {
    live.broadcast(`${socket.data.user}: ${data}`)
  },
  on_error: err => console.error(err.addr ?? '', err.message),
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const session = session_of(request.headers.cookie)
  response.setHeader('Cache-Control', 'no-store')
  switch (`${request.method} ${request.url}`) {
    case 'GET /':
      response.setHeader('Content-Security-Policy', CONTENT_POLICY)
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.end(session === undefined ? SIGN_IN_PAGE : LIVE_PAGE)
      return
    case 'GET /live.js':
      response.setHeader('Content-Type', 'text/javascript; charset=utf-8')
      response.end(LIVE_SCRIPT)
      return
    case 'POST /sign_in':
    case 'POST /sign_out':
      // Else a page of another site could sign its visitors out, or in as somebody else.
      if (request.headers.origin !== own_origin()) return void response.writeHead(403).end()
      if (request.url === '/sign_in') return sign_in(request, response)
      if (session !== undefined) end_session(session)
      set_cookie(response, '', 0)
      return void response.writeHead(303, { Location: '/' }).end()
    default:
      response.writeHead(404).end()
  }
}

async function sign_in(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Behind a proxy, this is the proxy's: have it limit sign-ins instead.
  const addr = request.socket.remoteAddress ?? ''
  const tried = (tries.get(addr) ?? 0) + 1
  tries.set(addr, tried)
  if (tried > MAX_TRIES) return void response.writeHead(429, { 'Retry-After': 60 }).end('Too many tries.')
  const form = await read_form(request)
  if (form === undefined) return void response.writeHead(413, { Connection: 'close' }).end()
  const user = form.get('user') ?? ''
  // It takes as long for a name that nobody has, so that the time does not tell which names there are.
  const { salt, hash } = passwords.get(user) ?? NOBODY
  const given = await derive_key(form.get('password') ?? '', salt, 32)
  if (!timingSafeEqual(given, hash))
    return void response.writeHead(401).end('No such name, or another password.')
  set_cookie(response, start_session(user).id, Number(SESSION_MS))
  response.writeHead(303, { Location: '/' }).end()
}

function start_session(user: string): Session {
  const session: Session = { id: randomBytes(32).toString('base64url'), user }
  const [oldest] = sessions.values()
  if (sessions.size >= MAX_SESSIONS && oldest !== undefined) end_session(oldest)
  sessions.set(session.id, session)
  setTimeout(end_session, Number(SESSION_MS), session).unref()
  return session
}

function end_session({ id }: Session): void {
  if (!sessions.delete(id)) return
  for (const socket of live.sockets) if (socket.data.id === id) socket.close(4401, 'the session has ended')
}

function session_of(cookies = ''): Session | undefined {
  const [, id = ''] = /(?:^|;\s*)session=([\w-]+)/.exec(cookies) ?? []
  return sessions.get(id)
}

function set_cookie(response: ServerResponse, id: string, lasts_ms: number): void {
  const secure = own_origin().startsWith('https:') ? '; Secure' : ''
  const age = `Max-Age=${Math.floor(lasts_ms / 1_000)}`
  response.setHeader('Set-Cookie', `session=${id}; HttpOnly; SameSite=Strict; Path=/; ${age}${secure}`)
}

async function read_form(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > MAX_FORM_BYTES) return undefined
  }
  return new URLSearchParams(text)
}

/** What a browser says of our own pages. */
function own_origin(): string {
  return process.env.ORIGIN ?? own_url()
}

function own_url(): string {
  const { port } = http.address() as AddressInfo
  return `http://${HOST}:${port}`
}

const CONTENT_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'"

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

/** A page that a bundler makes takes `connect` of @bt/net, which comes back by itself; this one needs no bundler. */
const LIVE_SCRIPT = `
const ws = new WebSocket(new URL('/live', location.href.replace(/^http/, 'ws')))
ws.onmessage = ({ data }) => { document.querySelector('output').textContent = data }
ws.onclose = ({ code }) => { if (code === 4401) location.reload() }
`

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    live.close()
    http.close()
    // It waits as well for connections on which nothing was asked yet, such as browsers keep in stock.
    setTimeout(() => http.closeAllConnections(), END_MS).unref()
  })
http.listen(Number(PORT), HOST, () => console.log(`listening on ${own_url()}`))
