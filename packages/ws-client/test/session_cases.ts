import { deferred } from '@bt/test-support/deferred'
import type { NetError, NetErrorCode } from '@bt/ws-protocol'
import { type Control, write_control } from '@bt/ws-protocol/internal'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type {
  CloseInfo,
  connect as Connect,
  ReconnectInfo,
  SessionOpening,
  WsClient,
  WsConnectOptions,
} from '../src/index.js'
import type { session as Session } from '../src/session.js'
import { start_ws_server, stop_all } from './echo_server.js'
import { SessionPeer, start_peers } from './session_peer.js'

/** The `connect` and the `session` of a platform or of a build. */
interface Tested {
  connect(options: WsConnectOptions<boolean>): ReturnType<typeof Connect>
  readonly session: typeof Session
  /** The WebSocket of the platform, which hides why it does not open; left out for Node, which has its own. */
  readonly Socket?: object
  /** Whether errors have texts. */
  readonly has_texts: boolean
}

type Payload = string | Uint8Array

/** What the callbacks of a client got. */
interface Heard {
  readonly openings: SessionOpening[]
  readonly errors: NetError[]
  readonly messages: Payload[]
  readonly waits: ReconnectInfo[]
  readonly ws: WsClient<Payload>
  closed(): Promise<CloseInfo>
}

const reconnect = { min_delay: 1, max_delay: 1 }
const ack = (handled: number): Control => ({ type: 'ack', handled })
const new_session = { recovered: false, in_doubt: 0 }
const same_session = { recovered: true, in_doubt: 0 }

/** Tests `session` with the client of a platform; the test plays the server. */
export function session_cases({ connect, session, Socket, has_texts }: Tested): void {
  const clients: WsClient<Payload>[] = []

  function start(url: string, options: Partial<WsConnectOptions<boolean>> = {}): Heard {
    const openings: SessionOpening[] = []
    const errors: NetError[] = []
    const messages: Payload[] = []
    const waits: ReconnectInfo[] = []
    const ws = connect({
      type: 'ws',
      url,
      reconnect,
      session: session(),
      on_open: (opening: SessionOpening) => void openings.push(opening),
      on_message: (data: Payload) => void messages.push(data),
      on_error: err => void errors.push(err),
      on_reconnecting: info => void waits.push(info),
      ...options,
    }) as WsClient<Payload>
    clients.push(ws)
    return { openings, errors, messages, waits, ws, closed: () => ws.closed }
  }

  const error_of = (code: NetErrorCode, text: RegExp): unknown =>
    expect.objectContaining({ code, message: has_texts ? expect.stringMatching(text) : expect.any(String) })

  /** Starts a client whose attempt fails, and returns the error, and after how long it would try again. */
  async function failure(
    url: string,
    options: Partial<WsConnectOptions<boolean>> = {},
  ): Promise<{ error: NetError; delay_ms: number }> {
    const { promise, resolve } = deferred<{ error: NetError; delay_ms: number }>()
    start(url, {
      on_reconnecting: ({ error, delay_ms }) => void resolve({ error: error as NetError, delay_ms }),
      ...options,
    })
    return await promise
  }

  beforeEach(() => {
    if (Socket !== undefined) vi.stubGlobal('WebSocket', Socket)
  })

  afterEach(() => {
    for (const ws of clients.splice(0)) ws.terminate()
    stop_all()
    vi.unstubAllGlobals()
  })

  describe('a client with a session', () => {
    it('offers it first, asks for a new one, and opens when the server has answered', async () => {
      const { url, next } = await start_peers()
      const { ws, openings } = start(url, { protocols: ['chat'] })
      const peer = await next()
      expect(peer.ws.protocol).toBe('bt.session.1')
      const hello = await peer.hello()
      expect(hello).toEqual({
        type: 'hello',
        token: new Uint8Array(),
        received: 0,
        handled: 0,
        window: 262_144,
      })
      expect([ws.state, ws.protocol]).toEqual(['connecting', ''])
      peer.say_welcome({ protocol: 'chat' })
      await ws.opened
      expect(ws.protocol).toBe('chat')
      expect(openings).toEqual([new_session])
    })

    it('goes on after a loss: sends again what was lost, and no message twice', async () => {
      const { url, next } = await start_peers()
      const { ws, openings, messages } = start(url, { binary: true })
      const first = await next()
      await first.welcome()
      for (const message of ['one', 'two', Uint8Array.of(3), 'four']) ws.send(message)
      expect(await first.messages(4)).toEqual(['one', 'two', Uint8Array.of(3), 'four'])
      first.send('from the server')
      first.say(ack(1))
      expect(await first.control('ack')).toEqual(ack(1))
      first.ws.terminate()
      const second = await next()
      const hello = await second.welcome({
        recovered: true,
        token: Uint8Array.of(8),
        received: 2,
        handled: 1,
      })
      expect(hello).toMatchObject({ token: Uint8Array.of(7), received: 1, handled: 1 })
      ws.send('five')
      expect(await second.messages(3)).toEqual([Uint8Array.of(3), 'four', 'five'])
      const acknowledged = ws.acknowledged()
      second.say(ack(5))
      await acknowledged
      expect(openings).toEqual([new_session, same_session])
      expect(messages).toEqual(['from the server'])
      second.ws.terminate()
      const third = await next()
      expect(await third.welcome({ recovered: true, received: 5, handled: 5 })).toMatchObject({
        token: Uint8Array.of(8),
      })
    })

    it('gets binary messages without their leading byte, and control messages although binary is false', async () => {
      const { url, next } = await start_peers()
      const { messages, errors, closed } = start(url)
      const peer = await next()
      await peer.welcome()
      peer.say({ type: 'ping' })
      await peer.control('pong')
      peer.send(Uint8Array.of(1, 2))
      await closed()
      expect(messages).toEqual([])
      expect(errors).toEqual([error_of('unexpected_binary', /of 2 bytes/)])
    })

    it('does not count the leading byte in max_payload', async () => {
      const { url, next } = await start_peers()
      const { messages, errors, closed } = start(url, { binary: true, max_payload: 4 })
      const peer = await next()
      await peer.welcome()
      peer.send(Uint8Array.of(1, 2, 3, 4))
      peer.send('four')
      peer.send(Uint8Array.of(1, 2, 3, 4, 5))
      expect(await closed()).toMatchObject({ cause: 'protocol' })
      expect(messages).toEqual([Uint8Array.of(1, 2, 3, 4), 'four'])
      expect(errors).toEqual([error_of('message_too_large', /of 5 bytes; raise max_payload, 4 bytes/)])
    })

    it('waits in acknowledged until the server has handled all, not until the network has taken it', async () => {
      const { url, next } = await start_peers()
      const { ws } = start(url)
      const peer = await next()
      await peer.welcome()
      ws.send('one')
      ws.send('two')
      let is_acknowledged = false
      const acknowledged = ws.acknowledged().then(() => {
        is_acknowledged = true
      })
      await peer.messages(2)
      await peer.control('ping')
      peer.say(ack(1))
      peer.say({ type: 'ping' })
      await peer.control('pong')
      expect(is_acknowledged).toBe(false)
      peer.say(ack(2))
      await acknowledged
    })

    it('drops its socket in reconnect, and goes on, which is no error', async () => {
      const { url, next } = await start_peers()
      const { ws, errors, openings, waits } = start(url)
      const first = await next()
      await first.welcome()
      await ws.opened
      ws.send('one')
      expect(ws.reconnect()).toBe(true)
      const second = await next()
      await second.welcome({ recovered: true, received: 0, handled: 0 })
      expect(await second.messages(1)).toEqual(['one'])
      expect(openings).toEqual([new_session, same_session])
      expect(errors).toEqual([])
      expect(waits).toMatchObject([{ delay_ms: 0, info: { cause: 'local', unsent: 0 } }])
    })

    it('closes in order: the server says what it has handled, and the session ends', async () => {
      const { url, next } = await start_peers()
      const { ws, closed } = start(url)
      const peer = await next()
      await peer.welcome()
      ws.send('one')
      ws.close(4_000, 'enough')
      expect(await peer.messages(1)).toEqual(['one'])
      peer.say(ack(1))
      expect(await peer.control('end')).toEqual({ type: 'end', handled: 0, code: 4_000 })
      expect(await closed()).toMatchObject({ cause: 'local', unsent: 0 })
    })
  })

  describe('a client with a session that is closed while it waits to connect again', () => {
    // Only what is asked for opens the next socket.
    const never = { min_delay: 60_000, max_delay: 60_000 }

    it.each([
      ['with messages that were not acknowledged', 'one'],
      ['with nothing to send', undefined],
    ])('comes back to end the session in order, %s', async (_name, message) => {
      const { url, next } = await start_peers()
      const { promise: waits, resolve } = deferred()
      const { ws, openings, closed, errors } = start(url, {
        reconnect: never,
        on_reconnecting: () => resolve(),
      })
      const first = await next()
      await first.welcome()
      await ws.opened
      if (message !== undefined) {
        ws.send(message)
        await first.messages(1)
      }
      first.ws.terminate()
      await waits
      ws.close(4_000, 'enough')
      expect(ws.state).toBe('closing')
      const second = await next()
      expect(await second.welcome({ recovered: true })).toMatchObject({ token: Uint8Array.of(7) })
      if (message !== undefined) {
        expect(await second.messages(1)).toEqual([message])
        second.say(ack(1))
      }
      expect(await second.control('end')).toEqual({ type: 'end', handled: 0, code: 4_000 })
      expect(await closed()).toMatchObject({ code: 4_000, cause: 'local', unsent: 0, clean: true })
      expect(openings).toEqual([new_session])
      expect(errors).toEqual([error_of('connection_lost', /was lost/)])
    })

    it('closes at once if it never had a session', async () => {
      const { url } = await start_ws_server(ws => ws.terminate())
      const { promise: waits, resolve } = deferred()
      const { ws, closed } = start(url, { reconnect: never, on_reconnecting: () => resolve() })
      await waits
      ws.close()
      expect(await closed()).toMatchObject({ cause: 'local', unsent: 0 })
    })

    it('counts what it could not send if its server is gone', async () => {
      const { url, next } = await start_peers()
      const { promise: waits, resolve } = deferred()
      const { ws, closed } = start(url, { reconnect: never, on_reconnecting: () => resolve() })
      const first = await next()
      await first.welcome()
      await ws.opened
      ws.send('one')
      await first.messages(1)
      stop_all()
      await waits
      ws.close()
      expect(await closed()).toMatchObject({ cause: 'local', unsent: 1 })
    })
  })

  describe('a session that could not be recovered', () => {
    it('hands what is in doubt to on_unacknowledged, right before on_open, and sends the rest', async () => {
      const { url, next } = await start_peers()
      const heard: unknown[] = []
      const { ws } = start(url, {
        session: session({
          on_unacknowledged: messages => {
            heard.push(messages)
            ws.send('instead')
          },
        }),
        on_open: (opening: SessionOpening) => void heard.push(opening),
      })
      const first = await next()
      await first.welcome()
      for (const message of ['one', 'two', Uint8Array.of(3)]) ws.send(message)
      const acknowledged = ws.acknowledged()
      await first.messages(3)
      first.say(ack(1))
      first.ws.terminate()
      const second = await next()
      ws.send('four')
      await second.welcome()
      await expect(acknowledged).rejects.toEqual(
        error_of('connection_lost', /^acknowledged: .*may or may not.*see on_unacknowledged/),
      )
      expect(await second.messages(2)).toEqual(['instead', 'four'])
      expect(heard).toEqual([new_session, ['two', Uint8Array.of(3)], { recovered: false, in_doubt: 2 }])
      ws.terminate()
      // Two in doubt, and two that nobody has acknowledged.
      expect(await ws.closed).toMatchObject({ unsent: 4 })
    })

    it('reports what is in doubt as an error if nothing else gets it', async () => {
      const { url, next } = await start_peers()
      const { ws, errors } = start(url)
      const first = await next()
      await first.welcome()
      ws.send('one')
      await first.messages(1)
      first.ws.terminate()
      const second = await next()
      await second.welcome()
      ws.send('two')
      await second.messages(1)
      expect(errors).toEqual([
        error_of('connection_lost', /was lost/),
        error_of(
          'connection_lost',
          /^the session with ws:.* was not recovered: messages in doubt: 1; give session on_unacknowledged, .*'resend'/,
        ),
      ])
    })

    it('sends what is in doubt again, if it is to', async () => {
      const { url, next } = await start_peers()
      const { ws, openings } = start(url, { session: session({ unacknowledged: 'resend' }) })
      const first = await next()
      await first.welcome()
      ws.send('one')
      ws.send('two')
      await first.messages(2)
      first.say(ack(1))
      first.ws.terminate()
      const second = await next()
      await second.welcome()
      expect(await second.messages(1)).toEqual(['two'])
      expect(openings).toEqual([new_session, { recovered: false, in_doubt: 1 }])
    })

    it('has nothing in doubt after an orderly end: what was not handled is sent in the next one', async () => {
      const { url, next } = await start_peers()
      const { ws, openings } = start(url)
      const first = await next()
      await first.welcome()
      ws.send('one')
      ws.send('two')
      await first.messages(2)
      first.say({ type: 'end', handled: 1, code: 1_012 })
      first.ws.close(1_012, 'retry_after_ms=1')
      const second = await next()
      expect(await second.welcome()).toMatchObject({ token: new Uint8Array() })
      expect(await second.messages(1)).toEqual(['two'])
      expect(openings).toEqual([new_session, new_session])
    })

    it.each([
      ['throws', (): void => expect.unreachable()],
      ['rejects', (): Promise<never> => Promise.reject(new Error('broken'))],
    ])('reports an on_unacknowledged that %s, and opens all the same', async (_name, on_unacknowledged) => {
      const { url, next } = await start_peers()
      const { ws, errors, openings } = start(url, { session: session({ on_unacknowledged }) })
      const first = await next()
      await first.welcome()
      ws.send('one')
      await first.messages(1)
      first.ws.terminate()
      const second = await next()
      await second.welcome()
      second.send('more')
      await second.control('ack')
      expect(openings).toHaveLength(2)
      expect(errors.at(-1)).toEqual(error_of('handler_failed', /^on_unacknowledged failed/))
    })

    it('hands over what is in doubt also if the client is closing by then', async () => {
      const { url, next } = await start_peers()
      const lost = deferred<readonly Payload[]>()
      const { ws } = start(url, {
        session: session({ on_unacknowledged: messages => lost.resolve(messages) }),
      })
      const first = await next()
      await first.welcome()
      ws.send('one')
      await first.messages(1)
      first.ws.terminate()
      const second = await next()
      await second.hello()
      ws.send('two')
      ws.close()
      second.say_welcome()
      expect(await lost.promise).toEqual(['one'])
      expect(await second.messages(1)).toEqual(['two'])
    })
  })

  describe('a server without sessions', () => {
    const both_sides = /give listen the option sessions, or leave out the option session here/

    it('that chooses no subprotocol is named as a possible reason', async () => {
      const { url } = await start_ws_server(() => {}, { handleProtocols: () => false })
      const { error, delay_ms } = await failure(url)
      expect(error).toEqual(error_of('handshake_failed', both_sides))
      // A browser does not say why.
      if (Socket === undefined) expect(delay_ms).toBeGreaterThanOrEqual(20_000)
    })

    it('that chooses a subprotocol of the user is not retried for 20 s', async () => {
      const { url } = await start_ws_server(() => {}, { handleProtocols: () => 'chat' })
      const { error, delay_ms } = await failure(url, { protocols: ['chat'] })
      expect(error).toEqual(error_of('handshake_failed', both_sides))
      expect(delay_ms).toBeGreaterThanOrEqual(20_000)
    })

    it.each<[string, (peer: SessionPeer) => void]>([
      ['echoes the hello', ({ ws }) => ws.on('message', data => ws.send(data))],
      ['sends text', ({ ws }) => ws.send('hello')],
      ['sends other bytes', ({ ws }) => ws.send(Uint8Array.of(9, 9))],
      ['sends a control message too early', ({ ws }) => ws.send(write_control(ack(1)))],
      ['takes no binary messages', ({ ws }) => ws.on('message', () => ws.close(1_003))],
    ])('that %s is not retried for 20 s', async (_name, answer) => {
      const { url } = await start_ws_server(ws => answer(new SessionPeer(ws)))
      const { error, delay_ms } = await failure(url)
      expect(error).toEqual(error_of('handshake_failed', both_sides))
      expect(delay_ms).toBeGreaterThanOrEqual(20_000)
    })

    it('that does not answer is named when connect_timeout has passed', async () => {
      const { url } = await start_peers()
      const { error } = await failure(url, { connect_timeout: 100 })
      expect(error).toEqual(error_of('connect_timeout', /needs the option sessions there/))
    })

    it('keeps its code if it refuses with a Close of its own, which is reported', async () => {
      const { url } = await start_ws_server(ws => ws.on('message', () => ws.close(4_401, 'log in')))
      const { ws, closed, errors } = start(url)
      expect(await closed()).toMatchObject({ code: 4_401, reason: 'log in', cause: 'peer' })
      const refused = error_of(
        'handshake_failed',
        /did not open a session: it closed with 4401 log in before its welcome/,
      )
      expect(errors).toEqual([refused])
      await expect(ws.opened).rejects.toEqual(refused)
    })

    it('is reported once if it closes each time before its welcome', async () => {
      let times = 0
      const { promise: third, resolve } = deferred()
      const { url } = await start_ws_server(ws =>
        ws.on('message', () => {
          ws.close(1_011)
          times += 1
          if (times === 3) resolve()
        }),
      )
      const { errors, waits } = start(url)
      await third
      const refused = error_of('handshake_failed', /it closed with 1011 before its welcome/)
      expect(errors).toEqual([refused])
      expect(waits[0]?.error).toEqual(refused)
    })

    it('that ends the connection without a Close is not said to have no sessions', async () => {
      const { url } = await start_ws_server(ws => ws.on('message', () => ws.terminate()))
      const { error, delay_ms } = await failure(url)
      expect(error).toEqual(error_of('handshake_failed', /the connection was lost before its welcome/))
      expect(delay_ms).toBeLessThan(20_000)
    })
  })

  it('a server that takes none of the subprotocols of the user is not retried for 20 s', async () => {
    const { url, next } = await start_peers()
    const failed = failure(url, { protocols: ['chat'] })
    await (await next()).welcome({ protocol: '' })
    const { error, delay_ms } = await failed
    expect(error).toEqual(error_of('handshake_failed', /none of the subprotocols/))
    expect(delay_ms).toBeGreaterThanOrEqual(20_000)
  })

  describe('options', () => {
    const url = 'ws://127.0.0.1:9/ws'
    const given = { type: 'ws', url, reconnect: true } as const
    const unacknowledged = 'drop' as 'report'

    it.each<[string, () => unknown, RegExp]>([
      [
        'an unknown option of session',
        () => session({ resend: true } as object),
        /there is no option "resend"/,
      ],
      ['a wrong value', () => session({ unacknowledged }), /expected 'report' or 'resend'/],
      [
        'a session that session() has not made',
        () => connect({ ...given, session: true as never }),
        /session is true; expected session\(\) of @bt\/net\/session/,
      ],
      [
        'a session without reconnect',
        () => connect({ ...given, reconnect: false, session: session() }),
        /session needs reconnect: true/,
      ],
      [
        'a session with a probe',
        () => connect({ ...given, session: session(), probe: { ask: () => false, takes: () => false } }),
        /a session has its own heartbeat/,
      ],
    ])('%s is invalid', (_name, call, text) => {
      expect(call).toThrow(error_of('invalid_option', text) as Error)
    })

    it('acknowledged rejects with closed once the client has ended', async () => {
      const { url, next } = await start_peers()
      const { ws, closed } = start(url)
      await (await next()).welcome()
      ws.terminate()
      await closed()
      await expect(ws.acknowledged()).rejects.toEqual(
        error_of('closed', /^acknowledged found the connection closed or closing/),
      )
    })

    it('acknowledged is unsupported without a session', () => {
      const ws = connect({ ...given, signal: AbortSignal.abort() })
      expect(() => ws.acknowledged()).toThrow(
        error_of('unsupported', /acknowledged\(\) needs the option session/) as Error,
      )
    })
  })
}
