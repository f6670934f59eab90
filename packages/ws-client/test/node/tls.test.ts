import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http'
import { createServer as create_https_server, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { make_authority, make_self_signed } from '@bt/test-support/certificates'
import { afterEach, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { connect, type NetError, type TlsConnectOptions } from '../../src/index.js'
import { start_raw_server, stop_all } from '../echo_server.js'
import { outcome_of } from '../outcome.js'

const [authority, stranger] = await Promise.all([make_authority(), make_authority('Stranger')])
const [identity, elsewhere, expired, own, alice, mallory] = await Promise.all([
  authority.issue({ hosts: ['localhost', '127.0.0.1', '::1'] }),
  authority.issue({ hosts: ['elsewhere.test', 'other.test'] }),
  authority.issue({ hosts: ['127.0.0.1'], days: 0 }),
  make_self_signed({ hosts: ['127.0.0.1'] }),
  authority.issue({ name: 'alice' }),
  stranger.issue({ name: 'mallory' }),
])
const trust: TlsConnectOptions = { ca: authority.cert }

const outcome = outcome_of(connect)
const running: HttpServer[] = []
const sockets = new Set<Socket>()

afterEach(() => {
  stop_all()
  for (const socket of sockets) socket.destroy()
  for (const server of running.splice(0)) server.close()
})

interface SecureServer {
  readonly url: string
  readonly port: number
}

/** Starts a plain `ws` server over TLS, with a callback for each WebSocket. */
async function start_secure(
  options: ServerOptions = {},
  on_socket: (ws: WebSocket, request: IncomingMessage) => void = () => {},
  host = '127.0.0.1',
): Promise<SecureServer> {
  const https = create_https_server({ ...identity, ...options })
  const acceptor = new WebSocketServer({ server: https, path: '/ws' })
  acceptor.on('connection', (ws, request) => {
    ws.on('error', () => {})
    on_socket(ws, request)
  })
  https.on('connection', (socket: Socket) => sockets.add(socket))
  return await listening(https, host)
}

async function listening(server: HttpServer, host = '127.0.0.1'): Promise<SecureServer> {
  running.push(server)
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, url: `wss://${host.includes(':') ? `[${host}]` : host}:${port}/ws` }
}

function echo(ws: WebSocket): void {
  ws.on('message', (data, is_binary) => ws.send(data, { binary: is_binary }))
}

describe('a client over TLS', () => {
  it('sends and receives, even a message of 1 MiB, and closes in order', async () => {
    const { url } = await start_secure({}, echo)
    const ws = connect({ type: 'ws', url, tls: trust })
    const large = '0123456789abcdef'.repeat(65_536)
    ws.send('hello')
    ws.send(large)
    const got: string[] = []
    for await (const data of ws) if (got.push(data) === 2) ws.close()
    expect(got[0]).toBe('hello')
    expect(got[1] === large).toBe(true)
    expect(await ws.closed).toMatchObject({ code: 1000, cause: 'local', clean: true, unsent: 0 })
    expect(ws.addr).toBe(url)
  })

  it.each([
    ['localhost', undefined, 'localhost'],
    ['127.0.0.1', undefined, false],
    ['127.0.0.1', 'localhost', 'localhost'],
  ])('to %s with servername %s requests the name %s, and HTTP/1.1', async (host, servername, asked) => {
    const asked_for: unknown[] = []
    const { port } = await start_secure({}, (_ws, { socket }) => {
      const { servername: name, alpnProtocol } = socket as TLSSocket & { servername: unknown }
      asked_for.push(name, alpnProtocol)
    })
    const ws = connect({ type: 'ws', url: `wss://${host}:${port}/ws`, tls: { ...trust, servername } })
    await ws.opened
    await ws[Symbol.asyncDispose]()
    expect(asked_for).toEqual([asked, 'http/1.1'])
  })

  it('connects to an IPv6 address in the certificate', async () => {
    const { url } = await start_secure({}, echo, '::1')
    const ws = connect({ type: 'ws', url, tls: trust })
    await ws.opened
    await ws[Symbol.asyncDispose]()
  })

  it('does not connect to an IPv6 address that is not in the certificate', async () => {
    const { url } = await start_secure(elsewhere, echo, '::1')
    const { errors } = await outcome(url, { tls: trust })
    expect(errors).toMatchObject([
      { code: 'tls_failed', message: expect.stringMatching(/is for "DNS:elsewhere.*, and not for ::1; /) },
    ])
  })

  it.each([
    ['its own certificate as ca', own, { ca: own.cert }],
    ['its name as servername', elsewhere, { ...trust, servername: 'other.test' }],
    ['reject_unauthorized: false', own, { reject_unauthorized: false }],
    ['several authorities', identity, { ca: [stranger.cert, Buffer.from(authority.cert)] }],
  ])('connects to a server that it would not trust, given %s', async (_name, server, tls) => {
    const { url } = await start_secure(server)
    const ws = connect({ type: 'ws', url, tls })
    await ws.opened
    await ws[Symbol.asyncDispose]()
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'proves itself over %s with its own certificate',
    async maxVersion => {
      const options = { requestCert: true, rejectUnauthorized: true, ca: authority.cert, maxVersion }
      const seen: unknown[] = []
      const { url } = await start_secure(options, (_ws, { socket }) =>
        seen.push((socket as TLSSocket).getPeerCertificate().subject.CN),
      )
      const ws = connect({ type: 'ws', url, tls: { ...trust, ...alice } })
      await ws.opened
      await ws[Symbol.asyncDispose]()
      expect(seen).toEqual(['alice'])
    },
  )

  it('reports a refusal over HTTP as without TLS', async () => {
    const { url } = await start_secure()
    const { errors } = await outcome(url.replace('/ws', '/other'), { tls: trust })
    expect(errors).toMatchObject([
      { code: 'handshake_refused', message: expect.stringMatching(/answered 400/) },
    ])
  })

  it('reports a refused connection as without TLS', async () => {
    const { url, stop } = await start_raw_server(() => {})
    stop()
    const { errors } = await outcome(url.replace('ws:', 'wss:'), { tls: trust })
    expect(errors.map(error => error.code)).toEqual(['connection_refused'])
  })

  it('ends after connect_timeout if the server does not answer the TLS handshake', async () => {
    const { url } = await start_raw_server(() => {})
    const { errors, info } = await outcome(url.replace('ws:', 'wss:'), { connect_timeout: 50 })
    expect(errors.map(error => error.code)).toEqual(['connect_timeout'])
    expect(info).toMatchObject({ code: 1006, cause: 'refused' })
  })

  it('that is reset in the middle of a message ends with connection_lost, and counts unsent messages', async () => {
    let peer!: WebSocket
    const { url } = await start_secure({}, ws => {
      peer = ws
      ws.pause()
    })
    const errors: NetError[] = []
    const ws = connect({ type: 'ws', url, tls: trust, on_error: err => errors.push(err) })
    await ws.opened
    let taken = 0
    while (ws.send('x'.repeat(1_000_000)) === true) taken += 1
    peer.terminate()
    const info = await ws.closed
    expect(info).toMatchObject({ code: 1006, cause: 'network', clean: false })
    expect(info.unsent).toBeGreaterThan(0)
    expect(info.unsent).toBeLessThanOrEqual(taken)
    expect(errors.map(error => error.code)).toEqual(['queue_full', 'connection_lost'])
  })

  it('whose server ends TLS without a Close is connection_lost', async () => {
    const { url } = await start_secure({}, (_ws, { socket }) => socket.end())
    const { errors, info } = await outcome(url, { tls: trust })
    expect(errors.map(error => error.code)).toEqual(['connection_lost'])
    expect(info).toMatchObject({ code: 1006, cause: 'network' })
  })
})

describe('TLS that fails is tls_failed', () => {
  const requires = { requestCert: true, rejectUnauthorized: true, ca: authority.cert }
  const chain = { ...identity, cert: `${identity.cert}\n${authority.cert}` }

  it.each<[string, ServerOptions, TlsConnectOptions | undefined, RegExp]>([
    ['an unknown authority', {}, undefined, /authority that is not known here; .*tls: \{ ca \}/],
    ['a chain to an unknown authority', chain, undefined, /authority that is not known here/],
    ['another authority', {}, { ca: stranger.cert }, /authority that is not known here/],
    [
      'a certificate that signed itself',
      own,
      undefined,
      /signed by itself; if it is yours, give it as tls: \{ ca \}/,
    ],
    ['an expired certificate', expired, trust, /has expired; renew it/],
    [
      'a certificate for others',
      elsewhere,
      trust,
      /is for "DNS:elsewhere\.test, DNS:other\.test", and not for 127\.0\.0\.1; /,
    ],
    [
      'a wrong servername',
      {},
      { ...trust, servername: 'chat.test' },
      /, and not for chat\.test; .*servername/,
    ],
    [
      'a client certificate that is required',
      { ...requires, minVersion: 'TLSv1.3' },
      trust,
      /asks for a client certificate; give it as tls: \{ cert, key \}/,
    ],
    [
      'a client certificate that is required in TLS 1.2',
      { ...requires, maxVersion: 'TLSv1.2' },
      trust,
      /may ask for a client certificate/,
    ],
    [
      'a client certificate that is refused',
      { ...requires, minVersion: 'TLSv1.3' },
      { ...trust, ...mallory },
      /does not take the client certificate/,
    ],
    [
      'a client certificate that is refused in TLS 1.2',
      { ...requires, maxVersion: 'TLSv1.2' },
      { ...trust, ...mallory },
      /hung up .*client certificate/,
    ],
    [
      'no version in common',
      { maxVersion: 'TLSv1.2' },
      { ...trust, min_version: 'TLSv1.3' },
      /no version of TLS in common; see min_version/,
    ],
    ['a server without HTTP/1.1', { ALPNProtocols: ['h2'] }, trust, /does not speak HTTP\/1\.1/],
  ])('for %s, with advice', async (_name, options, tls, message) => {
    const { url } = await start_secure(options)
    const { errors, info, opened } = await outcome(url, { tls })
    expect(errors).toMatchObject([
      { code: 'tls_failed', message: expect.stringMatching(message), cause: expect.any(Error) },
    ])
    expect(errors[0]?.message).toMatch(/^connect: wss:\/\/127\.0\.0\.1:\d+\/ws failed in TLS: /)
    expect(opened).toBe(errors[0])
    expect(info).toEqual({ code: 1006, reason: '', cause: 'refused', clean: false, unsent: 0 })
  })

  it('for a server that speaks plain HTTP', async () => {
    const { url } = await listening(createServer())
    const { errors } = await outcome(url)
    expect(errors).toMatchObject([
      { code: 'tls_failed', message: expect.stringMatching(/does not speak TLS; write ws: instead of wss:/) },
    ])
  })

  it.each([
    ['hangs up', (socket: Socket) => socket.once('data', () => socket.destroy())],
    ['resets', (socket: Socket) => socket.once('data', () => socket.resetAndDestroy())],
  ])('for a server that %s in the middle', async (_name, on_socket) => {
    const { url } = await start_raw_server(on_socket)
    const { errors } = await outcome(url.replace('ws:', 'wss:'))
    expect(errors).toMatchObject([
      { code: 'tls_failed', message: expect.stringMatching(/hung up in the middle of the TLS handshake/) },
    ])
  })

  it('before anything of the handshake reaches a server that is not trusted', async () => {
    const https = create_https_server(own)
    const read: string[] = []
    https.on('secureConnection', socket => socket.on('data', part => read.push(String(part))))
    https.on('upgrade', (_request, socket) => socket.destroy())
    const closed = new Promise(resolve => https.on('connection', socket => socket.once('close', resolve)))
    const { url } = await listening(https)
    const { errors } = await outcome(url, { headers: { Authorization: 'Bearer secret' } })
    await closed
    expect(errors.map(error => error.code)).toEqual(['tls_failed'])
    expect(read).toEqual([])
  })

  it('and its error shows no password', async () => {
    const { url } = await start_secure()
    const { errors } = await outcome(url.replace('wss://', 'wss://user:secret@'))
    expect(errors[0]?.message).toContain('wss://***@')
  })
})

describe('the option tls', () => {
  const url = 'wss://127.0.0.1:9/ws'

  it.each([
    ['text', url, authority.cert, /the option tls is of type string; expected an object such as \{ ca \}/],
    [
      'a ws: url',
      'ws://u:secret@127.0.0.1:9/ws',
      trust,
      /tls is for a wss: url, and the url is ws:\/\/\*\*\*@.*; write wss:/,
    ],
    ['a Unix socket', 'ws+unix:/x.sock:/ws', {}, /tls is for a wss: url/],
    ['an option that is mistyped', url, { cat: '' }, /tls: there is no option "cat"; did you mean ca\?/],
    [
      'an authority that is none',
      url,
      { ca: '/etc/ca.pem' },
      /tls: ca is no certificate: .*content of a PEM file, not its name/,
    ],
    ['a certificate without a key', url, { cert: alice.cert }, /tls: key is missing/],
    ['a passphrase without a key', url, { passphrase: 'sesame' }, /tls: key is missing/],
    ['a key without a certificate', url, { key: alice.key }, /tls: cert is missing/],
    [
      'a key of another certificate',
      url,
      { ...alice, key: mallory.key },
      /tls: cert and key do not belong together/,
    ],
    [
      'a passphrase that is none',
      url,
      { ...alice, passphrase: 5 },
      /passphrase is of type number; expected a string/,
    ],
    [
      'an address as servername',
      url,
      { servername: '127.0.0.1' },
      /servername is "127.0.0.1"; expected a host name/,
    ],
    [
      'text for reject_unauthorized',
      url,
      { reject_unauthorized: 'no' },
      /reject_unauthorized is "no"; expected true or false/,
    ],
    ['an unsafe version', url, { min_version: 'TLSv1' }, /min_version is "TLSv1"; expected/],
  ])('with %s throws an error that names what is expected', (_name, url, tls, message) => {
    let error: unknown
    try {
      connect({ type: 'ws', url, tls: tls as never })
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringMatching(message) })
    expect(String(error)).not.toMatch(/BEGIN|secret|sesame/)
  })
})
