import { beforeEach, describe, expect, it } from 'vitest'
import { Connection } from '../../src/connection/connection.js'
import type { Channel, ChannelName } from '../../src/connection/events.js'
import { NetError } from '../../src/errors/errors.js'
import type { FakePlatform, FakeSocket } from '../../src/testing/index.js'
import { CHECKS_PER_SPAN } from '../../src/time/periodic_check.js'
import { RetryingEvents, settings } from './connection_events.js'
import { QUEUES } from './platforms.js'

describe.each(QUEUES)('a Connection that reconnects with a queue of %s', (_name, { Platform, Socket }) => {
  let platform: FakePlatform
  let events: RetryingEvents
  let sockets: FakeSocket[]
  let socket: FakeSocket
  let connection: Connection<string>

  const attach = (): void => {
    socket = new Socket()
    sockets.push(socket)
    socket.connect_to(connection)
    connection.attach(socket)
  }

  /** Ends the delay, and attaches the next socket, which is still opening. */
  const reopen = (): void => {
    expect(connection.reopen()).toBe(true)
    attach()
  }

  const open_again = (): void => {
    reopen()
    socket.open()
  }

  /** Sends each message in a turn of its own. */
  const send = (...texts: string[]): void => {
    for (const text of texts) {
      expect(connection.send(text)).toBe(true)
      platform.end_turn()
    }
  }

  /** Returns the messages that each socket was given to write. */
  const sent = (): (readonly (string | Uint8Array)[])[] => sockets.map(socket => socket.sent)

  const settled = async (): Promise<void> => {
    for (let i = 0; i < 5; i += 1) await Promise.resolve()
  }

  beforeEach(() => {
    platform = new Platform()
    events = new RetryingEvents()
    sockets = []
    connection = new Connection(settings, events, platform, () => 'handle')
    attach()
    socket.open()
  })

  it('asks retry.allows after each ending, with the ending and its reason, and reports the loss', () => {
    const error = new NetError('connection_lost', 'reset')
    socket.end(1006, '', error)
    const info = { code: 1006, reason: '', cause: 'network', clean: false, unsent: 0 }
    expect(events.checked_endings).toEqual([{ ending: info, error }])
    expect(events.losses).toEqual([{ info, error }])
    expect(events.log).toEqual(['opened', 'on_open', 'lost'])
    expect(events.errors).toEqual([])
  })

  it('can reconnect after a Close of the peer, too', () => {
    socket.end(1012, 'back soon')
    expect(events.losses).toMatchObject([
      { info: { code: 1012, reason: 'back soon', cause: 'peer', clean: true }, error: undefined },
    ])
    expect(connection.state).toBe('reconnecting')
  })

  it('waits again at once if an attempt fails before it has a socket, and still takes messages', () => {
    socket.end(1006)
    expect(connection.reopen()).toBe(true)
    connection.abandon(new NetError('unsupported', 'no socket'))
    expect(connection.state).toBe('reconnecting')
    expect(connection.send('a')).toBe(true)
    expect(events.losses).toMatchObject([
      { info: { cause: 'network' } },
      { info: { cause: 'refused', code: 1006 }, error: { code: 'unsupported' } },
    ])
  })

  it('does not repeat the reason of an earlier loss', () => {
    socket.end(1006, '', new NetError('connection_lost', 'reset'))
    open_again()
    socket.end(1006)
    expect(events.checked_endings.map(({ error }) => error?.message)).toEqual(['reset', undefined])
  })

  it('has the state open, reconnecting while it waits and opens, open, and closed', () => {
    const seen = [connection.state]
    const note = (): unknown => seen.push(connection.state)
    socket.end(1006)
    note()
    reopen()
    note()
    socket.open()
    note()
    events.may_retry = () => false
    socket.end(1000)
    note()
    expect(seen).toEqual(['open', 'reconnecting', 'reconnecting', 'open', 'closed'])
  })

  it('has the state connecting, then reconnecting, if it has never opened', () => {
    connection = new Connection(settings, events, platform, () => 'handle')
    attach()
    expect(connection.state).toBe('connecting')
    socket.end(1006, '', new NetError('connection_refused', 'nobody there'))
    expect(connection.state).toBe('reconnecting')
    expect(events.checked_endings).toMatchObject([
      { ending: { cause: 'refused' }, error: { code: 'connection_refused' } },
    ])
  })

  it('ends if retry.allows returns false, with `ended` and then on_close, once', async () => {
    events.may_retry = () => false
    const error = new NetError('connection_lost', 'reset')
    socket.end(1006, '', error)
    expect(events.log).toEqual(['opened', 'on_open', 'ended', 'on_close'])
    expect(events.end_error).toBe(error)
    await expect(connection.closed).resolves.toMatchObject({ code: 1006, cause: 'network' })
    expect(connection.reopen()).toBe(false)
  })

  it('has no timer left, and calls no callback for the end, while it waits', () => {
    socket.half_close()
    socket.end(1006)
    expect(platform.clock.timers).toBe(0)
    expect(events.infos).toEqual([])
    platform.clock.advance(100_000)
    expect(connection.state).toBe('reconnecting')
  })

  it('reopens once for each loss', () => {
    expect(connection.reopen()).toBe(false)
    socket.end(1006)
    expect([connection.reopen(), connection.reopen()]).toEqual([true, false])
  })

  describe('a message', () => {
    it('sent while it waits is sent in order and once when it is open again', () => {
      socket.takes_writes = false
      send('lost', 'a', 'b')
      socket.end(1006)
      send('c')
      reopen()
      send('d')
      socket.open()
      send('e')
      expect(sent()).toEqual([['lost'], ['a', 'b', 'c', 'd', 'e']])
      expect(connection.queued).toBe(0)
    })

    it('is sent in order and once over several losses', () => {
      socket.takes_writes = false
      send('lost 1', 'a')
      socket.end(1006)
      open_again()
      socket.takes_writes = false
      send('b', 'c')
      socket.end(1006)
      reopen()
      socket.end(1006, '', new NetError('connection_refused', 'nobody there'))
      send('d')
      open_again()
      expect(sent()).toEqual([['lost 1'], ['a', 'b'], [], ['c', 'd']])
    })

    it('that the network has not taken counts as unsent at each loss, and all of them at the end', async () => {
      for (const texts of [['lost 1'], ['lost 2', 'kept'], []]) {
        socket.takes_writes = false
        send(...texts)
        socket.end(1006)
        open_again()
      }
      expect(events.losses.map(({ info }) => info.unsent)).toEqual([1, 1, 0])
      expect(sent()).toEqual([['lost 1'], ['lost 2'], ['kept'], []])
      socket.takes_writes = false
      send('under way', 'waits')
      events.may_retry = () => false
      socket.end(1006)
      await expect(connection.closed).resolves.toMatchObject({ unsent: 2 + 2 })
    })

    it('counts toward max_queue while it waits, and queue_full is reported once', () => {
      socket.end(1006)
      send('x'.repeat(900))
      expect(connection.send('y'.repeat(900))).toMatchObject({ code: 'queue_full' })
      expect(connection.send('y'.repeat(900))).toMatchObject({ code: 'queue_full' })
      expect(events.errors.map(({ code }) => code)).toEqual(['queue_full'])
      open_again()
      expect(socket.sent).toEqual(['x'.repeat(900)])
      expect(connection.send('y'.repeat(900))).toBe(true)
    })

    it('sent between the peer’s Close and the end is kept for the next socket', () => {
      send('a')
      socket.receive_close()
      send('b')
      expect(connection.state).toBe('open')
      socket.end(1012)
      open_again()
      expect(sent()).toEqual([['a'], ['b']])
    })

    it('sent after the peer has ended its side is kept for the next socket', () => {
      socket.half_close()
      send('a')
      socket.end(1006)
      open_again()
      expect(sent()).toEqual([[], ['a']])
    })

    it('sent between the peer’s Close and the end is unsent if there is no next socket', () => {
      socket.receive_close()
      send('a')
      events.may_retry = () => false
      socket.end(1000)
      expect(events.infos).toMatchObject([{ code: 1000, cause: 'peer', unsent: 1 }])
    })

    it('that is lost rejects drained() with connection_lost at once', async () => {
      socket.takes_writes = false
      send('lost', 'a')
      const drained = connection.drained()
      socket.end(1006)
      await expect(drained).rejects.toMatchObject({
        code: 'connection_lost',
        message: expect.stringContaining('unsent messages: 1;'),
      })
      expect(events.losses).toMatchObject([{ info: { unsent: 1 } }])
      const rest = connection.drained()
      open_again()
      await expect(rest).resolves.toBeUndefined()
      expect(sent()).toEqual([['lost'], ['a']])
    })

    it('that is kept over a loss resolves drained() when the next socket has taken it', async () => {
      socket.end(1006)
      reopen()
      send('a')
      let is_drained = false
      const drained = connection.drained().then(() => {
        is_drained = true
      })
      socket.end(1006)
      platform.end_turn()
      await settled()
      expect(is_drained).toBe(false)
      reopen()
      socket.takes_writes = false
      socket.open()
      await settled()
      expect(is_drained).toBe(false)
      socket.drain()
      await drained
    })

    it('resolves drained() that was called while the connection waits', async () => {
      socket.end(1006)
      await expect(connection.drained()).resolves.toBeUndefined()
      send('a')
      const drained = connection.drained()
      open_again()
      await expect(drained).resolves.toBeUndefined()
    })

    it('is lost at the end, which rejects drained()', async () => {
      socket.end(1006)
      send('a')
      const drained = connection.drained()
      reopen()
      events.may_retry = () => false
      socket.end(1006)
      await expect(drained).rejects.toMatchObject({ code: 'connection_lost' })
    })
  })

  describe('close()', () => {
    const error = new NetError('connection_refused', 'nobody there')

    it('during the delay ends it, and counts queued messages; its callbacks come later', () => {
      send('a')
      socket.end(1006)
      send('b', 'c')
      expect(connection.close(4000, 'enough')).toBe(true)
      expect(connection.state).toBe('closing')
      expect(connection.send('late')).toMatchObject({ code: 'closed' })
      expect(events.infos).toEqual([])
      expect(connection.reopen()).toBe(false)
      platform.end_turn()
      expect(connection.state).toBe('closed')
      expect(events.log.slice(-3)).toEqual(['lost', 'ended', 'on_close'])
      expect(events.infos).toEqual([{ code: 1006, reason: '', cause: 'local', clean: false, unsent: 2 }])
      expect(socket.call_names).toEqual(['write'])
      expect(platform.clock.timers).toBe(0)
    })

    it('during the delay counts messages lost with earlier sockets, too', () => {
      socket.takes_writes = false
      send('lost', 'kept')
      socket.end(1006)
      connection.close()
      platform.end_turn()
      expect(events.infos).toMatchObject([{ unsent: 2 }])
    })

    it('during the delay may be called twice', () => {
      socket.end(1006)
      connection.close()
      connection.close()
      platform.end_turn()
      expect(events.infos).toHaveLength(1)
    })

    it('from within retry.lost ends the connection', () => {
      events.retry.lost = () => void connection.close()
      socket.end(1006)
      platform.end_turn()
      expect(events.infos).toMatchObject([{ cause: 'local' }])
    })

    it('during an attempt gives it up if nothing is queued', () => {
      socket.end(1006)
      reopen()
      connection.close()
      expect(socket.call_names).toEqual(['terminate'])
      socket.end(1006, '', error)
      expect(connection.state).toBe('closed')
      expect(events.infos).toMatchObject([{ cause: 'local', unsent: 0 }])
      expect(events.end_error).toBeUndefined()
    })

    it('during an attempt first sends queued messages if the attempt succeeds', () => {
      socket.end(1006)
      send('a')
      reopen()
      connection.close()
      expect(connection.state).toBe('closing')
      socket.open()
      expect(socket.call_names).toEqual(['write', 'close'])
      socket.end(1000)
      expect(events.infos).toEqual([{ code: 1000, reason: '', cause: 'local', clean: true, unsent: 0 }])
      expect(events.log).toEqual(['opened', 'on_open', 'lost', 'opened', 'ended', 'on_close'])
    })

    it('during an attempt ends the connection if the attempt fails, even with queued messages', () => {
      socket.end(1006)
      send('a')
      reopen()
      connection.close()
      socket.end(1006, '', error)
      expect(events.infos).toMatchObject([{ cause: 'local', unsent: 1 }])
      expect(connection.state).toBe('closed')
    })

    it.each(['heartbeat', 'the peer’s half of the end', 'an attempt that takes too long'])(
      'ends the connection even if its socket was given up and has not ended: %s',
      why => {
        if (why === 'heartbeat') for (let i = 0; i < 2 * CHECKS_PER_SPAN; i += 1) connection.check()
        else if (why === 'the peer’s half of the end') {
          socket.half_close()
          platform.clock.advance(5_000)
        } else {
          socket.end(1006)
          reopen()
          connection.abandon(new NetError('connect_timeout', 'too slow'))
        }
        expect(socket.call_names.at(-1)).toBe('terminate')
        connection.close()
        socket.end(1006)
        expect(connection.state).toBe('closed')
        expect(events.infos).toMatchObject([{ code: 1006, cause: 'local', clean: false }])
        expect(socket.call_names.filter(call => call === 'terminate')).toHaveLength(1)
      },
    )

    it('ends the connection before an attempt takes too long', () => {
      socket.end(1006)
      send('a')
      reopen()
      connection.close()
      connection.abandon(new NetError('connect_timeout', 'too slow'))
      socket.end(1006)
      expect(connection.state).toBe('closed')
      expect(events.infos).toMatchObject([{ cause: 'local', unsent: 1 }])
    })

    it.each([
      ['nothing to send', [], ['close']],
      ['messages to send', ['a'], []],
    ] as const)('between the peer’s Close and the end, with %s, is the end', (_, texts, calls) => {
      socket.receive_close()
      send(...texts)
      connection.close(4000, 'enough')
      expect(connection.state).toBe('closing')
      expect(socket.call_names).toEqual(calls)
      socket.end(1012, 'back soon')
      expect(connection.state).toBe('closed')
      expect(events.infos).toEqual([
        { code: 1012, reason: 'back soon', cause: 'local', clean: true, unsent: texts.length },
      ])
    })
  })

  describe('callbacks', () => {
    it('on_open runs each time it is open, in order with the messages', () => {
      socket.receive('a')
      socket.end(1006)
      open_again()
      socket.receive('b')
      expect(events.log).toEqual([
        'opened',
        'on_open',
        'on_message a',
        'lost',
        'opened',
        'on_open',
        'on_message b',
      ])
    })

    it('on_open waits behind the messages of the previous socket for a slow callback', async () => {
      let release = (): void => {}
      events.message_result = data =>
        data === 'slow' ? new Promise<void>(resolve => (release = resolve)) : undefined
      socket.receive('slow')
      socket.receive('a')
      socket.end(1006)
      open_again()
      socket.receive('b')
      expect(events.log.slice(2)).toEqual(['on_message slow', 'lost', 'opened'])
      release()
      await settled()
      expect(events.log.slice(5)).toEqual(['on_message a', 'on_open', 'on_message b'])
    })

    it('continue during the delay', async () => {
      let release = (): void => {}
      events.message_result = data =>
        data === 'slow' ? new Promise<void>(resolve => (release = resolve)) : undefined
      socket.receive('slow')
      socket.receive('a')
      socket.end(1006)
      release()
      await settled()
      expect(events.log.slice(2)).toEqual(['on_message slow', 'lost', 'on_message a'])
    })

    it('on_open does not wait behind messages without a listener, and the messages are kept', () => {
      connection.set_listener('none')
      socket.receive('a')
      socket.end(1006)
      open_again()
      socket.receive('b')
      expect(events.log).toEqual(['opened', 'on_open', 'lost', 'opened', 'on_open'])
      connection.set_listener('ready')
      expect(events.log.slice(5)).toEqual(['on_message a', 'on_message b'])
    })

    it('that are too slow for the previous socket pause the next one until there is room', async () => {
      let release = (): void => {}
      events.message_result = () => new Promise<void>(resolve => (release = resolve))
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      socket.end(1006)
      reopen()
      expect(socket.calls).toEqual([])
      socket.open()
      expect(socket.call_names).toEqual(['pause'])
      events.message_result = () => undefined
      release()
      await settled()
      expect(socket.call_names).toEqual(['pause', 'resume'])
    })

    it('that catch up during the delay do not pause the next socket', async () => {
      let release = (): void => {}
      events.message_result = () => new Promise<void>(resolve => (release = resolve))
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      socket.end(1006)
      events.message_result = () => undefined
      release()
      await settled()
      open_again()
      expect(socket.calls).toEqual([])
    })
  })

  it('publishes each opening, and each end with whether it will reconnect', () => {
    const published: unknown[][] = []
    const channel = (name: ChannelName): Channel<object> => ({
      hasSubscribers: true,
      publish: event => published.push([name, event]),
    })
    const channels = {
      open: channel('open'),
      close: channel('close'),
      message: channel('message'),
      queue_full: channel('queue_full'),
      refused: channel('refused'),
      error: channel('error'),
    }
    platform = Object.assign(new Platform(), { channels })
    connection = new Connection(settings, events, platform, () => 'handle')
    attach()
    socket.open()
    const error = new NetError('connection_lost', 'reset')
    socket.end(1006, '', error)
    open_again()
    events.may_retry = () => false
    socket.end(1000, 'bye')
    const who = { side: 'client', handle: 'handle' }
    const lost = { code: 1006, reason: '', cause: 'network', clean: false, unsent: 0 }
    const closed = { code: 1000, reason: 'bye', cause: 'peer', clean: true, unsent: 0 }
    expect(published).toEqual([
      ['open', who],
      ['close', { ...who, info: lost, error, will_reconnect: true }],
      ['open', who],
      ['close', { ...who, info: closed, error: undefined, will_reconnect: false }],
    ])
  })

  it('starts counting silence over on the next socket', () => {
    for (let i = 0; i < 2 * CHECKS_PER_SPAN - 1; i += 1) connection.check()
    socket.end(1006)
    for (let i = 0; i < 2 * CHECKS_PER_SPAN; i += 1) connection.check()
    open_again()
    for (let i = 0; i < CHECKS_PER_SPAN - 1; i += 1) connection.check()
    expect(socket.calls).toEqual([])
    connection.check()
    connection.check()
    expect(socket.call_names).toEqual(['ping'])
  })

  it('reconnects after a loss by the heartbeat', () => {
    for (let i = 0; i < 2 * CHECKS_PER_SPAN; i += 1) connection.check()
    socket.end(1006)
    expect(events.losses).toMatchObject([
      { info: { code: 1006, cause: 'heartbeat' }, error: { code: 'connection_lost' } },
    ])
    open_again()
    expect(connection.state).toBe('open')
  })

  it('does not reconnect after its own failure, whatever retry.allows returns', () => {
    socket.takes_writes = false
    send('under way', 'dropped')
    events.may_retry = () => true
    socket.fail(new NetError('protocol_error', 'reserved bits'), 1002)
    connection.close()
    socket.end(1001, 'as you like')
    expect(connection.state).toBe('closed')
    expect(events.infos).toMatchObject([{ code: 1001, cause: 'protocol', unsent: 2 }])
  })

  it('does not reconnect after it was closed, whatever retry.allows returns', () => {
    events.may_retry = () => true
    connection.close()
    socket.end(1012)
    expect(connection.state).toBe('closed')
  })
})
