import { once } from 'node:events'
import { type ClientRequest, Agent as HttpAgent } from 'node:http'
import { createServer as create_https_server, Agent as HttpsAgent } from 'node:https'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { inspect } from 'node:util'
import { make_authority } from '@bt/test-support/certificates'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { connect, type WsConnectOptions } from '../../../src/index.js'
import { start_http_server, start_raw_server, start_ws_server, stop_all } from '../../echo_server.js'
import { outcome_of } from '../../outcome.js'
import { open_tunnel, refuse, start_proxy, stop_proxies } from './connect_proxy.js'

type Options = Partial<WsConnectOptions<boolean>>

const authority = await make_authority()
const [local, elsewhere] = await Promise.all([
  authority.issue({ hosts: ['127.0.0.1', 'server.test'] }),
  authority.issue({ hosts: ['localhost'] }),
])
const tls = { ca: authority.cert }
const ended: (() => void)[] = []
const outcome = outcome_of(connect)

afterEach(() => {
  vi.unstubAllEnvs()
  stop_all()
  stop_proxies()
  for (const end of ended.splice(0)) end()
})

/** Both ways to name a proxy. */
const WAYS: readonly (readonly [string, (proxy: string) => Options])[] = [
  [
    'an HttpsProxyAgent',
    proxy => {
      const agent = new HttpsProxyAgent(proxy)
      ended.push(() => agent.destroy())
      return { agent }
    },
  ],
  ['the environment', proxy => name_in_environment(proxy)],
]

function name_in_environment(proxy: string, no_proxy = ''): Options {
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy']) vi.stubEnv(name, '')
  vi.stubEnv('NODE_USE_ENV_PROXY', '1')
  vi.stubEnv('HTTP_PROXY', proxy)
  vi.stubEnv('HTTPS_PROXY', proxy)
  vi.stubEnv('NO_PROXY', no_proxy)
  return {}
}

/** A server that says hello, and whose host only the proxy knows. */
async function start_greeting(): Promise<{ readonly url: string; readonly authority: string }> {
  const { url } = await start_ws_server(ws => ws.send('hello'))
  const { port } = new URL(url)
  return { url: `ws://server.invalid:${port}/ws`, authority: `server.invalid:${port}` }
}

/** The same over TLS. */
async function start_secure(identity = local): Promise<{ readonly port: number }> {
  const https = create_https_server(identity)
  const acceptor = new WebSocketServer({ server: https })
  acceptor.on('connection', ws => ws.send('hello'))
  ended.push(() => {
    for (const ws of acceptor.clients) ws.terminate()
    https.close()
  })
  https.listen(0, '127.0.0.1')
  await once(https, 'listening')
  return { port: (https.address() as AddressInfo).port }
}

/** Connects, and returns the first message, after an orderly end. */
async function first_message(url: string, options: Options): Promise<unknown> {
  const ws = connect({ type: 'ws', url, ...options })
  for await (const data of ws) {
    ws.close()
    expect(await ws.closed).toMatchObject({ code: 1000, clean: true })
    return data
  }
  return undefined
}

/** The address of a port where nothing listens. */
async function free_url(): Promise<string> {
  const { url, stop } = await start_raw_server(() => {})
  stop()
  return url.replace(/^ws:(.*)\/ws$/, 'http:$1')
}

describe.each(WAYS)('through the proxy of %s', (way, through) => {
  it('a ws: URL opens in a tunnel, whose host the proxy looks up', async () => {
    const [{ url, authority }, proxy] = await Promise.all([start_greeting(), start_proxy()])
    expect(await first_message(url, through(proxy.url))).toBe('hello')
    expect(proxy.asked).toEqual([[authority, undefined]])
  })

  it('a wss: URL opens in a tunnel, with the TLS settings of the option tls', async () => {
    const [{ port }, proxy] = await Promise.all([start_secure(), start_proxy()])
    expect(await first_message(`wss://server.test:${port}/ws`, { ...through(proxy.url), tls })).toBe('hello')
    expect(await first_message(`wss://127.0.0.1:${port}/ws`, { ...through(proxy.url), tls })).toBe('hello')
    expect(proxy.asked.map(([authority]) => authority)).toEqual([`server.test:${port}`, `127.0.0.1:${port}`])
  })

  it.each([
    ['of an unknown authority', local, {}, '127.0.0.1', /failed in TLS: .*authority that is not known/],
    ['for another host', local, { tls }, 'other.test', /is for ".*", and not for other\.test/],
    // The proxy listens on 127.0.0.1: a certificate for its host is none for the server.
    ['for another host than an IP address', elsewhere, { tls }, '127.0.0.1', /and not for 127\.0\.0\.1/],
  ])('a certificate %s is tls_failed', async (_what, identity, options, host, message) => {
    const [{ port }, proxy] = await Promise.all([start_secure(identity), start_proxy()])
    const { errors } = await outcome(`wss://${host}:${port}/ws`, { ...through(proxy.url), ...options })
    expect(errors).toMatchObject([{ code: 'tls_failed', message: expect.stringMatching(message) }])
    expect(errors[0]?.message).not.toContain('the proxy')
  })

  it('sends the user and password of its URL to the proxy, and to nobody else', async () => {
    const seen: unknown[] = []
    const server = await start_ws_server((ws, request) => {
      seen.push(request.headers)
      ws.send('hello')
    })
    const proxy = await start_proxy()
    const options = through(proxy.url.replace('://', '://ada:p%40ss@'))
    expect(await first_message(server.url, options)).toBe('hello')
    expect(proxy.asked.map(([, authorization]) => authorization)).toEqual([`Basic ${btoa('ada:p@ss')}`])
    expect(seen).toHaveLength(1)
    expect(seen[0]).not.toHaveProperty('proxy-authorization')
  })

  it('a proxy that does not listen is connection_refused, with its address and without its credentials', async () => {
    const proxy = await free_url()
    const { errors, info, opened } = await outcome(
      'ws://server.invalid/ws',
      through(proxy.replace('://', '://ada:secret@')),
    )
    const message = `connect: nobody listens at the proxy ${proxy} (for ws://server.invalid/ws): start the proxy, or check the address`
    expect(errors).toMatchObject([{ code: 'connection_refused', message }])
    expect(opened).toBe(errors[0])
    expect(info).toMatchObject({ code: 1006, cause: 'refused' })
    expect(inspect(errors, { depth: 9 })).not.toContain('secret')
  })

  it('a proxy whose host does not exist is host_not_found', async () => {
    const { errors } = await outcome(
      'ws://server.invalid/ws',
      through('http://ada:secret@proxy.invalid:3128'),
    )
    expect(errors).toMatchObject([
      {
        code: 'host_not_found',
        message: expect.stringContaining(
          'for the proxy http://proxy.invalid:3128 (for ws://server.invalid/ws)',
        ),
      },
    ])
  })

  it.each([
    ['407 Proxy Authentication Required', 407, 'check the user and password in the URL of the proxy'],
    ['401 Unauthorized', 401, 'check the user and password in the URL of the proxy'],
    ['403 Forbidden', 403, 'its rules do not allow that host or port; many proxies allow port 443 alone'],
    ['502 Bad Gateway', 502, 'it may not reach the server: check the URL, and that the server runs'],
    ['404 Not Found', 404, 'check that it is a proxy, and allows CONNECT'],
  ])('the answer %s of the proxy is handshake_refused, with its status', async (line, status, advice) => {
    const proxy = await start_proxy(refuse(line, 'Proxy-Authenticate: Basic realm="x"\r\n'))
    for (const url of ['ws://server.invalid/ws', 'wss://server.invalid/ws?token=secret']) {
      const options = through(proxy.url.replace('://', '://ada:secret@'))
      const { errors, info } = await outcome(url, options)
      const message = `connect: the proxy ${proxy.url} (for ${url.replace('token=secret', '***')}) answered ${line}, and opened no tunnel; ${advice}`
      expect(errors).toMatchObject([{ code: 'handshake_refused', message, cause: { status } }])
      expect(info.cause).toBe('refused')
      expect(inspect(errors, { depth: 9 })).not.toMatch(/secret|Basic/)
    }
  })

  it('an answer of the server itself is reported as the answer of the server', async () => {
    const { url } = await start_http_server((_request, response) =>
      response.writeHead(401).end('who are you'),
    )
    const proxy = await start_proxy()
    const { errors } = await outcome(url, through(proxy.url))
    const message = `connect: ${url} was answered 401 Unauthorized: who are you`
    expect(errors).toMatchObject([{ code: 'handshake_refused', message, cause: { status: 401 } }])
  })

  it('a server that hangs up within the tunnel is handshake_failed', async () => {
    const { url } = await start_raw_server(socket => socket.once('data', () => socket.destroy()))
    const proxy = await start_proxy()
    const { errors } = await outcome(url, through(proxy.url))
    expect(errors).toMatchObject([
      {
        code: 'handshake_failed',
        message: expect.stringContaining(`connect: ${url} did not open a WebSocket`),
      },
    ])
  })

  it('a proxy that hangs up before it answers is handshake_failed', async () => {
    const proxy = await start_proxy(socket => socket.destroy())
    const { errors } = await outcome('ws://server.invalid/ws', through(proxy.url))
    expect(errors).toMatchObject([
      {
        code: 'handshake_failed',
        message: expect.stringContaining(
          `the proxy ${proxy.url} (for ws://server.invalid/ws) did not open a tunnel`,
        ),
      },
    ])
  })

  it('a proxy that does not answer within connect_timeout is named', async () => {
    const proxy = await start_proxy(() => {})
    const { errors } = await outcome('ws://server.invalid/ws', {
      ...through(proxy.url),
      connect_timeout: 100,
    })
    const message = `connect: the proxy ${proxy.url} (for ws://server.invalid/ws) was not open after connect_timeout`
    expect(errors).toMatchObject([{ code: 'connect_timeout', message: expect.stringContaining(message) }])
  })

  it('a server that does not answer within connect_timeout is named, and the tunnel is ended', async () => {
    const { url } = await start_raw_server(() => {})
    const proxy = await start_proxy()
    const { errors } = await outcome(url, { ...through(proxy.url), connect_timeout: 100 })
    const message = `connect: ${url} was not open after connect_timeout`
    expect(errors).toMatchObject([{ code: 'connect_timeout', message: expect.stringContaining(message) }])
    await vi.waitUntil(() => proxy.open_connections() === 0)
  })

  it('a signal that aborts during the handshake ends the tunnel', async () => {
    const controller = new AbortController()
    const { url } = await start_raw_server(socket => socket.once('data', () => controller.abort()))
    const proxy = await start_proxy()
    const { errors, info } = await outcome(url, { ...through(proxy.url), signal: controller.signal })
    expect([errors, info.cause]).toEqual([[], 'local'])
    await vi.waitUntil(() => proxy.open_connections() === 0)
  })

  it('a signal that aborts before the proxy answers ends the client', async () => {
    const controller = new AbortController()
    const proxy = await start_proxy(socket => {
      socket.resume()
      controller.abort()
    })
    const options = { ...through(proxy.url), signal: controller.signal }
    const { errors, info } = await outcome('ws://server.invalid/ws', options)
    expect([errors, info.cause]).toEqual([[], 'local'])
    // An agent that waits for the answer of its proxy can't be stopped.
    if (way === 'the environment') await vi.waitUntil(() => proxy.open_connections() === 0)
  })

  it('with reconnect, 407 of the proxy is final', async () => {
    const proxy = await start_proxy(refuse('407 Proxy Authentication Required'))
    const { errors } = await outcome('ws://server.invalid/ws', { ...through(proxy.url), reconnect: true })
    expect(errors).toMatchObject([{ code: 'handshake_refused', cause: { status: 407 } }])
    expect(proxy.asked).toHaveLength(1)
  })

  it('with reconnect, 502, 503 and 504 of the proxy are retried', async () => {
    const { url } = await start_greeting()
    const statuses = ['502 Bad Gateway', '503 Service Unavailable', '504 Gateway Timeout']
    const proxy = await start_proxy((socket, request) => {
      const status = statuses.shift()
      status === undefined ? open_tunnel(socket, request) : refuse(status)(socket, request)
    })
    const reconnect = { min_delay: 1, max_delay: 1 }
    expect(await first_message(url, { ...through(proxy.url), reconnect, on_error: () => {} })).toBe('hello')
    expect(proxy.asked).toHaveLength(4)
  })

  it('with reconnect, Retry-After of the proxy is added to the delay', async () => {
    const proxy = await start_proxy(refuse('503 Service Unavailable', 'Retry-After: 7\r\n'))
    const delay_ms = await new Promise<number>(resolve => {
      const ws = connect({
        type: 'ws',
        url: 'ws://server.invalid/ws',
        ...through(proxy.url),
        reconnect: { min_delay: 1, max_delay: 1 },
        on_error: () => {},
        on_reconnecting: info => {
          ws.close()
          resolve(info.delay_ms)
        },
      })
    })
    expect(delay_ms).toBeGreaterThanOrEqual(7_000)
    expect(delay_ms).toBeLessThanOrEqual(7_001)
  })
})

describe('the proxy of the environment', () => {
  it('is not used without NODE_USE_ENV_PROXY', async () => {
    const [{ url }, proxy] = await Promise.all([start_ws_server(ws => ws.send('hello')), start_proxy()])
    name_in_environment(proxy.url)
    vi.stubEnv('NODE_USE_ENV_PROXY', '')
    expect(await first_message(url, {})).toBe('hello')
    expect(proxy.asked).toEqual([])
  })

  it('is not used for a host that NO_PROXY lists, nor if there is an agent', async () => {
    const [{ url }, proxy] = await Promise.all([start_ws_server(ws => ws.send('hello')), start_proxy()])
    name_in_environment(proxy.url, '127.0.0.1')
    expect(await first_message(url, {})).toBe('hello')
    name_in_environment(proxy.url)
    expect(await first_message(url, { agent: new HttpAgent() })).toBe('hello')
    expect(proxy.asked).toEqual([])
  })

  it.skipIf(process.platform === 'win32')('is not used for a Unix socket', async () => {
    const { url } = await start_ws_server(ws => ws.send('hello'), {}, `/tmp/bt-proxy-${process.pid}.sock`)
    name_in_environment('http://127.0.0.1:9')
    expect(await first_message(url, {})).toBe('hello')
  })

  it('that is no URL is invalid_option, without its password', () => {
    name_in_environment('http://ada:secret@:x')
    expect(() => connect({ type: 'ws', url: 'ws://server.invalid/ws' })).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringMatching(
          /^connect: the environment variable HTTP_PROXY is "http:\/\/\*\*\*@:x"/,
        ),
      }),
    )
  })

  it('over TLS, with a certificate that is not known here, is tls_failed, and names the proxy', async () => {
    const proxy = await start_proxy(open_tunnel, local)
    name_in_environment(proxy.url)
    const { errors } = await outcome('ws://server.invalid/ws')
    expect(errors).toMatchObject([
      {
        code: 'tls_failed',
        message: expect.stringContaining(`the proxy ${proxy.url} (for ws://server.invalid/ws) failed in TLS`),
      },
    ])
  })

  it('that does not speak HTTP is handshake_failed', async () => {
    const { url } = await start_raw_server(socket => socket.end('SSH-2.0-OpenSSH\r\n'))
    name_in_environment(url.replace('ws:', 'http:'))
    const { errors } = await outcome('ws://server.invalid/ws')
    expect(errors).toMatchObject([
      {
        code: 'handshake_failed',
        message: expect.stringMatching(
          /the proxy .*its answer can't be read as HTTP .*check that a proxy listens there/,
        ),
      },
    ])
  })

  it('may send what the server says along with its answer', async () => {
    const { url } = await start_raw_server(socket => socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n'))
    const said = 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'
    const proxy = await start_proxy(socket => void socket.write(said))
    name_in_environment(proxy.url)
    const { errors } = await outcome(url)
    expect(errors).toMatchObject([{ code: 'handshake_refused', cause: { status: 401 } }])
  })
})

describe('the option agent', () => {
  it('is asked for the connection, and gets it back neither open nor after a refusal', async () => {
    const agent = new HttpAgent({ keepAlive: true })
    ended.push(() => agent.destroy())
    const { url } = await start_ws_server(ws => ws.send('hello'))
    const ws = connect({ type: 'ws', url, agent })
    expect(Object.keys(agent.sockets)).toHaveLength(1)
    await ws.opened
    expect([agent.sockets, agent.freeSockets]).toEqual([{}, {}])
    ws.close()
    await ws.closed
    const refusing = await start_http_server((_request, response) => response.writeHead(401).end())
    const { errors } = await outcome(refusing.url, { agent })
    expect(errors).toMatchObject([{ cause: { status: 401 } }])
    await vi.waitUntil(() => Object.keys({ ...agent.sockets, ...agent.freeSockets }).length === 0)
  })

  it('of node:https connects with the TLS settings of the option tls', async () => {
    const { port } = await start_secure()
    const agent = new HttpsAgent({ keepAlive: true })
    ended.push(() => agent.destroy())
    const url = `wss://127.0.0.1:${port}/ws`
    expect(await first_message(url, { agent, tls })).toBe('hello')
    const { errors } = await outcome(url, { agent })
    expect(errors).toMatchObject([{ code: 'tls_failed' }])
    await vi.waitUntil(() => Object.keys({ ...agent.sockets, ...agent.freeSockets }).length === 0)
  })

  it('that connects directly leaves errors as they are without it', async () => {
    const url = (await free_url()).replace('http:', 'ws:')
    const { errors } = await outcome(url, { agent: new HttpAgent() })
    expect(errors).toMatchObject([
      { code: 'connection_refused', message: expect.stringContaining(`nobody listens at ${url}`) },
    ])
  })

  it('that leaves it to the proxy to forward the handshake is handshake_refused, with what to use instead', async () => {
    const { url } = await start_http_server((_request, response) => response.writeHead(426).end())
    const agent = new HttpAgent()
    const { addRequest } = agent as unknown as {
      addRequest(request: ClientRequest, ...more: unknown[]): void
    }
    const forwarding = Object.assign(agent, {
      proxy: new URL('http://ada:secret@proxy.test:3128'),
      addRequest(request: ClientRequest, ...more: unknown[]): void {
        request.path = url.replace('ws:', 'http:')
        addRequest.call(agent, request, ...more)
      },
    })
    const { errors } = await outcome(url, { agent: forwarding })
    const message = `connect: the proxy http://proxy.test:3128 (for ${url}) was asked for no tunnel, and answered 426 Upgrade Required; few proxies forward a WebSocket otherwise: use an agent that opens one, such as HttpsProxyAgent`
    expect(errors).toMatchObject([{ code: 'handshake_refused', message, cause: { status: 426 } }])
  })

  it.each(['throws', 'calls back'])(
    'that %s with an error is handshake_failed, which neither shows a password nor passes it on',
    async way => {
      const proxy = { host: 'socks.test', port: 1080, password: 'secret' }
      const error = Object.assign(new Error('no way to socks://ada:secret@socks.test'), { options: proxy })
      class FailingAgent extends HttpAgent {
        readonly proxy = proxy
        override createConnection(...[, done]: Parameters<HttpAgent['createConnection']>): undefined {
          if (way === 'throws') throw error
          done?.(error, new PassThrough())
          return undefined
        }
      }
      const { errors, opened } = await outcome('ws://server.invalid/ws', { agent: new FailingAgent() })
      const message =
        'connect: the proxy socks.test:1080 (for ws://server.invalid/ws) did not open a tunnel: no way to socks://***@socks.test'
      expect(errors).toMatchObject([{ code: 'handshake_failed', message }])
      expect(opened).toBe(errors[0])
      expect(inspect(errors, { depth: 9 })).not.toContain('secret')
    },
  )

  it.each([
    [
      'an object of another kind',
      'ws://h/',
      { dispatch: () => {} },
      /agent is an object; expected an agent of node:http/,
    ],
    ['text', 'ws://h/', 'http://ada:secret@proxy', /agent is "http:\/\/\*\*\*@proxy"; expected/],
    [
      'an agent for http:',
      'wss://h/',
      new HttpAgent(),
      /agent is one for http: requests, and a wss: url needs one for https:/,
    ],
    [
      'an agent for https:',
      'ws://h/',
      new HttpsAgent(),
      /agent is one for https: requests, and a ws: url needs one for http:/,
    ],
    [
      'any agent for a Unix socket',
      'ws+unix:/s:/',
      new HttpAgent(),
      /agent is for a ws: or wss: url; leave it out/,
    ],
  ])('does not take %s', (_what, url, agent, message) => {
    expect(() => connect({ type: 'ws', url, agent } as never)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
    )
  })
})
