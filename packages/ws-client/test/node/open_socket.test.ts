import dns from 'node:dns'
import { getMaxListeners, once, setMaxListeners } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connect_tcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deferred } from '@bt/test-support/deferred'
import { answer_to } from '@bt/test-support/handshake'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { connect, type NetError } from '../../src/index.js'
import { start_http_server, start_raw_server, start_ws_server, stop_all } from '../echo_server.js'
import { outcome_of } from '../outcome.js'

afterEach(() => {
  vi.restoreAllMocks()
  stop_all()
})

/** Stands for the DNS: each host has these addresses, or the lookup of it fails. */
function serve_names(answer: (host: string, done: (found: Error | readonly string[]) => void) => void): void {
  const lookup = (host: string, options: dns.LookupAllOptions, done: (...result: unknown[]) => void): void =>
    answer(host, found => {
      if (found instanceof Error) return done(found)
      const all = found.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
      options.all ? done(null, all) : done(null, all[0]?.address, all[0]?.family)
    })
  vi.spyOn(dns, 'lookup').mockImplementation(lookup as typeof dns.lookup)
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

const outcome = outcome_of(connect)

/** Answers a handshake by RFC 6455 §4.2.2, and then sends `bytes`. */
function accept(socket: Socket, bytes: Uint8Array, headers = ''): void {
  socket.once('data', request => {
    socket.write(answer_to(request.toString(), headers))
    socket.write(bytes)
  })
}

describe('a connection that does not open', () => {
  it('is reported as connection_refused to on_error, opened and on_close if nothing listens', async () => {
    const { url, stop } = await start_http_server(() => {})
    stop()
    const { errors, info, opened } = await outcome(url)
    expect(errors.map(error => error.code)).toEqual(['connection_refused'])
    expect(errors[0]?.message).toContain(url)
    expect(opened).toBe(errors[0])
    expect(info).toEqual({ code: 1006, reason: '', cause: 'refused', clean: false, unsent: 0 })
  })

  it.skipIf(process.platform === 'win32')(
    'since there is no such Unix socket is connection_refused',
    async () => {
      const { errors } = await outcome('ws+unix:/no/such.sock:/ws')
      expect(errors.map(error => error.code)).toEqual(['connection_refused'])
    },
  )

  // 127.255.255.255 is the broadcast address of the loopback network: there is no way to it for TCP.
  it.skipIf(process.platform !== 'linux').each([
    [['127.255.255.255', '127.0.0.1'], 'connection_refused', /nobody listens .*ENETUNREACH.*ECONNREFUSED/],
    [['127.0.0.1', '127.255.255.255'], 'connection_refused', /nobody listens .*ECONNREFUSED.*ENETUNREACH/],
    [['127.0.0.1', '127.0.0.2'], 'connection_refused', /nobody listens at ws:\/\/host\.test:9\/ws: start/],
    [
      ['127.255.255.255', '::ffff:127.255.255.255'],
      'handshake_failed',
      /did not open a WebSocket: connect ENETUNREACH.*; connect ENETUNREACH/,
    ],
  ])(
    'since the addresses %j of its host all fail is %s, with the reasons',
    async (addresses, code, message) => {
      serve_names((_host, done) => process.nextTick(done, addresses))
      const { errors, opened } = await outcome('ws://host.test:9/ws')
      expect(errors).toMatchObject([{ code, message: expect.stringMatching(message) }])
      expect(opened).toBe(errors[0])
    },
  )

  it.each([
    ['ENOTFOUND', 'host_not_found', /no host of that name/],
    ['EAI_AGAIN', 'host_not_found', /the DNS does not answer for ws:\/\/host\.test\/ws: check/],
    ['ETIMEDOUT', 'connect_timeout', /nothing answers at ws:\/\/host\.test\/ws \(it says ETIMEDOUT\): check/],
    ['ERR_SOCKET_CONNECTION_TIMEOUT', 'connect_timeout', /nothing answers at/],
    ['EHOSTUNREACH', 'handshake_failed', /did not open a WebSocket: it says EHOSTUNREACH$/],
    ['EMFILE', 'handshake_failed', /no file descriptor is left/],
  ])('with the error %s of Node is %s', async (node_code, code, message) => {
    serve_names((_host, done) => process.nextTick(done, coded(node_code, `it says ${node_code}`)))
    const { errors } = await outcome('ws://host.test/ws')
    expect(errors).toMatchObject([{ code, message: expect.stringMatching(message) }])
  })

  it('is host_not_found if the host does not exist', async () => {
    const { errors } = await outcome('ws://no-such-host.invalid/ws')
    expect(errors.map(error => error.code)).toEqual(['host_not_found'])
  })

  it.each([
    [404, 'nothing here', {}, /answered 404 Not Found: nothing here$/],
    [403, ' not\n  you ', {}, /answered 403 Forbidden: not you$/],
    [
      302,
      '',
      { Location: 'ws://elsewhere/' },
      /answered 302 Found \(it points to ws:\/\/elsewhere\/; redirects are not followed\)$/,
    ],
    [200, 'x'.repeat(5_000), {}, /answered 200 OK: x{200}…$/],
  ])(
    'since it was answered %i is handshake_refused, with what the server said',
    async (status, body, headers, message) => {
      const { url } = await start_http_server((_request, response) =>
        response.writeHead(status, headers).end(body),
      )
      const { errors, info } = await outcome(url)
      expect(errors).toMatchObject([
        {
          code: 'handshake_refused',
          message: expect.stringMatching(message),
          cause: { status, answered_by: 'server' },
        },
      ])
      expect(info.cause).toBe('refused')
    },
  )

  it('is connect_timeout if the server does not answer in that time', async () => {
    const { url } = await start_raw_server(() => {})
    const { errors, info, opened } = await outcome(url, { connect_timeout: 50 })
    expect(errors).toMatchObject([{ code: 'connect_timeout', message: expect.stringContaining('50 ms') }])
    expect(opened).toBe(errors[0])
    expect(info).toMatchObject({ code: 1006, cause: 'refused' })
  })

  it.each([
    [
      'hangs up',
      (socket: Socket) => socket.once('data', () => socket.destroy()),
      /it ended the connection before it answered \(.+\); check that a WebSocket server listens there$/,
    ],
    [
      'resets',
      (socket: Socket) => socket.once('data', () => socket.resetAndDestroy()),
      /it ended the connection before it answered \(.+\); check that a WebSocket server listens there$/,
    ],
    [
      'does not speak HTTP',
      (socket: Socket) => socket.end('hello\r\n\r\n'),
      /its answer can't be read as HTTP \(Parse Error.+\); check that a WebSocket server listens there$/,
    ],
    [
      'sends a wrong accept key',
      (socket: Socket) =>
        socket.end(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n',
        ),
      /Invalid Sec-WebSocket-Accept header$/,
    ],
    [
      'agrees on what was not offered',
      (socket: Socket) => accept(socket, new Uint8Array(), 'Sec-WebSocket-Protocol: other\r\n'),
      /it agrees on the subprotocol "other", which is not offered$/,
    ],
  ])('is handshake_failed if the server %s', async (_name, on_socket, message) => {
    const { url } = await start_raw_server(on_socket)
    const { errors, info } = await outcome(url)
    expect(errors).toMatchObject([{ code: 'handshake_failed', message: expect.stringMatching(message) }])
    expect(info).toMatchObject({ code: 1006, cause: 'refused', clean: false })
  })

  it.each([
    [
      'takes none of the subprotocols that are offered',
      '',
      ['chat'],
      /did not open a WebSocket: it takes none of the subprotocols that are offered; offer one .* option protocols$/,
    ],
    [
      'agrees on a subprotocol that is not offered',
      'Sec-WebSocket-Protocol: other\r\n',
      ['chat'],
      /did not open a WebSocket: it agrees on the subprotocol "other", which is not offered$/,
    ],
  ])(
    'is handshake_failed with an explanation if the server %s',
    async (_name, headers, protocols, message) => {
      const { url } = await start_raw_server(socket => accept(socket, new Uint8Array(), headers))
      const { errors } = await outcome(url, { protocols })
      expect(errors).toMatchObject([{ code: 'handshake_failed', message: expect.stringMatching(message) }])
    },
  )

  it('is handshake_refused even if the response of the server does not end', async () => {
    const { url } = await start_http_server((_request, response) =>
      response.writeHead(503).write('too \x1bbusy'),
    )
    const { errors } = await outcome(url)
    expect(errors).toMatchObject([
      {
        code: 'handshake_refused',
        message: expect.stringMatching(/answered 503 Service Unavailable: too \\u\{1b\}busy$/),
      },
    ])
  })

  it('shows no password of a redirect', async () => {
    const { url } = await start_http_server((_request, response) =>
      response.writeHead(302, { Location: 'ws://user:secret@elsewhere/' }).end(),
    )
    const { errors } = await outcome(url)
    expect(errors[0]?.message).toContain('ws://***@elsewhere/')
  })

  it('shows no password of the URL', async () => {
    const { url, stop } = await start_http_server(() => {})
    stop()
    const { errors } = await outcome(url.replace('ws://', 'ws://user:secret@'))
    expect(errors[0]?.message).not.toContain('secret')
  })
})

describe('a signal that is aborted', () => {
  /** Starts a server that records every connection. */
  const dialled = async (): Promise<{ readonly url: string; readonly dials: () => number }> => {
    let dials = 0
    const { url } = await start_raw_server(socket => {
      dials += 1
      socket.write('hello')
    })
    return { url, dials: () => dials }
  }

  /** Connects once more. Earlier connections have arrived by then, because a server accepts in order. */
  const dial_after = async (url: string): Promise<void> => {
    const socket = connect_tcp(Number(new URL(url).port), '127.0.0.1')
    await once(socket, 'data')
    socket.destroy()
  }

  const ended = { code: 1006, reason: '', cause: 'local', clean: false, unsent: 0 }

  it('before connect opens no socket, and the client ends as closed', async () => {
    const { url, dials } = await dialled()
    for (const reconnect of [false, true]) {
      const { errors, info, opened } = await outcome(url, { signal: AbortSignal.abort(), reconnect })
      expect([errors, info]).toEqual([[], ended])
      expect(opened).toMatchObject({ code: 'closed' })
    }
    await dial_after(url)
    expect(dials()).toBe(1)
  })

  it('during the lookup of the host opens no socket', async () => {
    const { url, dials } = await dialled()
    const controller = new AbortController()
    let found!: () => void
    const asked = new Promise<void>(resolve =>
      serve_names((_host, done) => {
        found = () => done(['127.0.0.1'])
        resolve()
      }),
    )
    const ending = outcome(url.replace('127.0.0.1', 'host.test'), { signal: controller.signal })
    await asked
    controller.abort()
    found()
    expect(await ending).toMatchObject({ errors: [], info: ended })
    vi.restoreAllMocks()
    await dial_after(url)
    expect(dials()).toBe(1)
  })

  it.each(['127.0.0.1', 'localhost'])('in the same turn as connect to %s opens no socket', async host => {
    const { url, dials } = await dialled()
    const controller = new AbortController()
    const ending = outcome(url.replace('127.0.0.1', host), { signal: controller.signal })
    controller.abort()
    expect(await ending).toMatchObject({ errors: [], info: ended })
    await dial_after(url)
    expect(dials()).toBe(1)
  })

  it.each(['ws', 'wss'])('during an unanswered %s: handshake ends the socket', async scheme => {
    const controller = new AbortController()
    const { promise: is_left, resolve: left } = deferred()
    const { url } = await start_raw_server(socket => {
      socket.on('close', left)
      socket.once('data', () => controller.abort())
    })
    const { errors, info } = await outcome(url.replace('ws:', `${scheme}:`), {
      signal: controller.signal,
      reconnect: true,
    })
    expect([errors, info]).toEqual([[], ended])
    await is_left
  })

  it('is shared by many clients without a warning of a leak', async () => {
    const { url } = await start_ws_server(() => {})
    const warnings: unknown[] = []
    const note = (warning: unknown): unknown => warnings.push(warning)
    process.on('warning', note)
    const controller = new AbortController()
    const endings = Array.from({ length: 12 }, () => outcome(url, { signal: controller.signal }))
    controller.abort()
    await Promise.all(endings)
    process.off('warning', note)
    expect(warnings).toEqual([])
  })

  it('keeps a limit of listeners that its owner has set', () => {
    const { signal } = new AbortController()
    setMaxListeners(3, signal)
    connect({ type: 'ws', url: 'ws://127.0.0.1:9/', signal, on_error: () => {} }).close()
    expect(getMaxListeners(signal)).toBe(3)
  })
})

describe('forbidden frames of a server', () => {
  it.each([
    ['reserved bits', [0xc1, 0x00], 1002, 'protocol_error'],
    ['a masked frame', [0x81, 0x81, 1, 2, 3, 4, 5], 1002, 'protocol_error'],
    ['text that is not UTF-8', [0x81, 0x01, 0xff], 1007, 'invalid_utf8'],
    ['a binary message', [0x82, 0x01, 0x00], 1003, 'unexpected_binary'],
    ['a message over max_payload', [0x81, 0x7e, 0x00, 0xff], 1009, 'message_too_large'],
    ['too many fragments', [0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00], 1008, 'too_many_fragments'],
  ])('%s closes with its code', async (_name, bytes, code, error_code) => {
    let raw!: Socket
    const { url } = await start_raw_server(socket => {
      raw = socket
      accept(socket, Uint8Array.from(bytes))
    })
    const { errors, info } = await outcome(url, { max_payload: 200, max_fragments: 3, close_timeout: 50 })
    expect(errors.map(error => error.code)).toEqual([error_code])
    expect(info).toMatchObject({ code, cause: 'protocol', clean: false })
    raw.destroy()
  })
})

describe('an open connection', () => {
  it('sends the headers of the option with its handshake', async () => {
    const { url } = await start_ws_server((ws, { headers }) => ws.send(JSON.stringify(headers)))
    const ws = connect({ type: 'ws', url, headers: { Authorization: 'Bearer x', 'X-Two': 'a b' } })
    const { value } = await ws[Symbol.asyncIterator]().next()
    expect(JSON.parse(value ?? '')).toMatchObject({ authorization: 'Bearer x', 'x-two': 'a b' })
    ws.close()
  })

  it('offers its subprotocols in the format of browsers, with a space after each comma', async () => {
    let offered: string | undefined
    const { url } = await start_ws_server((ws, { headers }) => {
      offered = headers['sec-websocket-protocol']
      ws.close()
    })
    const ws = connect({ type: 'ws', url, protocols: ['chat.1', 'chat.2'] })
    await ws.closed
    expect(offered).toBe('chat.1, chat.2')
  })

  it('offers its subprotocols, and shows the negotiated one', async () => {
    const { url } = await start_ws_server(() => {}, { handleProtocols: () => 'chat.2' })
    const ws = connect({ type: 'ws', url, protocols: ['chat.1', 'chat.2'] })
    expect(ws.protocol).toBe('')
    await ws.opened
    expect(ws.protocol).toBe('chat.2')
    await ws[Symbol.asyncDispose]()
  })

  it('offers compression only if the option allows it', async () => {
    const offers: string[] = []
    const { url } = await start_ws_server(ws => offers.push(ws.extensions), { perMessageDeflate: true })
    for (const compression of [false, true, { level: 1 }]) {
      const ws = connect({ type: 'ws', url, compression })
      await ws.opened
      await ws[Symbol.asyncDispose]()
    }
    expect(offers).toEqual(['', 'permessage-deflate', 'permessage-deflate'])
  })

  it.skipIf(process.platform === 'win32')('works over a Unix socket as over TCP', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bt-net-'))
    const { url } = await start_ws_server(
      ws => ws.on('message', data => ws.send(`echo:${data}`)),
      {},
      join(folder, 'echo.sock'),
    )
    const ws = connect({ type: 'ws', url })
    ws.send('hello')
    for await (const data of ws) {
      expect(data).toBe('echo:hello')
      ws.close()
    }
    expect(ws.addr).toBe(url)
    stop_all()
    rmSync(folder, { recursive: true })
  })

  it('that is reset ends with connection_lost, and counts unsent messages', async () => {
    let raw!: Socket
    const { url } = await start_raw_server(socket => {
      raw = socket
      accept(socket, new Uint8Array())
    })
    const errors: NetError[] = []
    const ws = connect({ type: 'ws', url, on_error: err => errors.push(err) })
    await ws.opened
    raw.pause()
    while (ws.send('x'.repeat(100_000)) === true);
    raw.resetAndDestroy()
    const info = await ws.closed
    expect(info).toMatchObject({ code: 1006, cause: 'network', clean: false })
    expect(info.unsent).toBeGreaterThan(0)
    expect(errors.map(error => error.code)).toEqual(['queue_full', 'connection_lost'])
    expect(errors[1]?.message).toMatch(
      new RegExp(
        `^the connection to ${url} was lost: \\w+ \\w+; unsent messages: ${info.unsent}; connect again$`,
      ),
    )
  })

  it('that a server ends without a Close is connection_lost', async () => {
    const { url } = await start_raw_server(socket => {
      accept(socket, new Uint8Array())
      once(socket, 'data').then(() => socket.end())
    })
    const { errors } = await outcome(url)
    expect(errors.map(error => error.code)).toEqual(['connection_lost'])
    expect(errors[0]?.message).toContain('no Close came')
  })
})
