import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { connect as connect_tcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connect_tls, type SecureVersion, type TLSSocket } from 'node:tls'
import { make_authority } from '@bt/test-support/certificates'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  listen,
  refuse,
  type TlsListenOptions,
  type WsListenOptions,
  type WsServer,
  type WsServerError,
} from '../../src/index.js'
import { handshake_lines, RawClient } from '../raw_client.js'
import { start, start_open, stop_all } from '../started_server.js'

const [authority, stranger] = await Promise.all([make_authority(), make_authority('Stranger')])
const [identity, alice, mallory, late, chat, wild] = await Promise.all([
  authority.issue({ hosts: ['localhost', '127.0.0.1'] }),
  authority.issue({ name: 'alice', hosts: ['alice.test', 'URI:spiffe://test/alice'] }),
  stranger.issue({ name: 'mallory' }),
  authority.issue({ name: 'late', days: 0 }),
  authority.issue({ name: 'chat', hosts: ['chat.test'] }),
  authority.issue({ name: 'wild', hosts: ['*.rooms.test'] }),
])

const errors: WsServerError[] = []

/** Starts a server over TLS whose errors are kept. */
async function start_secure(
  tls: Partial<TlsListenOptions> = {},
  options: Partial<WsListenOptions> = {},
): Promise<WsServer> {
  return await start_open({ tls: { ...identity, ...tls }, on_error: err => errors.push(err), ...options })
}

function url_of(server: WsServer): string {
  return `wss://${server.addr}/ws`
}

/** An open client of plain `ws`, which trusts the authority. */
async function connect_client(server: WsServer, options: object = {}): Promise<WebSocket> {
  const ws = new WebSocket(url_of(server), { ca: authority.cert, ...options })
  await once(ws, 'open')
  return ws
}

/** Why a client does not get in. */
async function failure_of(server: WsServer, options: object): Promise<Error & { readonly code: string }> {
  const ws = new WebSocket(url_of(server), { ca: authority.cert, ...options })
  const [error] = await once(ws, 'error')
  return error
}

function port_of(server: WsServer): number {
  return Number(server.addr.split(':').at(-1))
}

/** A bare socket, which says no word of TLS. */
async function bare_client(server: WsServer): Promise<{ socket: Socket; ended: Promise<string> }> {
  const socket = connect_tcp(port_of(server), '127.0.0.1')
  let received = ''
  socket.on('error', () => {}).on('data', part => (received += part))
  const ended = new Promise<string>(resolve => socket.on('close', () => resolve(received)))
  await once(socket, 'connect')
  return { socket, ended }
}

async function secure_client(server: WsServer, options: object = {}): Promise<TLSSocket> {
  const socket = connect_tls({ host: '127.0.0.1', port: port_of(server), ca: authority.cert, ...options })
  await once(socket, 'secureConnect')
  return socket
}

afterEach(async () => {
  await stop_all()
  expect(errors.splice(0)).toEqual([])
})

describe('a server with tls', () => {
  it('speaks WebSocket over TLS', async () => {
    const server = await start_secure({}, { on_message: (socket, data) => socket.send(`echo:${data}`) })
    const ws = await connect_client(server)
    ws.send('hello')
    expect(String((await once(ws, 'message'))[0])).toBe('echo:hello')
    const [socket] = server.sockets
    expect(socket?.addr).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(socket?.request.certificate).toBeUndefined()
    ws.close()
    expect(await socket?.closed).toMatchObject({ code: 1005, clean: true, cause: 'peer' })
  })

  it.skipIf(process.platform === 'win32')('also does so on a Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bt-net-'))
    const path = join(folder, 'tls.sock')
    const server = await start_secure({}, { bind: `unix:${path}` })
    const socket = connect_tls({ path, ca: authority.cert, servername: 'localhost' })
    socket.write(`${Object.values(handshake_lines()).join('\r\n')}\r\n\r\n`)
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 101 /)
    socket.destroy()
    await server[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  it('answers refused clients over TLS', async () => {
    const server = await start_secure()
    const options = { host: '127.0.0.1', port: port_of(server), ca: authority.cert }
    for (const [path, status] of [
      ['/ws', 426],
      ['/', 404],
    ] as const) {
      const [response] = (await once(get({ ...options, path }), 'response')) as [IncomingMessage]
      expect(response.statusCode).toBe(status)
      response.resume()
      await once(response, 'close')
    }
    const ws = new WebSocket(url_of(server).replace('/ws', '/other'), { ca: authority.cert })
    const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage]
    expect(response.statusCode).toBe(404)
    response.resume()
    expect(server.stats().refused).toMatchObject({ not_websocket: 1, wrong_path: 2, tls_failed: 0 })
  })

  it('answers plain HTTP unencrypted, and names wss://', async () => {
    const server = await start_secure()
    const client = new RawClient(server.addr)
    client.send_lines(Object.values(handshake_lines()))
    expect(await client.until_ended()).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*\r\n\r\nThis server speaks TLS: connect with wss:/,
    )
    expect(server.stats().refused).toMatchObject({ tls_failed: 1, bad_handshake: 0 })
  })

  it('agrees only on HTTP/1.1 by ALPN', async () => {
    const server = await start_secure()
    const socket = await secure_client(server, { ALPNProtocols: ['h2', 'http/1.1'] })
    expect(socket.alpnProtocol).toBe('http/1.1')
    socket.destroy()
    await expect(secure_client(server, { ALPNProtocols: ['h2'] })).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    })
    expect(server.stats().refused.tls_failed).toBe(1)
  })

  it.each([
    [undefined, 'TLSv1.2', 'TLSv1.2'],
    [undefined, 'TLSv1.3', 'TLSv1.3'],
    ['TLSv1.3', 'TLSv1.3', 'TLSv1.3'],
    ['TLSv1.2', 'TLSv1.1', undefined],
    ['TLSv1.3', 'TLSv1.2', undefined],
  ] as const)('with min_version %s, a client of %s gets %s', async (min_version, version, agreed) => {
    const server = await start_secure({ min_version })
    const options = { minVersion: version as SecureVersion, maxVersion: version as SecureVersion }
    if (agreed === undefined) {
      await expect(secure_client(server, options)).rejects.toThrow()
      // An OpenSSL that no longer speaks TLS 1.1 does not even ask.
      if (version !== 'TLSv1.1') expect(server.stats().refused.tls_failed).toBe(1)
    } else {
      const socket = await secure_client(server, options)
      expect(socket.getProtocol()).toBe(agreed)
      socket.destroy()
    }
  })
})

describe('a client that fails in TLS', () => {
  it.each([
    ['says nothing', new Uint8Array()],
    ['stops in the middle of its ClientHello', Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0)],
  ])('that %s is ended after handshake_timeout', async (_name, bytes) => {
    const server = await start_secure({}, { handshake_timeout: 60 })
    const { socket, ended } = await bare_client(server)
    socket.write(bytes)
    await ended
    expect(server.stats().refused).toMatchObject({ timed_out: 1, tls_failed: 0 })
  })

  it('that sends no request after the TLS handshake is answered 408 after handshake_timeout', async () => {
    const server = await start_secure({}, { handshake_timeout: 200 })
    const socket = await secure_client(server)
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 408 /)
    socket.destroy()
    expect(server.stats().refused.timed_out).toBe(1)
  })

  it('that speaks another protocol is counted once, and the server keeps running', async () => {
    const server = await start_secure()
    for (const text of ['\0\0\0\0 no TLS at all', 'SSH-2.0-OpenSSH\r\n']) {
      const { socket, ended } = await bare_client(server)
      socket.write(text)
      await ended
    }
    expect(server.stats().refused.tls_failed).toBe(2)
    const ws = await connect_client(server)
    ws.terminate()
  })

  it('is destroyed close_timeout after the server has closed, if it does not read its refusal', async () => {
    const authorize = (): never => refuse(403, 'no', { 'X-Long': 'x'.repeat(50_000_000) })
    const server = await start_secure({}, { close_timeout: 50, handshake_timeout: 600_000, authorize })
    const socket = await secure_client(server)
    socket.on('error', () => {})
    socket.write(`${Object.values(handshake_lines()).join('\r\n')}\r\n\r\n`)
    await once(socket, 'readable')
    server.close()
    await server.closed
    socket.destroy()
  })

  it('that leaves at any step has no effect, and is not counted', async () => {
    const server = await start_secure()
    for (const bytes of [new Uint8Array(), Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0)]) {
      for (const leave of ['destroy', 'resetAndDestroy', 'end'] as const) {
        const { socket, ended } = await bare_client(server)
        socket.write(bytes)
        socket[leave]()
        await ended
      }
    }
    const ws = await connect_client(server)
    ws.terminate()
    expect(server.stats().refused).toMatchObject({ timed_out: 0, bad_handshake: 0, tls_failed: 0 })
  })

  it('does not hold up close(), in the middle of its handshake or before HTTP', async () => {
    const server = await start_secure()
    const silent = await bare_client(server)
    const half = await bare_client(server)
    half.socket.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0))
    const secure = await secure_client(server)
    secure.on('error', () => {})
    const ws = await connect_client(server)
    const closes = [once(secure, 'close'), once(ws, 'close')]
    server.close()
    await server.closed
    await Promise.all([silent.ended, half.ended, ...closes])
  })
})

it('connections of one address are cut off beyond the limit before the TLS handshake, and counted once', async () => {
  const server = await start_secure({}, { max_connections_per_ip: 1 })
  const idle = await Promise.all(Array.from({ length: 11 }, () => bare_client(server)))
  const ws = await connect_client(server)
  expect(await (await bare_client(server)).ended).toBe('')
  expect(server.stats().refused).toMatchObject({ over_ip_limit: 1, tls_failed: 0 })
  ws.terminate()
  for (const { socket } of idle) socket.destroy()
})

describe('client_certificates', () => {
  const versions = ['TLSv1.2', 'TLSv1.3'] as const

  it.each(versions)('shows the certificate of a client, of its authority, over %s', async maxVersion => {
    const server = await start_secure({ client_certificates: 'required', ca: authority.cert })
    const ws = await connect_client(server, { ...alice, maxVersion })
    const [socket] = server.sockets
    const { certificate } = socket?.request ?? {}
    expect(certificate).toEqual({
      subject: { CN: 'alice' },
      issuer: { CN: 'Test Authority' },
      subject_alt_names: ['DNS:alice.test', 'URI:spiffe://test/alice'],
      fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
      serial_number: expect.stringMatching(/^[0-9A-F]+$/),
      valid_from: expect.any(Date),
      valid_to: expect.any(Date),
    })
    const days = (Number(certificate?.valid_to) - Number(certificate?.valid_from)) / 86_400_000
    expect(days).toBe(2)
    ws.terminate()
  })

  it.each(
    versions.flatMap(version => [
      ['required', version, 'without one', {}] as const,
      ['required', version, 'with one of another authority', mallory] as const,
      ['required', version, 'with one that has expired', late] as const,
      ['optional', version, 'with one of another authority', mallory] as const,
      ['optional', version, 'with one that has expired', late] as const,
    ]),
  )('that are %s keep out a client of %s %s', async (client_certificates, maxVersion, _name, client) => {
    const server = await start_secure({ client_certificates, ca: authority.cert })
    await failure_of(server, { ...client, maxVersion })
    expect(server.stats()).toMatchObject({ accepted: 0, refused: { tls_failed: 1, bad_handshake: 0 } })
  })

  it.each(versions)('that are optional admit a client of %s without one', async maxVersion => {
    const server = await start_secure({ client_certificates: 'optional', ca: authority.cert })
    const ws = await connect_client(server, { maxVersion })
    expect([...server.sockets][0]?.request.certificate).toBeUndefined()
    ws.terminate()
  })

  it.each(versions)('are shown again in a resumed session of %s', async maxVersion => {
    const server = await start_secure({ client_certificates: 'optional', ca: authority.cert })
    const shown: unknown[] = []
    for (const client of [alice, {}]) {
      const first = await secure_client(server, { ...client, maxVersion })
      first.write(`${Object.values(handshake_lines()).join('\r\n')}\r\n\r\n`)
      await once(first, 'data')
      const session = first.getSession()
      first.destroy()
      const again = await secure_client(server, { ...client, maxVersion, session })
      expect(again.isSessionReused()).toBe(true)
      again.write(`${Object.values(handshake_lines()).join('\r\n')}\r\n\r\n`)
      await once(again, 'data')
      shown.push([...server.sockets].at(-1)?.request.certificate?.subject)
      again.destroy()
    }
    expect(shown).toEqual([{ CN: 'alice' }, undefined])
  })

  it('also have to be valid under a name of sni', async () => {
    const server = await start_secure({
      client_certificates: 'required',
      ca: authority.cert,
      sni: { 'chat.test': chat },
    })
    await failure_of(server, { ...mallory, servername: 'chat.test' })
    await failure_of(server, { servername: 'chat.test' })
    expect(server.stats()).toMatchObject({ accepted: 0, refused: { tls_failed: 2 } })
    const ws = await connect_client(server, { ...alice, servername: 'chat.test' })
    ws.terminate()
  })
})

describe('sni', () => {
  it.each([
    ['chat.test', 'chat'],
    ['CHAT.test', 'chat'],
    ['lobby.rooms.test', 'wild'],
    ['rooms.test', 'localhost'],
    ['a.lobby.rooms.test', 'localhost'],
    ['elsewhere.test', 'localhost'],
    ['', 'localhost'],
  ])('answers a client that asks for %j with the certificate of %s', async (servername, name) => {
    const server = await start_secure({ sni: { 'Chat.test': chat, '*.rooms.test': wild } })
    const socket = await secure_client(server, { servername, checkServerIdentity: () => undefined })
    expect(socket.getPeerCertificate().subject.CN).toBe(name)
    socket.destroy()
  })

  it('applies min_version under every name', async () => {
    const server = await start_secure({ min_version: 'TLSv1.3', sni: { 'chat.test': chat } })
    await expect(secure_client(server, { servername: 'chat.test', maxVersion: 'TLSv1.2' })).rejects.toThrow()
  })
})

describe('the option tls', () => {
  const trusting = { ca: authority.cert, client_certificates: 'required' }

  it.each([
    ['text', identity.cert, /the option tls is of type string; expected an object such as \{ cert, key \}/],
    ['no key', { cert: identity.cert }, /in the option tls: the option key is missing; expected PEM/],
    [
      'an option that is mistyped',
      { ...identity, certs: '' },
      /tls: there is no option "certs"; did you mean cert\?/,
    ],
    [
      'a key of another certificate',
      { ...identity, key: alice.key },
      /tls: cert and key do not belong together/,
    ],
    [
      'a file name',
      { ...identity, key: '/etc/key.pem' },
      /tls: key can't be read: .*content of a PEM file, not its name/,
    ],
    [
      'an empty list',
      { ...identity, cert: [] },
      /tls: the option cert is of type object; expected PEM .*or a list/,
    ],
    [
      'a version that is too old',
      { ...identity, min_version: 'TLSv1.1' },
      /min_version is "TLSv1.1"; expected 'TLSv1.2' or/,
    ],
    [
      'client certificates of no authority',
      { ...identity, client_certificates: 'optional' },
      /client_certificates is 'optional', and ca is missing/,
    ],
    [
      'an authority for nothing',
      { ...identity, ca: authority.cert },
      /ca is for the certificates of clients, and client_certificates is 'none'/,
    ],
    ['an authority that is none', { ...identity, ...trusting, ca: 'ca.pem' }, /tls: ca is no certificate/],
    [
      'another choice',
      { ...identity, ...trusting, client_certificates: true },
      /client_certificates is true; expected 'none', 'optional' or 'required'/,
    ],
    [
      'a list of names',
      { ...identity, sni: [chat] },
      /the option sni is an array of 1; expected an object of \{ cert, key \} by host name/,
    ],
    [
      'a name that is none',
      { ...identity, sni: { 'chat.*': chat } },
      /the option sni is an object; expected/,
    ],
    [
      'a name without a key',
      { ...identity, sni: { 'chat.test': { cert: chat.cert } } },
      /tls, in sni for chat\.test: the option key is missing/,
    ],
    [
      'a name with nothing',
      { ...identity, sni: { 'chat.test': null } },
      /tls, in sni for chat\.test got null/,
    ],
    [
      'a name with a key of another',
      { ...identity, sni: { 'chat.test': { ...chat, key: wild.key } } },
      /tls, in sni for chat\.test: cert and key do not belong/,
    ],
  ])('with %s throws an error that names what is expected', (_name, tls, message) => {
    let error: unknown
    try {
      listen({ type: 'ws', bind: '127.0.0.1:0', tls: tls as never })
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringMatching(message) })
    expect(String(error)).not.toMatch(/BEGIN|\/etc/)
  })

  it('closes a server that was never open', async () => {
    const server = start({ tls: identity })
    server.close()
    await server.closed
  })
})
