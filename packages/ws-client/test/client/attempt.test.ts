import { type CloseInfo, NetError } from '@bt/ws-protocol'
import { check_options } from '@bt/ws-protocol/internal'
import { FakePlatform, FakeSocket } from '@bt/ws-protocol/testing'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { AttemptOptions } from '../../src/client/attempt_options.js'
import { Client } from '../../src/client/client.js'
import type { ConnectAttempt, WsConnectOptions } from '../../src/client/options.js'
import { node_rules } from '../../src/node/options.js'

const URL = 'ws://host/ws'

describe('a client whose options are functions', () => {
  let platform: FakePlatform
  let sockets: FakeSocket[]
  let opened_with: AttemptOptions[]
  let attempts: ConnectAttempt[]
  let errors: NetError[]
  let infos: CloseInfo[]
  let client: Client

  const start = (options: Partial<WsConnectOptions<boolean>>): void => {
    const given = {
      type: 'ws',
      url: URL,
      reconnect: { min_delay: 1, max_delay: 1 },
      on_error: (err: NetError) => errors.push(err),
      on_close: (info: CloseInfo) => infos.push(info),
      ...options,
    }
    client = new Client(check_options('connect', given, node_rules), {
      platform,
      rules: node_rules,
      open: (attempt, connection) => {
        opened_with.push(attempt)
        const socket = new FakeSocket()
        sockets.push(socket)
        socket.connect_to(connection)
        return { port: socket, protocol: () => '' }
      },
    })
  }

  /** Lets the promise jobs of an attempt run. */
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 20; i += 1) await Promise.resolve()
  }

  /** A function of each attempt, which records it. */
  const of_attempt =
    <Value>(value: (attempt: ConnectAttempt) => Value) =>
    (attempt: ConnectAttempt): Value => {
      attempts.push(attempt)
      return value(attempt)
    }

  beforeEach(() => {
    platform = new FakePlatform()
    sockets = []
    opened_with = []
    attempts = []
    errors = []
    infos = []
  })

  it('calls them after connect has returned, and then opens a socket', async () => {
    start({ url: of_attempt(() => URL) })
    expect([attempts, client.addr, client.state]).toEqual([[], '', 'connecting'])
    await settled()
    expect(attempts).toMatchObject([{ attempt: 0, last: undefined }])
    expect([client.addr, sockets.length]).toEqual([URL, 1])
  })

  it('computes each of them, one after another', async () => {
    const order: string[] = []
    const noted =
      <Value>(name: string, value: Value) =>
      async (): Promise<Value> => {
        order.push(name)
        await Promise.resolve()
        order.push(`${name} done`)
        return value
      }
    start({
      tls: noted('tls', { servername: 'other' }),
      headers: noted('headers', { Authorization: 'x' }),
      protocols: noted('protocols', ['chat']),
      url: noted('url', 'wss://host/'),
    })
    await settled()
    expect(order.filter(name => !name.endsWith('done'))).toEqual(['url', 'protocols', 'headers', 'tls'])
    expect(order[1]).toBe('url done')
    expect(opened_with).toMatchObject([
      {
        url: 'wss://host/',
        protocols: ['chat'],
        headers: { Authorization: 'x' },
        tls: { servername: 'other' },
      },
    ])
  })

  it('uses the default for what returns undefined', async () => {
    start({ protocols: () => undefined, headers: () => undefined })
    await settled()
    expect(opened_with[0]).toMatchObject({ url: URL, protocols: [], headers: undefined })
  })

  it('calls no more of them once the attempt is over', async () => {
    let give_url = (_url: string): void => {}
    start({
      connect_timeout: 1_000,
      reconnect: false,
      url: () => new Promise<string>(resolve => (give_url = resolve)),
      headers: of_attempt(() => ({})),
    })
    await settled()
    platform.clock.advance(1_000)
    give_url(URL)
    await settled()
    expect([attempts, sockets, client.state]).toEqual([[], [], 'closed'])
  })

  it('calls them before each attempt, with its number and how the previous one ended', async () => {
    start({ url: of_attempt(({ attempt }) => `ws://host${attempt}/`) })
    await settled()
    sockets[0]?.open()
    sockets[0]?.end(1012, 'back soon')
    platform.clock.advance(5_000)
    await settled()
    sockets[1]?.end(1006, '', new NetError('connection_refused', 'nobody there'))
    platform.clock.advance(5_000)
    await settled()
    expect(attempts.map(({ attempt, last }) => [attempt, last?.info.code, last?.error?.code])).toEqual([
      [0, undefined, undefined],
      [1, 1012, undefined],
      [2, 1006, 'connection_refused'],
    ])
    expect(client.addr).toBe('ws://host2/')
  })

  it.each<[string, WsConnectOptions['url'], RegExp]>([
    ['throws', () => JSON.parse('{'), /^connect: the function given for url failed: .*JSON/],
    ['rejects', () => Promise.reject(new Error('no token')), /for url failed: no token$/],
    ['returns something else', () => 7 as never, /for url failed: connect: the option url is 7; expected/],
    ['returns nothing', () => undefined as never, /for url failed: connect: the option url is missing/],
  ])('fails the attempt with option_failed if one %s, and tries again', async (_, url, message) => {
    start({ url })
    await settled()
    expect(errors).toMatchObject([{ code: 'option_failed', message: expect.stringMatching(message) }])
    expect([client.state, sockets.length]).toEqual(['reconnecting', 0])
    platform.clock.advance(1)
    await settled()
    expect(client.state).toBe('reconnecting')
  })

  it('gives up for good if retries says so', async () => {
    const retries = (_info: CloseInfo, error: NetError | undefined): boolean | undefined =>
      error?.code === 'option_failed' ? false : undefined
    start({ url: () => Promise.reject(new Error('logged out')), reconnect: { retries } })
    await expect(client.opened).rejects.toMatchObject({ code: 'option_failed' })
    expect(infos).toMatchObject([{ cause: 'refused', code: 1006 }])
  })

  it('counts one that never settles under connect_timeout, and aborts its signal', async () => {
    start({ url: of_attempt(() => new Promise<string>(() => {})), connect_timeout: 100, reconnect: false })
    await settled()
    platform.clock.advance(99)
    expect(attempts[0]?.signal.aborted).toBe(false)
    platform.clock.advance(1)
    expect(attempts[0]?.signal.aborted).toBe(true)
    expect(errors).toMatchObject([
      { code: 'connect_timeout', message: expect.stringMatching(/^connect: the server was not open after/) },
    ])
  })

  it('opens nothing once it is closed, whatever the function still returns', async () => {
    let resolve!: (url: string) => void
    start({ url: of_attempt(() => new Promise<string>(given => (resolve = given))) })
    await settled()
    client.close()
    resolve(URL)
    await settled()
    platform.end_turn()
    expect(attempts[0]?.signal.aborted).toBe(true)
    expect([sockets.length, infos.length, errors]).toEqual([0, 1, []])
  })

  it('ignores the failure of an attempt that is over', async () => {
    const rejects: ((error: Error) => void)[] = []
    start({
      url: () => new Promise<string>((_, reject) => void rejects.push(reject)),
      connect_timeout: 100,
    })
    await settled()
    platform.clock.advance(110)
    await settled()
    expect(rejects).toHaveLength(2)
    rejects[0]?.(new Error('late'))
    await settled()
    expect(errors.map(({ code }) => code)).toEqual(['connect_timeout'])
  })

  it('sends what was queued before close, once the function has returned', async () => {
    start({ url: async () => URL })
    client.send('a')
    client.close()
    await settled()
    sockets[0]?.open()
    platform.end_turn()
    expect(sockets[0]?.sent).toEqual(['a'])
  })

  it('reports what the platform can not open as a failed attempt', async () => {
    const given = { type: 'ws', url: () => URL, on_error: (err: NetError) => errors.push(err) } as const
    new Client(check_options('connect', given, node_rules), {
      platform,
      rules: node_rules,
      open: () => {
        throw new NetError('unsupported', 'not from here')
      },
    })
    await settled()
    expect(errors).toMatchObject([{ code: 'unsupported' }])
  })

  describe('reconnect()', () => {
    it('throws unsupported without the option reconnect', () => {
      start({ reconnect: false })
      expect(() => client.reconnect()).toThrow(expect.objectContaining({ code: 'unsupported' }))
    })

    it('changes nothing while an attempt is in progress', () => {
      start({})
      expect(client.reconnect()).toBe(true)
      expect([sockets.length, sockets[0]?.calls]).toEqual([1, []])
    })

    it('ends a wait, once', () => {
      start({ reconnect: { min_delay: 20_000 } })
      sockets[0]?.open()
      sockets[0]?.end(1006)
      expect(client.reconnect()).toBe(true)
      expect(client.reconnect()).toBe(true)
      expect(sockets).toHaveLength(2)
      platform.clock.advance(5_000)
      expect(sockets).toHaveLength(2)
    })

    it('replaces an open connection in order, and keeps what is queued meanwhile', () => {
      const waits: unknown[] = []
      start({ on_reconnecting: wait => waits.push(wait) })
      sockets[0]?.open()
      expect(client.reconnect()).toBe(true)
      expect(sockets[0]?.calls).toEqual([{ call: 'close', code: 1000, reason: '' }])
      expect(client.send('a')).toBe(true)
      platform.end_turn()
      sockets[0]?.end(1000)
      const info = { code: 1000, reason: '', cause: 'local', clean: true, unsent: 0 }
      expect(waits).toEqual([{ attempt: 1, delay_ms: 0, info, error: undefined }])
      platform.clock.advance(0)
      sockets[1]?.open()
      platform.end_turn()
      expect(sockets[1]?.sent).toEqual(['a'])
      expect(errors).toEqual([])
    })

    it('replaces a connection whose server does not answer after close_timeout', () => {
      start({ close_timeout: 1_000 })
      sockets[0]?.open()
      client.reconnect()
      platform.clock.advance(1_000)
      expect(sockets[0]?.call_names.at(-1)).toBe('terminate')
      sockets[0]?.end(1006)
      platform.clock.advance(1)
      expect(sockets).toHaveLength(2)
    })

    it('does not start close_timeout again when it is called meanwhile', () => {
      start({ close_timeout: 1_000 })
      sockets[0]?.open()
      client.reconnect()
      platform.clock.advance(600)
      expect(client.reconnect()).toBe(true)
      platform.clock.advance(400)
      expect(sockets[0]?.call_names).toEqual(['close', 'terminate'])
    })

    it('sends what is queued in this turn first', () => {
      start({})
      sockets[0]?.open()
      client.send('a')
      client.reconnect()
      client.close()
      expect(sockets[0]?.call_names.slice(0, 2)).toEqual(['write', 'close'])
      expect(sockets[0]?.sent).toEqual(['a'])
    })

    it('replaces a connection whose messages pile up behind a slow on_message, and delivers them', () => {
      const received: string[] = []
      start({
        on_message: async data => {
          received.push(String(data))
          await new Promise(() => {})
        },
      })
      sockets[0]?.open()
      for (const data of ['a', 'b', 'c']) sockets[0]?.receive(data)
      client.reconnect()
      sockets[0]?.receive('d'.repeat(16_777_216))
      sockets[0]?.receive('e')
      expect(sockets[0]?.call_names.at(-1)).toBe('terminate')
      sockets[0]?.end(1006)
      platform.clock.advance(0)
      expect(sockets).toHaveLength(2)
      expect(errors.map(({ code }) => code)).toEqual(['connection_lost'])
    })

    it('waits as usual when the attempt after it fails', () => {
      const waits: unknown[] = []
      const retries = vi.fn()
      start({ reconnect: { max_attempts: 2, retries }, on_reconnecting: wait => waits.push(wait) })
      sockets[0]?.open()
      client.reconnect()
      sockets[0]?.end(1000)
      platform.clock.advance(0)
      sockets[1]?.end(1006)
      expect(retries).toHaveBeenCalledOnce()
      platform.clock.advance(20_000)
      sockets[2]?.end(1006)
      expect([client.state, sockets.length, waits.length]).toEqual(['closed', 3, 2])
    })

    it('gives up when the attempt after it is refused for good', () => {
      start({})
      sockets[0]?.open()
      client.reconnect()
      sockets[0]?.end(1000)
      platform.clock.advance(0)
      sockets[1]?.end(4401)
      expect(client.state).toBe('closed')
    })

    it('returns the error closed once the client is closing or closed', () => {
      start({})
      sockets[0]?.open()
      client.close()
      expect(client.reconnect()).toMatchObject({ code: 'closed' })
      sockets[0]?.end(1000)
      expect(client.reconnect()).toMatchObject({ code: 'closed' })
    })
  })
})
