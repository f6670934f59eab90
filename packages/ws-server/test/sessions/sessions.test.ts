import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { CloseInfo, NetError, WsListenOptions, WsServer, WsSocket } from '../../src/index.js'
import { connect_client, start_open, stop_all } from '../started_server.js'
import { SessionPeer } from './session_peer.js'

afterEach(stop_all)

const NO_TOKEN = new Uint8Array()

/** A server with sessions, and what it has called back. */
interface Recorded {
  readonly server: WsServer
  readonly calls: string[]
  readonly errors: NetError[]
  /** Resolves when a call is made that begins with `text`. */
  call(text: string): Promise<string>
}

async function start(options: Partial<WsListenOptions<boolean>> = {}): Promise<Recorded> {
  const calls: string[] = []
  const errors: NetError[] = []
  const waiting: { text: string; resolve(call: string): void }[] = []
  const record = (call: string): void => {
    calls.push(call)
    for (const { text, resolve } of waiting) if (call.startsWith(text)) resolve(call)
  }
  const server = await start_open({
    sessions: true,
    binary: true,
    on_connect: () => record('connect'),
    on_message: (_socket: WsSocket, data: string | Uint8Array) =>
      record(`got ${typeof data === 'string' ? data : `bytes ${[...data]}`}`),
    on_close: (_socket: WsSocket, { code, cause, unsent }: CloseInfo) =>
      record(`close ${code} ${cause} ${unsent}`),
    on_away: () => record('away'),
    on_back: () => record('back'),
    on_error: (error: NetError) => errors.push(error),
    ...options,
  } as Partial<WsListenOptions>)
  const call = (text: string): Promise<string> => {
    const made = calls.find(made_call => made_call.startsWith(text))
    return made === undefined
      ? new Promise(resolve => waiting.push({ text, resolve }))
      : Promise.resolve(made)
  }
  return { server, calls, errors, call }
}

const only_socket = (server: WsServer): WsSocket => [...server.sockets][0] as WsSocket

describe('a session on a server', () => {
  it('begins with a welcome, and carries text as it is and bytes with a leading one', async () => {
    const { server, calls, call } = await start()
    const peer = await SessionPeer.greeted(server)
    const welcome = await peer.next_control('welcome')
    expect(welcome).toMatchObject({
      recovered: false,
      received: 0,
      handled: 0,
      hold_ms: 60_000,
      protocol: '',
    })
    expect(welcome.token).toHaveLength(16)
    peer.send('one')
    peer.send(Uint8Array.of(1, 2))
    await call('got bytes')
    expect(calls).toEqual(['connect', 'got one', 'got bytes 1,2'])
    const socket = only_socket(server)
    expect(socket.is_away).toBe(false)
    socket.send('two')
    socket.send(Uint8Array.of(3))
    server.broadcast(Uint8Array.of(4))
    server.broadcast('three')
    expect([await peer.next(), await peer.next(), await peer.next(), await peer.next()]).toEqual([
      'two',
      Uint8Array.of(3),
      Uint8Array.of(4),
      'three',
    ])
    peer.control({ type: 'ack', handled: 4 })
    await socket.drained()
    expect(server.stats().sessions).toEqual({
      held: 0,
      held_bytes: 0,
      relayed: 0,
      started: 1,
      recovered: 0,
      not_recovered: 0,
      expired: 0,
    })
  })

  it('goes on over the next connection, and sends again what had not arrived', async () => {
    const { server, calls, call } = await start()
    const peer = await SessionPeer.greeted(server)
    const { token } = await peer.next_control('welcome')
    const socket = only_socket(server)
    const { id } = socket
    await socket.join('news')
    peer.send('one')
    await call('got one')
    socket.send('a')
    socket.send('b')
    expect([await peer.next(), await peer.next()]).toEqual(['a', 'b'])
    peer.cut()
    await call('away')
    expect([server.sockets.size, socket.is_away, socket.state]).toEqual([1, true, 'open'])
    expect(socket.send('c')).toBe(true)
    expect(server.publish('news', 'd')).toBe(1)
    expect(server.stats().sessions?.held).toBe(1)
    const again = await SessionPeer.greeted(server, token, { received: 1, handled: 1 })
    const welcome = await again.next_control('welcome')
    expect(welcome).toMatchObject({ recovered: true, received: 1, handled: 1 })
    expect(welcome.token).not.toEqual(token)
    expect([await again.next(), await again.next(), await again.next()]).toEqual(['b', 'c', 'd'])
    expect([...server.sockets]).toEqual([socket])
    expect([socket.id, socket.is_away, calls]).toEqual([id, false, ['connect', 'got one', 'away', 'back']])
    expect(server.stats().sessions).toMatchObject({ held: 0, started: 1, recovered: 1 })
    // The peer acknowledges nothing, so an orderly close would wait for it.
    server.close({ now: true })
  })

  it('ends in order by the control message end, with nothing unsent, and without it only when it expires', async () => {
    const { server, call } = await start({ sessions: { hold_ms: 30 } })
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    peer.control({ type: 'end', handled: 0, code: 1000 })
    peer.ws.close(1000)
    expect(await call('close')).toBe('close 1000 peer 0')
    const other = await start({ sessions: { hold_ms: 30 } })
    const second = await SessionPeer.greeted(other.server)
    await second.next_control('welcome')
    only_socket(other.server).send('never handled')
    second.ws.close(1000)
    expect(await other.call('close')).toBe('close 1006 network 1')
    expect(other.calls).toEqual(['connect', 'away', 'close 1006 network 1'])
    expect(other.server.stats().sessions?.expired).toBe(1)
  })

  it('handles nothing more once it was ended by an error, since its client may send the rest again', async () => {
    const gate = deferred<void>()
    const handled: unknown[] = []
    const { server, call } = await start({
      max_payload: 100,
      on_message: (_socket, data) => {
        handled.push(data)
        return gate.promise
      },
    })
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    for (const text of ['one', 'two', 'x'.repeat(101)]) peer.send(text)
    // The callback that is running counts.
    expect(await peer.next_control('end')).toMatchObject({ handled: 1, code: 1009 })
    gate.resolve()
    await call('close')
    expect(handled).toEqual(['one'])
  })

  it('handles nothing more once the server has closed it, even with late messages to be delivered', async () => {
    const { server, calls } = await start()
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    peer.ws.once('message', () => peer.send('late'))
    server.close({ late: 'delivered' })
    expect(await peer.next_control('end')).toMatchObject({ handled: 0 })
    await server.closed
    expect(calls).toEqual(['connect', 'close 1001 shutdown 0'])
  })

  it('counts a message as handled once the promise of its callback has settled', async () => {
    const handling = deferred<void>()
    const begun = deferred<void>()
    const { server } = await start({
      on_message: async () => {
        begun.resolve()
        await handling.promise
      },
    })
    const peer = await SessionPeer.greeted(server)
    const { token } = await peer.next_control('welcome')
    peer.send('slow')
    await begun.promise
    const again = await SessionPeer.greeted(server, token)
    expect(await again.next_control('welcome')).toMatchObject({ recovered: true, received: 1, handled: 0 })
    handling.resolve()
    expect(await again.next_control('ack')).toEqual({ type: 'ack', handled: 1 })
    again.control({ type: 'ping' })
    expect(await again.next_control('pong', [])).toEqual({ type: 'pong' })
  })

  it('acknowledges at once if it is asked for by a ping', async () => {
    const { server } = await start()
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    peer.send('one')
    peer.control({ type: 'ping' })
    expect(await peer.next()).toEqual({ type: 'ack', handled: 1 })
    expect(await peer.next()).toEqual({ type: 'pong' })
  })

  it('belongs to the newest connection: the older one is ended', async () => {
    const { server, calls } = await start()
    const first = await SessionPeer.greeted(server)
    const { token } = await first.next_control('welcome')
    const second = await SessionPeer.greeted(server, token)
    expect((await second.next_control('welcome')).recovered).toBe(true)
    expect(await first.closed()).toBe(1006)
    first.ws.terminate()
    second.send('one')
    second.control({ type: 'ping' })
    await second.next_control('pong')
    expect([server.sockets.size, calls]).toEqual([1, ['connect', 'got one']])
  })

  it('uses up a token once its client has used the next one', async () => {
    const { server } = await start()
    const peer = await SessionPeer.greeted(server)
    const { token: first } = await peer.next_control('welcome')
    // The client has not received the welcome with the second token.
    const lost = await SessionPeer.greeted(server, first)
    await lost.next_control('welcome')
    const again = await SessionPeer.greeted(server, first)
    const { token: third, recovered } = await again.next_control('welcome')
    expect(recovered).toBe(true)
    const last = await SessionPeer.greeted(server, third)
    expect((await last.next_control('welcome')).recovered).toBe(true)
    const replayed = await SessionPeer.greeted(server, first)
    expect((await replayed.next_control('welcome')).recovered).toBe(false)
    expect(server.stats().sessions).toMatchObject({ recovered: 3, not_recovered: 1, started: 2 })
  })

  it('goes on for the client that has the latest token, though an earlier hello arrives late', async () => {
    const { server } = await start()
    const peer = await SessionPeer.greeted(server)
    const { token: first } = await peer.next_control('welcome')
    const second = await SessionPeer.greeted(server, first)
    const { token: latest } = await second.next_control('welcome')
    const late = await SessionPeer.greeted(server, first)
    await late.next_control('welcome')
    const third = await SessionPeer.greeted(server, latest)
    expect((await third.next_control('welcome')).recovered).toBe(true)
    expect(server.stats().sessions).toMatchObject({ recovered: 3, not_recovered: 0, started: 1 })
  })

  it('starts another session for a guessed token, and leaves that of others alone', async () => {
    const { server } = await start()
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    const guessing = await SessionPeer.greeted(server, new Uint8Array(16), { received: 3, handled: 2 })
    expect(await guessing.next_control('welcome')).toMatchObject({
      recovered: false,
      received: 0,
      handled: 0,
    })
    expect(server.sockets.size).toBe(2)
  })

  it('refuses a resume whose counts are impossible, and keeps the session', async () => {
    const { server, errors } = await start()
    const peer = await SessionPeer.greeted(server)
    const { token } = await peer.next_control('welcome')
    const liar = await SessionPeer.greeted(server, token, { received: 5, handled: 5 })
    expect(await liar.closed()).toBe(1002)
    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      ['protocol_error', 'closed with 1002: the peer claims to have received 5 and handled 5 of 0 messages'],
    ])
    peer.control({ type: 'ping' })
    expect(await peer.next_control('pong')).toEqual({ type: 'pong' })
  })

  it('is a new one for a client that has forgotten what it has said', async () => {
    const { server } = await start()
    const peer = await SessionPeer.greeted(server)
    const { token } = await peer.next_control('welcome')
    const socket = only_socket(server)
    socket.send('one')
    await peer.next()
    peer.control({ type: 'ack', handled: 1 })
    await socket.drained()
    const forgetful = await SessionPeer.greeted(server, token, { received: 0, handled: 0 })
    expect((await forgetful.next_control('welcome')).recovered).toBe(false)
    expect(server.sockets.size).toBe(2)
  })

  it.each([
    ['a text', (peer: SessionPeer) => peer.send('hello')],
    ['another control message', (peer: SessionPeer) => peer.control({ type: 'ack', handled: 0 })],
    ['bytes of the application', (peer: SessionPeer) => peer.send(Uint8Array.of(1))],
    ['nothing we know', (peer: SessionPeer) => peer.ws.send(Uint8Array.of(0, 99))],
  ])('closes with 1002 if a client begins with %s', async (_, speak) => {
    const { server, errors } = await start()
    const peer = await SessionPeer.open(server)
    speak(peer)
    expect(await peer.closed()).toBe(1002)
    expect(errors[0]?.message).toBe(
      'closed with 1002: a client that asked for bt.session.1 began without a hello',
    )
    expect(server.sockets.size).toBe(0)
  })

  it('closes with 1002 if a client does not say within handshake_timeout which session it wants', async () => {
    const { server, errors } = await start({ handshake_timeout: 40 })
    const peer = await SessionPeer.open(server)
    expect(await peer.closed()).toBe(1002)
    expect(errors[0]?.message).toContain('did not say which session it wants')
  })

  it('pauses its client by the window, and goes on as that acknowledges', async () => {
    const { server } = await start()
    const peer = await SessionPeer.greeted(server, NO_TOKEN, { window: 100 })
    await peer.next_control('welcome')
    const socket = only_socket(server)
    for (let i = 0; i < 10; i += 1) socket.send('x'.repeat(60))
    // One batch of a turn may be of any size; the window counts before the next.
    for (let i = 0; i < 10; i += 1) await peer.next()
    socket.send('held back')
    peer.control({ type: 'ping' })
    expect(await peer.next()).toEqual({ type: 'pong' })
    peer.control({ type: 'ack', handled: 10 })
    expect(await peer.next()).toBe('held back')
    peer.control({ type: 'ack', handled: 11 })
  })

  it('ends if what is published to it does not fit into its queue, instead of missing it', async () => {
    const { server, errors, call } = await start({ max_queue: 1_000 })
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    const socket = only_socket(server)
    await socket.join('news')
    peer.cut()
    await call('away')
    expect(server.publish('news', 'x'.repeat(900))).toBe(1)
    const full = socket.send('y'.repeat(200))
    expect(full !== true && full.code).toBe('queue_full')
    expect(server.publish('news', 'y'.repeat(200))).toBe(0)
    expect(await call('close')).toBe('close 1013 overflow 1')
    expect(errors.map(({ code }) => code)).toEqual(['queue_full', 'queue_shed'])
  })

  it('is dropped with its socket, but lives on, if its client is silent for twice heartbeat', async () => {
    const { server, call } = await start({ heartbeat: 50 })
    const peer = await SessionPeer.greeted(server)
    const { token } = await peer.next_control('welcome')
    peer.ws.pause()
    await call('away')
    const again = await SessionPeer.greeted(server, token)
    expect((await again.next_control('welcome')).recovered).toBe(true)
    peer.cut()
  })

  it('shows the address and the request of its latest connection, and keeps its own data', async () => {
    const { server } = await start({
      trust_proxy: true,
      authorize: request => ({ path: request.headers['x-step'] }),
      sessions: { identity: () => 'anna' },
    } as Partial<WsListenOptions<boolean>>)
    const headers = (ip: string, step: string): Record<string, string> => ({
      'X-Forwarded-For': ip,
      'X-Step': step,
    })
    const peer = await SessionPeer.greeted(server, NO_TOKEN, {}, headers('192.0.2.1', 'one'))
    const { token } = await peer.next_control('welcome')
    const socket = only_socket(server)
    expect([socket.addr, socket.request.headers['x-step']]).toEqual(['192.0.2.1:0', 'one'])
    const again = await SessionPeer.greeted(server, token, {}, headers('192.0.2.2', 'two'))
    await again.next_control('welcome')
    expect([socket.addr, socket.request.headers['x-step'], socket.data]).toEqual([
      '192.0.2.2:0',
      'two',
      { path: 'one' },
    ])
  })

  it('goes on only for the same identity; another client with its token gets a session of its own', async () => {
    const { server } = await start({
      authorize: request => request.headers['x-user'],
      sessions: { identity: (data: unknown) => String(data) },
    } as Partial<WsListenOptions<boolean>>)
    const peer = await SessionPeer.greeted(server, NO_TOKEN, {}, { 'X-User': 'anna' })
    const { token } = await peer.next_control('welcome')
    const thief = await SessionPeer.greeted(server, token, {}, { 'X-User': 'eve' })
    expect((await thief.next_control('welcome')).recovered).toBe(false)
    const again = await SessionPeer.greeted(server, token, {}, { 'X-User': 'anna' })
    expect((await again.next_control('welcome')).recovered).toBe(true)
    expect(Array.from(server.sockets, ({ data }) => data)).toEqual(['anna', 'eve'])
  })

  it.each<[string, (data: unknown) => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no user')
      },
    ],
    ['returns an object', data => ({ data })],
  ])('closes with 1011 if identity %s', async (_, identity) => {
    const { server, errors } = await start({
      authorize: () => 'anna',
      sessions: { identity },
    } as Partial<WsListenOptions<boolean>>)
    const peer = await SessionPeer.greeted(server)
    expect(await peer.closed()).toBe(1011)
    expect(errors[0]).toMatchObject({ code: 'handler_failed', message: expect.stringMatching(/^identity/) })
  })
})

describe('on_away and on_back', () => {
  it.each([
    [
      'throw',
      () => {
        throw new Error('a defect')
      },
    ],
    ['reject', () => Promise.reject(new Error('a defect'))],
  ])('are reported if they %s, and the session goes on', async (_, fail) => {
    const failed = [deferred<NetError>(), deferred<NetError>()]
    let reports = 0
    const { server } = await start({
      on_away: fail,
      on_back: fail,
      on_error: error => failed[reports++]?.resolve(error),
    } as Partial<WsListenOptions<boolean>>)
    const peer = await SessionPeer.greeted(server)
    const { token } = await peer.next_control('welcome')
    peer.cut()
    expect(await failed[0]?.promise).toMatchObject({
      code: 'handler_failed',
      message: expect.stringMatching(/^on_away .*a defect/),
    })
    const again = await SessionPeer.greeted(server, token)
    expect((await again.next_control('welcome')).recovered).toBe(true)
    expect(await failed[1]?.promise).toMatchObject({ message: expect.stringMatching(/^on_back .*a defect/) })
    only_socket(server).send('on')
    expect(await again.next()).toBe('on')
    again.control({ type: 'ack', handled: 1 })
  })
})

describe('the limits of sessions', () => {
  it('a session that waits keeps its place, and its client can take it although the server is full', async () => {
    const { server, call } = await start({ max_connections: 1 })
    const peer = await SessionPeer.greeted(server)
    const { token } = await peer.next_control('welcome')
    peer.cut()
    await call('away')
    await expect(connect_client(server)).rejects.toThrow('503')
    const stranger = await SessionPeer.greeted(server)
    expect(await stranger.closed()).toBe(1013)
    const again = await SessionPeer.greeted(server, token)
    expect((await again.next_control('welcome')).recovered).toBe(true)
  })

  it('end the one that waits longest if there are more than max_held', async () => {
    const { server, call, calls } = await start({ sessions: { max_held: 1 } })
    for (let i = 0; i < 2; i += 1) {
      const peer = await SessionPeer.greeted(server)
      await peer.next_control('welcome')
      peer.cut()
      await call('away')
    }
    expect(await call('close')).toBe('close 1006 overflow 0')
    expect(calls.filter(made => made === 'away')).toHaveLength(2)
    expect(server.stats().sessions).toMatchObject({ held: 1, expired: 1 })
  })

  it('end those that wait from one address beyond max_connections_per_ip', async () => {
    const { server, call } = await start({ max_connections_per_ip: 1 })
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    peer.cut()
    await call('away')
    const second = await SessionPeer.greeted(server)
    await second.next_control('welcome')
    second.cut()
    expect(await call('close')).toBe('close 1006 overflow 0')
    expect(server.stats().sessions).toMatchObject({ held: 1, expired: 1 })
  })

  it('do not count clients of a Unix socket by address, since they have none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sessions-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const bind = `unix:${join(folder, 's')}`
    const { server, calls } = await start({ bind, max_connections_per_ip: 1 })
    const tokens: Uint8Array[] = []
    for (let i = 0; i < 2; i += 1) {
      const peer = await SessionPeer.greeted(server)
      tokens.push((await peer.next_control('welcome')).token)
      peer.cut()
    }
    await vi.waitFor(() => {
      expect(server.stats().sessions?.held).toBe(2)
    })
    for (const token of tokens) {
      const again = await SessionPeer.greeted(server, token)
      expect((await again.next_control('welcome')).recovered).toBe(true)
    }
    expect(Array.from(server.sockets, ({ addr }) => addr)).toEqual([bind, bind])
    expect(calls.filter(call => call.startsWith('close'))).toEqual([])
  })

  it('end those that hold most if they hold more than max_held_bytes together', async () => {
    const { server, call } = await start({ sessions: { max_held_bytes: 1_000 } })
    for (const size of [900, 400]) {
      const peer = await SessionPeer.greeted(server)
      await peer.next_control('welcome')
      ;[...server.sockets].at(-1)?.send('x'.repeat(size))
      peer.cut()
    }
    expect(await call('close')).toBe('close 1006 overflow 1')
    expect(server.stats().sessions).toMatchObject({ held: 1, held_bytes: 404, expired: 1 })
  })
})

describe('a client that has ended its session', () => {
  it('has to send its Close soon', async () => {
    const { server, call } = await start({ close_timeout: 40 })
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    peer.control({ type: 'end', handled: 0, code: 1000 })
    expect(await call('close')).toBe('close 1000 peer 0')
    expect(await peer.closed()).toBe(1006)
  })

  it('can end it only once', async () => {
    const { server, errors } = await start()
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    peer.control({ type: 'end', handled: 0, code: 1000 })
    peer.control({ type: 'end', handled: 0, code: 1000 })
    expect(await peer.closed()).toBe(1002)
    expect(errors[0]?.message).toContain('not valid here: end')
  })
})

describe('messages that wait for a callback of a session', () => {
  it('do not keep out the acknowledgement that the callback waits for', async () => {
    const { server } = await start({
      on_message: async (socket: WsSocket, data: string | Uint8Array) => {
        if (data !== 'first') return
        socket.send('answer')
        await socket.drained()
      },
    } as Partial<WsListenOptions<boolean>>)
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    peer.send('first')
    // Together they are much smaller than the window on the wire, but not in memory.
    for (let i = 0; i < 5_000; i += 1) peer.send('x')
    expect(await peer.next()).toBe('answer')
    peer.control({ type: 'ack', handled: 1 })
    peer.control({ type: 'ping' })
    await peer.next_control('pong', ['ack', 'ping'])
  })

  it('count until they are handled, though the session has ended', async () => {
    const handling = deferred<void>()
    const done = deferred<void>()
    const { server } = await start({ on_message: () => handling.promise, on_close: () => done.resolve() })
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    for (let i = 0; i < 3; i += 1) peer.send('x'.repeat(1_000))
    peer.control({ type: 'end', handled: 0, code: 1000 })
    peer.ws.close(1000)
    await peer.closed()
    await vi.waitFor(() => {
      expect(server.sockets.size).toBe(0)
    })
    expect(server.stats().inbox_bytes).toBeGreaterThan(3_000)
    handling.resolve()
    await done.promise
    expect(server.stats().inbox_bytes).toBe(0)
  })

  it('slow a client down that ignores the window, and lose nothing', async () => {
    const handling = deferred<void>()
    let received = 0
    const { server } = await start({
      on_message: () => {
        received += 1
        return handling.promise
      },
    })
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    for (let i = 0; i < 50; i += 1) peer.send('x'.repeat(1_000_000))
    await vi.waitFor(() => {
      expect(server.stats().inbox_bytes).toBeGreaterThan(8_000_000)
    })
    expect(server.stats().inbox_bytes).toBeLessThan(12_000_000)
    handling.resolve()
    await vi.waitFor(() => {
      expect(received).toBe(50)
    })
    peer.cut()
  })
})

describe('a server with sessions', () => {
  it('treats plain clients as ever, and those of a user’s own subprotocol', async () => {
    const { server, call } = await start({ protocols: ['chat'] })
    const plain = await connect_client(server)
    plain.send('plain')
    await call('got plain')
    const socket = only_socket(server)
    socket.send(Uint8Array.of(7))
    const [data] = (await once(plain, 'message')) as [Buffer]
    expect([...data]).toEqual([7])
    plain.terminate()
    expect(await call('close')).toBe('close 1006 network 0')
    const peer = await SessionPeer.open(server, ['chat'])
    expect(peer.ws.protocol).toBe('bt.session.1')
    peer.control({ type: 'hello', token: NO_TOKEN, received: 0, handled: 0, window: 1 })
    expect((await peer.next_control('welcome')).protocol).toBe('chat')
    expect([...server.sockets].at(-1)?.request.protocol).toBe('chat')
  })

  it('closes sessions in order, with the last count, and those that wait at once', async () => {
    const { server, call } = await start()
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    const waiting = await SessionPeer.greeted(server)
    await waiting.next_control('welcome')
    waiting.cut()
    await call('away')
    const silent = await SessionPeer.open(server)
    peer.send('one')
    await call('got one')
    server.close({ code: 1012 })
    expect(await peer.next_control('end')).toEqual({ type: 'end', handled: 1, code: 1012 })
    expect(await peer.closed()).toBe(1012)
    expect(await silent.closed()).toBe(1012)
    await server.closed
    expect(server.stats().closed).toMatchObject({ shutdown: 2 })
  })

  it('ends a session whose connection is lost while it closes, since its client cannot come back', async () => {
    const { server, call } = await start()
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    peer.ws.pause()
    only_socket(server).send('never handled')
    server.close({ code: 1012 })
    peer.cut()
    expect(await call('close')).toBe('close 1006 shutdown 1')
    await server.closed
  })

  it.each([
    [
      'while it closes, to a client that acknowledges nothing',
      1012,
      (server: WsServer) => server.close({ code: 1012 }),
    ],
    ['at once', 1001, (server: WsServer) => server.close({ now: true })],
    ['by terminate', 1001, (server: WsServer) => only_socket(server).terminate()],
  ])('says that it ends a session %s', async (_name, code, end) => {
    const { server } = await start({ close_timeout: 40 })
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    only_socket(server).send('one')
    expect(await peer.next()).toBe('one')
    end(server)
    expect(await peer.next_control('end', ['ping'])).toEqual({ type: 'end', handled: 0, code })
  })

  it('may be closed by identity', async () => {
    const { server } = await start({
      authorize: () => 'anna',
      sessions: {
        identity: () => {
          server.close({ code: 1012 })
          return 'anna'
        },
      },
    } as Partial<WsListenOptions<boolean>>)
    const peer = await SessionPeer.greeted(server)
    expect(await peer.closed()).toBe(1012)
    await server.closed
    expect(server.stats().sessions?.started).toBe(0)
  })

  it('ends at once with now', async () => {
    const { server } = await start()
    const peer = await SessionPeer.greeted(server)
    await peer.next_control('welcome')
    const silent = await SessionPeer.open(server)
    server.close({ now: true })
    await server.closed
    expect(await peer.closed()).toBe(1006)
    expect(await silent.closed()).toBe(1006)
  })

  it('counts the bytes of all connections of a session', async () => {
    const { server } = await start()
    const peer = await SessionPeer.greeted(server)
    const { token } = await peer.next_control('welcome')
    const before = server.stats().received_bytes
    const again = await SessionPeer.greeted(server, token)
    await again.next_control('welcome')
    expect(server.stats().received_bytes).toBeGreaterThan(before * 1.5)
  })

  it('forgets the memory of messages that wait when their session loses its connection', async () => {
    const handling = deferred<void>()
    const { server, call } = await start({ on_message: () => handling.promise })
    const peer = await SessionPeer.greeted(server)
    const { token } = await peer.next_control('welcome')
    for (let i = 0; i < 3; i += 1) peer.send('x'.repeat(1_000))
    peer.control({ type: 'ping' })
    await peer.next_control('pong')
    expect(server.stats().inbox_bytes).toBeGreaterThan(3_000)
    peer.cut()
    await call('away')
    expect(server.stats()).toMatchObject({ inbox_bytes: 0, sessions: { held_bytes: 2_256 } })
    const again = await SessionPeer.greeted(server, token)
    await again.next_control('welcome')
    handling.resolve()
    expect(await again.next_control('ack')).toEqual({ type: 'ack', handled: 3 })
    expect(server.stats().inbox_bytes).toBe(0)
  })
})
