import { deferred } from '@bt/test-support/deferred'
import { NetError } from '@bt/ws-protocol'
import { check_options, type SocketEvents, with_retry_hint } from '@bt/ws-protocol/internal'
import { FakePlatform, FakeSocket } from '@bt/ws-protocol/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { Client } from '../../src/client/client.js'
import type { OpenedSocket } from '../../src/client/socket_source.js'
import type { CloseInfo, ReconnectInfo, WsConnectOptions } from '../../src/index.js'
import { node_rules } from '../../src/node/options.js'
import { read_refusal } from '../../src/node/refusal_hint.js'

const url = 'ws://host/ws'

/** The error of a refused handshake, as in Node. */
const answered = (status: number): NetError =>
  new NetError('handshake_refused', `answered ${status}`, { cause: { status, headers: {} } })

const nobody_there = new NetError('connection_refused', 'nobody there')

describe('a client', () => {
  let platform: FakePlatform
  let sockets: FakeSocket[]
  let errors: NetError[]
  let heard: string[]
  let waits: ReconnectInfo[]
  let infos: CloseInfo[]
  let client: Client
  /** Called before each socket is made; may throw. */
  let before_opening: () => void
  let wake_up: () => void

  const start = (options: Partial<WsConnectOptions<boolean>> = {}): void => {
    wake_up = () => {}
    const watch_wakeups = (task: () => void): (() => void) => {
      wake_up = task
      return () => {
        wake_up = () => {}
      }
    }
    platform = Object.assign(new FakePlatform(), { watch_wakeups })
    sockets = []
    errors = []
    heard = []
    waits = []
    infos = []
    before_opening = () => {}
    const given = {
      type: 'ws',
      url,
      reconnect: true,
      on_open: () => heard.push('open'),
      on_message: (data: unknown) => heard.push(`message ${data}`),
      on_reconnecting: (info: ReconnectInfo) => {
        waits.push(info)
        heard.push('reconnecting')
      },
      on_close: (info: CloseInfo) => {
        infos.push(info)
        heard.push('close')
      },
      on_error: (err: NetError) => {
        errors.push(err)
        heard.push(`error ${err.code}`)
      },
      ...options,
    }
    const open_socket = (sink: SocketEvents): OpenedSocket => {
      before_opening()
      const socket = new FakeSocket()
      const number = sockets.push(socket)
      socket.connect_to(sink)
      return { port: socket, protocol: () => `protocol ${number}` }
    }
    const settings = check_options('connect', given, node_rules)
    client = new Client(settings, {
      platform,
      rules: node_rules,
      read_refusal,
      open: (_options, sink) => open_socket(sink),
    })
  }

  /** The socket that was opened last. */
  const socket = (): FakeSocket => sockets.at(-1) as FakeSocket

  /** Lets the wait pass, so that the next socket opens. */
  const wait = (): void => {
    const count = sockets.length
    platform.clock.advance(waits.at(-1)?.delay_ms ?? 0)
    expect(sockets).toHaveLength(count + 1)
  }

  const start_open = (options: Partial<WsConnectOptions<boolean>> = {}): void => {
    start(options)
    socket().open()
    heard.length = 0
  }

  beforeEach(() => start_open())

  describe('that is lost', () => {
    it('reports it at once, waits, and opens again', () => {
      socket().end(1006, '', new NetError('connection_lost', 'reset'))
      expect(heard).toEqual(['error connection_lost', 'reconnecting'])
      wait()
      expect(heard).toHaveLength(2)
      socket().open()
      expect(heard).toEqual(['error connection_lost', 'reconnecting', 'open'])
    })

    it('reports the number of the attempt, the delay, how it ended, and the error', () => {
      socket().takes_writes = false
      client.send('lost')
      platform.end_turn()
      socket().end(1006, '', new NetError('connection_lost', 'reset'))
      const info = { code: 1006, reason: '', cause: 'network', clean: false, unsent: 1 }
      expect(waits).toEqual([{ attempt: 1, delay_ms: expect.any(Number), info, error: errors[0] }])
      wait()
      socket().end(1006, '', nobody_there)
      expect(waits[1]).toMatchObject({
        attempt: 2,
        info: { cause: 'refused', unsent: 0 },
        error: nobody_there,
      })
      expect(errors[0]?.message).toBe(
        `the connection to ${url} was lost: reset; unsent messages: 1; connecting again in ${waits[0]?.delay_ms} ms`,
      )
    })

    it('reports no error after a Close that is not final', () => {
      socket().end(1012, 'back soon')
      expect(heard).toEqual(['reconnecting'])
      expect(waits).toMatchObject([{ info: { code: 1012, cause: 'peer', clean: true }, error: undefined }])
    })

    it('waits as long as the server asks', () => {
      socket().end(1012, with_retry_hint('', 60_000))
      expect(waits[0]?.delay_ms).toBe(60_000)
      platform.clock.advance(59_999)
      expect(sockets).toHaveLength(1)
      platform.clock.advance(1)
      expect(sockets).toHaveLength(2)
    })

    it('reconnects within a second when the network comes back', () => {
      for (let i = 0; i < 5; i += 1) {
        socket().end(1006)
        wait()
      }
      socket().end(1006)
      wake_up()
      platform.clock.advance(1_000)
      expect(sockets).toHaveLength(7)
    })

    it.each(['close', 'terminate'] as const)('ends with %s() in retries', end => {
      start({
        reconnect: {
          retries: () => {
            client[end]()
            return true
          },
        },
      })
      socket().open()
      socket().end(1006)
      platform.clock.advance(60_000)
      expect([client.state, sockets.length]).toEqual(['closed', 1])
    })

    it('sends what an on_open of an earlier connection still sends behind the first words of the next', async () => {
      const { promise: signed_in, resolve: sign_in } = deferred()
      let opened = 0
      start({
        on_open: async () => {
          opened += 1
          const connection = opened
          client.send(`auth ${connection}`)
          if (connection > 1) return
          await signed_in
          client.send('subscribe')
        },
      })
      socket().open()
      socket().end(1006)
      wait()
      socket().open()
      client.send('news')
      expect(socket().sent).toEqual([])
      sign_in()
      for (let turns = 0; turns < 10; turns += 1) await Promise.resolve()
      platform.end_turn()
      expect(socket().sent).toEqual(['auth 2', 'news', 'subscribe'])
    })

    it('checks nothing when it wakes up without a heartbeat', () => {
      start({ heartbeat: false })
      socket().open()
      wake_up()
      expect(socket().calls).toEqual([])
    })

    it('has the states connecting, open, reconnecting, open, closing, closed', () => {
      start()
      const seen = [client.state]
      const note = (): unknown => seen.push(client.state)
      socket().open()
      note()
      socket().end(1006)
      note()
      wait()
      note()
      socket().open()
      note()
      client.close()
      note()
      socket().end(1000)
      note()
      expect(seen).toEqual([
        'connecting',
        'open',
        'reconnecting',
        'reconnecting',
        'open',
        'closing',
        'closed',
      ])
    })

    it('shows the subprotocol of the current socket', () => {
      expect(client.protocol).toBe('protocol 1')
      socket().end(1006)
      wait()
      socket().open()
      expect(client.protocol).toBe('protocol 2')
    })

    it('sends messages from in between on the next socket, in order', async () => {
      socket().end(1006)
      expect([client.send('a'), client.write('b')]).toEqual([true, true])
      expect(client.queued).toBe(2 * 7)
      const drained = client.drained()
      wait()
      socket().open()
      await drained
      expect(sockets.map(({ sent }) => sent)).toEqual([[], ['a', 'b']])
    })

    it('delivers messages in order with on_open', () => {
      socket().receive('a')
      socket().end(1012)
      wait()
      socket().open()
      socket().receive('b')
      expect(heard).toEqual(['message a', 'reconnecting', 'open', 'message b'])
    })

    it('has one timer while it waits, and none when it is over', () => {
      socket().end(1006)
      expect(platform.clock.timers).toBe(1)
      client.close()
      platform.end_turn()
      expect(platform.clock.timers).toBe(0)
    })
  })

  describe('on_error', () => {
    it('gets only the first failure until the connection is open again', () => {
      socket().end(1006)
      for (let i = 0; i < 3; i += 1) {
        wait()
        socket().end(1006, '', nobody_there)
      }
      expect(errors.map(({ code }) => code)).toEqual(['connection_lost'])
      expect(waits.map(({ error }) => error?.code)).toEqual([
        'connection_lost',
        'connection_refused',
        'connection_refused',
        'connection_refused',
      ])
    })

    it('gets the next loss once the connection has been open again', () => {
      socket().end(1006)
      wait()
      socket().open()
      socket().end(1006)
      expect(errors).toHaveLength(2)
    })

    it('gets the first failure to open once', () => {
      start()
      socket().end(1006, '', nobody_there)
      wait()
      socket().end(1006, '', nobody_there)
      expect(errors).toEqual([nobody_there])
    })

    it('gets a failure that follows a regular Close', () => {
      socket().end(1012)
      wait()
      socket().end(1006, '', nobody_there)
      wait()
      socket().end(1006, '', nobody_there)
      expect(errors).toEqual([nobody_there])
    })

    it('also gets the last failure when the client gives up', () => {
      socket().end(1006)
      wait()
      socket().end(1006, '', answered(401))
      expect(errors.map(({ code }) => code)).toEqual(['connection_lost', 'handshake_refused'])
    })

    it.each<[string, () => void, string, string]>([
      [
        'refused',
        () => socket().end(1006, '', answered(503)),
        'handshake_refused',
        'answered 503; gave up after max_attempts, 2',
      ],
      [
        'lost',
        () => {
          socket().open()
          socket().end(1006, '', new NetError('connection_lost', 'reset'))
        },
        'connection_lost',
        `the connection to ${url} was lost: reset; unsent messages: 0; gave up after max_attempts, 2`,
      ],
      [
        'closed by the server',
        () => {
          socket().open()
          socket().end(1012, 'restart')
        },
        'connection_lost',
        `the connection to ${url} was lost: closed with 1012 restart; unsent messages: 0; gave up after max_attempts, 2`,
      ],
    ])('gets that max_attempts are used up if the last one was %s', (_, end, code, message) => {
      start_open({ reconnect: { max_attempts: 2 } })
      end()
      wait()
      end()
      wait()
      errors.length = 0
      end()
      expect(errors).toMatchObject([{ code, message }])
      expect(client.state).toBe('closed')
    })

    it('finds the answer of the last attempt in the cause, as of every refusal', () => {
      start({ reconnect: { max_attempts: 1 } })
      socket().end(1006, '', answered(503))
      wait()
      socket().end(1006, '', answered(503))
      expect(errors.map(({ cause }) => cause)).toEqual(Array(2).fill({ status: 503, headers: {} }))
    })

    it('may close the client, which then does not reconnect and does not call on_reconnecting', async () => {
      client.on_error(() => client.close())
      socket().end(1006)
      expect(heard).toEqual([])
      platform.end_turn()
      await expect(client.closed).resolves.toMatchObject({ cause: 'local' })
      platform.clock.advance(100_000)
      expect([sockets.length, platform.clock.timers, heard]).toEqual([1, 0, ['close']])
    })
  })

  describe('on_reconnecting', () => {
    it('registered again is replaced', () => {
      client.on_reconnecting(({ attempt }) => heard.push(`mine ${attempt}`))
      socket().end(1012)
      expect(heard).toEqual(['mine 1'])
    })

    it('need not be registered', () => {
      start({ on_reconnecting: undefined })
      socket().end(1006, '', nobody_there)
      platform.clock.advance(500)
      expect(sockets).toHaveLength(2)
    })

    it('is no function: throws', () => {
      expect(() => client.on_reconnecting('nothing' as never)).toThrow(
        expect.objectContaining({
          code: 'invalid_argument',
          message: 'on_reconnecting got "nothing": give a function',
        }),
      )
    })

    it.each<[string, () => unknown]>([
      [
        'throws',
        () => {
          throw new Error('boom')
        },
      ],
      ['rejects', () => Promise.reject(new Error('boom'))],
    ])('that %s is reported, and the client reconnects', async (_, fn) => {
      client.on_reconnecting(fn as () => void)
      socket().end(1012)
      await new Promise(setImmediate)
      expect(errors).toMatchObject([
        {
          code: 'handler_failed',
          message: 'on_reconnecting failed: boom',
        },
      ])
      platform.clock.advance(5_000)
      expect(sockets).toHaveLength(2)
    })

    it('may close the client, which then does not reconnect', async () => {
      client.on_reconnecting(() => void client.close())
      socket().end(1012)
      platform.end_turn()
      await expect(client.closed).resolves.toMatchObject({ code: 1006, cause: 'local' })
      platform.clock.advance(100_000)
      expect([sockets.length, platform.clock.timers]).toEqual([1, 0])
    })

    it('counts attempts anew after a stable connection', () => {
      start_open({ reconnect: { max_delay: 1_000 } })
      const attempts = [999, 999, 1_000].map(lasts_ms => {
        platform.clock.advance(lasts_ms)
        socket().end(1012)
        wait()
        socket().open()
        return waits.at(-1)?.attempt
      })
      expect(attempts).toEqual([1, 2, 1])
    })
  })

  describe('ends', () => {
    it.each([400, 401, 403, 404, 405, 410, 426])(
      'when it is answered %i: nobody tries again',
      async status => {
        start()
        const opened = client.opened.catch(error => error)
        socket().end(1006, '', answered(status))
        expect(heard).toEqual(['error handshake_refused', 'close'])
        expect(infos).toMatchObject([{ code: 1006, cause: 'refused' }])
        expect((await opened).message).toBe(`answered ${status}`)
        expect(platform.clock.timers).toBe(0)
      },
    )

    it.each([1000, 1002, 1008, 3000, 4401])('when it is closed with %i, without an error', code => {
      socket().end(code, 'go away')
      expect(heard).toEqual(['close'])
      expect(infos).toMatchObject([{ code, reason: 'go away', cause: 'peer', clean: true }])
      expect(platform.clock.timers).toBe(0)
    })

    it('after max_attempts in a row, and on_close gets the end of the last one', () => {
      start_open({ reconnect: { max_attempts: 2 } })
      socket().end(1006)
      wait()
      socket().end(1006, '', nobody_there)
      wait()
      socket().end(1006, '', nobody_there)
      expect(waits.map(({ attempt }) => attempt)).toEqual([1, 2])
      expect(heard.slice(-2)).toEqual(['error connection_refused', 'close'])
      expect(infos).toMatchObject([{ code: 1006, cause: 'refused', unsent: 0 }])
      expect([client.state, platform.clock.timers]).toEqual(['closed', 0])
    })

    it('with all lost and all waiting messages counted as unsent', () => {
      start_open({ reconnect: { max_attempts: 1 } })
      socket().takes_writes = false
      client.send('lost')
      platform.end_turn()
      socket().end(1006)
      client.send('waits')
      wait()
      socket().end(1006, '', nobody_there)
      expect(infos).toMatchObject([{ unsent: 2 }])
    })

    it('at the first loss without reconnect', () => {
      start_open({ reconnect: false })
      socket().end(1006)
      expect(heard).toEqual(['error connection_lost', 'close'])
      expect(errors[0]?.message).toMatch(/unsent messages: 0; connect again$/)
      expect(platform.clock.timers).toBe(0)
    })

    it('when this side closes because the server broke a rule', () => {
      socket().fail(new NetError('protocol_error', 'reserved bits'), 1002)
      socket().end(1001)
      expect(heard).toEqual(['error protocol_error', 'close'])
      expect(platform.clock.timers).toBe(0)
    })

    it('when the signal is aborted during a wait', () => {
      const controller = new AbortController()
      start_open({ signal: controller.signal })
      socket().end(1006)
      controller.abort()
      platform.end_turn()
      expect(infos).toMatchObject([{ cause: 'local' }])
      expect([client.state, platform.clock.timers]).toEqual(['closed', 0])
    })

    it('without opening a socket if the signal is aborted already', async () => {
      start({ signal: AbortSignal.abort() })
      expect([client.state, client.send('a')]).toEqual([
        'closing',
        expect.objectContaining({ code: 'closed' }),
      ])
      expect(heard).toEqual([])
      platform.end_turn()
      await expect(client.opened).rejects.toMatchObject({ code: 'closed' })
      expect(infos).toEqual([{ code: 1006, reason: '', cause: 'local', clean: false, unsent: 0 }])
      platform.clock.advance(1_000_000)
      expect([sockets.length, platform.clock.timers, heard]).toEqual([0, 0, ['close']])
    })

    it('at once when it is closed during an attempt', () => {
      socket().end(1012)
      wait()
      client.close()
      expect(socket().call_names).toEqual(['terminate'])
      socket().end(1006, '', nobody_there)
      expect(heard).toEqual(['reconnecting', 'close'])
      expect(platform.clock.timers).toBe(0)
    })
  })

  describe('opened and closed', () => {
    /** Returns the current state of both promises. */
    const settled = async (): Promise<string[]> => {
      const seen: string[] = []
      client.opened.then(
        () => seen.push('opened'),
        error => seen.push(`not opened: ${error.code}`),
      )
      client.closed.then(() => seen.push('closed'))
      await new Promise(setImmediate)
      return seen
    }

    it('settle when it opens for the first time, after any number of attempts, and when it ends', async () => {
      start()
      socket().end(1006, '', nobody_there)
      expect(await settled()).toEqual([])
      wait()
      socket().open()
      expect(await settled()).toEqual(['opened'])
      socket().end(1006)
      expect(await settled()).toEqual(['opened'])
      wait()
      socket().open()
      socket().end(1000)
      expect(await settled()).toEqual(['opened', 'closed'])
    })

    it('settle when it ends before it was open: opened with the last error', async () => {
      start({ reconnect: { max_attempts: 1 } })
      socket().end(1006, '', nobody_there)
      expect(await settled()).toEqual([])
      wait()
      socket().end(1006, '', answered(503))
      expect((await settled()).sort()).toEqual(['closed', 'not opened: handshake_refused'])
    })

    it('settle when it is closed during the first wait: opened with closed', async () => {
      start()
      socket().end(1006, '', nobody_there)
      client.close()
      platform.end_turn()
      expect((await settled()).sort()).toEqual(['closed', 'not opened: closed'])
    })
  })

  describe('for await', () => {
    it('continues after a loss, and ends with the last Close', async () => {
      start_open({ on_message: undefined })
      const iterator = client[Symbol.asyncIterator]()
      socket().receive('a')
      expect(await iterator.next()).toEqual({ value: 'a', done: false })
      socket().receive('b')
      const asked = [iterator.next(), iterator.next()]
      socket().end(1006)
      wait()
      socket().open()
      socket().receive('c')
      expect(await Promise.all(asked)).toMatchObject([{ value: 'b' }, { value: 'c' }])
      const last = iterator.next()
      socket().end(1000)
      expect(await last).toEqual({ value: undefined, done: true })
    })

    it('does not delay on_open while it is busy', () => {
      start_open({ on_message: undefined })
      client[Symbol.asyncIterator]()
      socket().receive('a')
      socket().end(1012)
      wait()
      socket().open()
      expect(heard).toEqual(['reconnecting', 'open'])
    })

    it('throws when the client ends without a Close', async () => {
      start_open({ on_message: undefined, reconnect: { max_attempts: 1 } })
      const asked = client[Symbol.asyncIterator]().next()
      socket().end(1006)
      wait()
      socket().end(1006, '', nobody_there)
      await expect(asked).rejects.toMatchObject({
        code: nobody_there.code,
        message: 'nobody there; gave up after max_attempts, 1',
      })
    })

    it('ends when it is closed during a wait', async () => {
      start_open({ on_message: undefined })
      const asked = client[Symbol.asyncIterator]().next()
      socket().end(1006)
      client.close()
      platform.end_turn()
      expect(await asked).toEqual({ value: undefined, done: true })
    })
  })

  describe('an attempt', () => {
    it('has the whole connect_timeout, from its start', () => {
      start({ connect_timeout: 3_000 })
      for (const number of [1, 2, 3]) {
        platform.clock.advance(2_999)
        expect(socket().calls).toEqual([])
        platform.clock.advance(1)
        expect(socket().call_names).toEqual(['terminate'])
        socket().end(1006)
        expect(waits.at(-1)).toMatchObject({ attempt: number, error: { code: 'connect_timeout' } })
        wait()
      }
    })

    it('that succeeds is not cut off by connect_timeout', () => {
      socket().end(1012)
      wait()
      socket().open()
      platform.clock.advance(20_000)
      expect(socket().call_names).not.toContain('terminate')
    })

    it('that throws counts as failed, and the next one may succeed', () => {
      const error = new NetError('unsupported', 'not from here')
      socket().end(1012)
      before_opening = () => {
        throw error
      }
      platform.clock.advance(waits[0]?.delay_ms ?? 0)
      platform.end_turn()
      expect(waits[1]).toMatchObject({ attempt: 2, info: { code: 1006, cause: 'refused' }, error })
      expect(errors).toEqual([error])
      expect([client.state, platform.clock.timers]).toEqual(['reconnecting', 1])
      before_opening = () => {}
      wait()
      socket().open()
      expect(client.state).toBe('open')
    })

    it('that throws may be the last of max_attempts', () => {
      start_open({ reconnect: { max_attempts: 1 } })
      socket().end(1012)
      before_opening = () => {
        throw new NetError('unsupported', 'not from here')
      }
      platform.clock.advance(waits[0]?.delay_ms ?? 0)
      platform.end_turn()
      expect(infos).toMatchObject([{ cause: 'refused' }])
      expect(platform.clock.timers).toBe(0)
    })
  })

  it('throws from connect if the first attempt throws, even with reconnect', () => {
    const platform = new FakePlatform()
    const settings = check_options('connect', { type: 'ws', url, reconnect: true }, node_rules)
    const error = new NetError('unsupported', 'not from here')
    expect(
      () =>
        new Client(settings, {
          platform,
          rules: node_rules,
          open: () => {
            throw error
          },
        }),
    ).toThrow(error)
    expect(platform.clock.timers).toBe(0)
  })

  describe('with a heartbeat', () => {
    it('pings after that time of silence, and is lost after twice that time', () => {
      start_open({ heartbeat: 10_000, reconnect: false })
      platform.clock.advance(9_999)
      expect(socket().calls).toEqual([])
      platform.clock.advance(1)
      expect(socket().call_names).toEqual(['ping'])
      platform.clock.advance(10_000)
      expect(socket().call_names).toEqual(['ping', 'terminate'])
      socket().end(1006)
      expect(infos).toEqual([{ code: 1006, reason: '', cause: 'heartbeat', clean: false, unsent: 0 }])
      expect(errors).toMatchObject([
        {
          code: 'connection_lost',
          message: `the connection to ${url} was lost: the peer was silent for twice heartbeat; unsent messages: 0; connect again`,
        },
      ])
      expect(platform.clock.timers).toBe(0)
    })

    it('stays open as long as pings are answered', () => {
      start_open({ heartbeat: 10_000 })
      for (let i = 0; i < 10; i += 1) {
        platform.clock.advance(10_000)
        expect(socket().call_names).toHaveLength(i + 1)
        socket().pong()
        platform.clock.advance(1_000)
      }
      expect(new Set(socket().call_names)).toEqual(new Set(['ping']))
    })

    it('is checked only while it is open', () => {
      start({ heartbeat: 1_000, connect_timeout: 100_000 })
      platform.clock.advance(50_000)
      expect(socket().calls).toEqual([])
      socket().open()
      socket().end(1012, with_retry_hint('', 50_000))
      expect(platform.clock.timers).toBe(1)
      platform.clock.advance(50_000)
      platform.clock.advance(50_000)
      expect(socket().calls).toEqual([])
      socket().open()
      platform.clock.advance(1_000)
      expect(socket().call_names).toEqual(['ping'])
    })

    it('reconnects after a heartbeat has failed', () => {
      start_open({ heartbeat: 1_000 })
      platform.clock.advance(2_000)
      socket().end(1006)
      expect(waits).toMatchObject([{ info: { cause: 'heartbeat' }, error: { code: 'connection_lost' } }])
      wait()
      socket().open()
      expect(client.state).toBe('open')
    })

    it('that is false sends no pings, and loses no connection', () => {
      start_open({ heartbeat: false })
      platform.clock.advance(1_000_000)
      expect(socket().calls).toEqual([])
      expect(platform.clock.timers).toBe(0)
    })
  })
})
