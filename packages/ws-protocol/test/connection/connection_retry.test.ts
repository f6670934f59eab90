import { beforeEach, describe, expect, it } from 'vitest'
import { Connection } from '../../src/connection/connection.js'
import type { Channel, ChannelName } from '../../src/connection/events.js'
import { CHECKS_PER_HEARTBEAT } from '../../src/connection/heartbeat.js'
import { NetError } from '../../src/errors/errors.js'
import { FakePlatform, FakeSocket } from '../../src/testing/index.js'
import { RetryingOwner, settings } from './connection_owner.js'

describe('a Connection whose owner connects again', () => {
  let platform: FakePlatform
  let owner: RetryingOwner
  let sockets: FakeSocket[]
  let socket: FakeSocket
  let connection: Connection<string>

  const attach = (): void => {
    socket = new FakeSocket()
    sockets.push(socket)
    socket.connect_to(connection)
    connection.attach(socket)
  }

  /** The wait is over, and the next socket opens, but is not open. */
  const reopen = (): void => {
    expect(connection.reopen()).toBe(true)
    attach()
  }

  const open_again = (): void => {
    reopen()
    socket.open()
  }

  /** Sends each in a turn of its own. */
  const send = (...texts: string[]): void => {
    for (const text of texts) {
      expect(connection.send(text)).toBe(true)
      platform.end_turn()
    }
  }

  /** What each socket was asked to write. */
  const sent = (): (readonly (string | Uint8Array)[])[] => sockets.map(socket => socket.sent)

  const settled = async (): Promise<void> => {
    for (let i = 0; i < 5; i += 1) await Promise.resolve()
  }

  beforeEach(() => {
    platform = new FakePlatform()
    owner = new RetryingOwner()
    sockets = []
    connection = new Connection(settings, owner, platform, () => 'handle')
    attach()
    socket.open()
  })

  it('is asked after each end, with how it ended and why, and told of the loss', () => {
    const error = new NetError('connection_lost', 'reset')
    socket.end(1006, '', error)
    const ending = { code: 1006, reason: '', cause: 'network', clean: false }
    expect(owner.asked).toEqual([{ ending, error }])
    expect(owner.losses).toEqual([{ info: { ...ending, unsent: 0 }, error }])
    expect(owner.heard).toEqual(['opened', 'on_open', 'lost'])
    expect(owner.errors).toEqual([])
  })

  it('may go on after a Close of the peer, too', () => {
    socket.end(1012, 'back soon')
    expect(owner.losses).toMatchObject([
      { info: { code: 1012, reason: 'back soon', cause: 'peer', clean: true }, error: undefined },
    ])
    expect(connection.state).toBe('reconnecting')
  })

  it('forgets why it was lost when it is lost again', () => {
    socket.end(1006, '', new NetError('connection_lost', 'reset'))
    open_again()
    socket.end(1006)
    expect(owner.asked.map(({ error }) => error?.message)).toEqual(['reset', undefined])
  })

  it('is where it stands: open, reconnecting while it waits and opens, open, closed', () => {
    const seen = [connection.state]
    const note = (): unknown => seen.push(connection.state)
    socket.end(1006)
    note()
    reopen()
    note()
    socket.open()
    note()
    owner.may_retry = () => false
    socket.end(1000)
    note()
    expect(seen).toEqual(['open', 'reconnecting', 'reconnecting', 'open', 'closed'])
  })

  it('is where it stands when it never opened: connecting, then reconnecting', () => {
    connection = new Connection(settings, owner, platform, () => 'handle')
    attach()
    expect(connection.state).toBe('connecting')
    socket.end(1006, '', new NetError('connection_refused', 'nobody there'))
    expect(connection.state).toBe('reconnecting')
    expect(owner.asked).toMatchObject([
      { ending: { cause: 'refused' }, error: { code: 'connection_refused' } },
    ])
  })

  it('ends when its owner does not go on: ended, then on_close, once', async () => {
    owner.may_retry = () => false
    const error = new NetError('connection_lost', 'reset')
    socket.end(1006, '', error)
    expect(owner.heard).toEqual(['opened', 'on_open', 'ended', 'on_close'])
    expect(owner.end_error).toBe(error)
    await expect(connection.closed).resolves.toMatchObject({ code: 1006, cause: 'network' })
    expect(connection.reopen()).toBe(false)
  })

  it('has no timer left, and no callback of its end called, while it waits', () => {
    socket.half_close()
    socket.end(1006)
    expect(platform.clock.timers).toBe(0)
    expect(owner.infos).toEqual([])
    platform.clock.advance(100_000)
    expect(connection.state).toBe('reconnecting')
  })

  it('reopens once for each loss', () => {
    expect(connection.reopen()).toBe(false)
    socket.end(1006)
    expect([connection.reopen(), connection.reopen()]).toEqual([true, false])
  })

  describe('what was sent', () => {
    it('waits, and goes out in order and once when it is open again', () => {
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

    it('goes out over several losses, in order and once', () => {
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

    it('is counted at each loss where the network had not taken it, and all of it at the end', async () => {
      for (const texts of [['lost 1'], ['lost 2', 'kept'], []]) {
        socket.takes_writes = false
        send(...texts)
        socket.end(1006)
        open_again()
      }
      expect(owner.losses.map(({ info }) => info.unsent)).toEqual([1, 1, 0])
      expect(sent()).toEqual([['lost 1'], ['lost 2'], ['kept'], []])
      socket.takes_writes = false
      send('under way', 'waits')
      owner.may_retry = () => false
      socket.end(1006)
      await expect(connection.closed).resolves.toMatchObject({ unsent: 2 + 2 })
    })

    it('is bounded while it waits, and told to be so once', () => {
      socket.end(1006)
      send('x'.repeat(900))
      expect(connection.send('y'.repeat(900))).toMatchObject({ code: 'queue_full' })
      expect(connection.send('y'.repeat(900))).toMatchObject({ code: 'queue_full' })
      expect(owner.errors.map(({ code }) => code)).toEqual(['queue_full'])
      open_again()
      expect(socket.sent).toEqual(['x'.repeat(900)])
      expect(connection.send('y'.repeat(900))).toBe(true)
    })

    it('between the peer’s Close and the end is kept for the next socket', () => {
      send('a')
      socket.receive_close()
      send('b')
      expect(connection.state).toBe('open')
      socket.end(1012)
      open_again()
      expect(sent()).toEqual([['a'], ['b']])
    })

    it('between the peer’s half of the end and the end is kept for the next socket', () => {
      socket.half_close()
      send('a')
      socket.end(1006)
      open_again()
      expect(sent()).toEqual([[], ['a']])
    })

    it('between the peer’s Close and the end is unsent where there is no next socket', () => {
      socket.receive_close()
      send('a')
      owner.may_retry = () => false
      socket.end(1000)
      expect(owner.infos).toMatchObject([{ code: 1000, cause: 'peer', unsent: 1 }])
    })

    it('rejects drained() with connection_lost at once when some of what it waits for is lost', async () => {
      socket.takes_writes = false
      send('lost', 'a')
      const drained = connection.drained()
      socket.end(1006)
      await expect(drained).rejects.toMatchObject({
        code: 'connection_lost',
        message: expect.stringContaining('unsent messages: 1;'),
      })
      expect(owner.losses).toMatchObject([{ info: { unsent: 1 } }])
      const rest = connection.drained()
      open_again()
      await expect(rest).resolves.toBeUndefined()
      expect(sent()).toEqual([['lost'], ['a']])
    })

    it('resolves drained() over a loss when all that it waits for is kept, and the next socket has taken it', async () => {
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

    it('settles drained() for who asks while it waits', async () => {
      socket.end(1006)
      await expect(connection.drained()).resolves.toBeUndefined()
      send('a')
      const drained = connection.drained()
      open_again()
      await expect(drained).resolves.toBeUndefined()
    })

    it('rejects drained() when it is over', async () => {
      socket.end(1006)
      send('a')
      const drained = connection.drained()
      reopen()
      owner.may_retry = () => false
      socket.end(1006)
      await expect(drained).rejects.toMatchObject({ code: 'connection_lost' })
    })
  })

  describe('close()', () => {
    const error = new NetError('connection_refused', 'nobody there')

    it('during a wait ends it, and counts what waited; its callbacks come later', () => {
      send('a')
      socket.end(1006)
      send('b', 'c')
      expect(connection.close(4000, 'enough')).toBe(true)
      expect(connection.state).toBe('closing')
      expect(connection.send('late')).toMatchObject({ code: 'closed' })
      expect(owner.infos).toEqual([])
      expect(connection.reopen()).toBe(false)
      platform.end_turn()
      expect(connection.state).toBe('closed')
      expect(owner.heard.slice(-3)).toEqual(['lost', 'ended', 'on_close'])
      expect(owner.infos).toEqual([{ code: 1006, reason: '', cause: 'local', clean: false, unsent: 2 }])
      expect(socket.call_names).toEqual(['write'])
      expect(platform.clock.timers).toBe(0)
    })

    it('during a wait counts what was lost with the sockets before, too', () => {
      socket.takes_writes = false
      send('lost', 'kept')
      socket.end(1006)
      connection.close()
      platform.end_turn()
      expect(owner.infos).toMatchObject([{ unsent: 2 }])
    })

    it('twice during a wait is once', () => {
      socket.end(1006)
      connection.close()
      connection.close()
      platform.end_turn()
      expect(owner.infos).toHaveLength(1)
    })

    it('from within the news of the loss ends it', () => {
      owner.retry.lost = () => void connection.close()
      socket.end(1006)
      platform.end_turn()
      expect(owner.infos).toMatchObject([{ cause: 'local' }])
    })

    it('during an attempt, with nothing to send, gives it up', () => {
      socket.end(1006)
      reopen()
      connection.close()
      expect(socket.call_names).toEqual(['terminate'])
      socket.end(1006, '', error)
      expect(connection.state).toBe('closed')
      expect(owner.infos).toMatchObject([{ cause: 'local', unsent: 0 }])
      expect(owner.end_error).toBeUndefined()
    })

    it('during an attempt sends first what waits, where that succeeds', () => {
      socket.end(1006)
      send('a')
      reopen()
      connection.close()
      expect(connection.state).toBe('closing')
      socket.open()
      expect(socket.call_names).toEqual(['write', 'close'])
      socket.end(1000)
      expect(owner.infos).toEqual([{ code: 1000, reason: '', cause: 'local', clean: true, unsent: 0 }])
      expect(owner.heard).toEqual(['opened', 'on_open', 'lost', 'opened', 'ended', 'on_close'])
    })

    it('during an attempt with messages waiting is the end where that fails', () => {
      socket.end(1006)
      send('a')
      reopen()
      connection.close()
      socket.end(1006, '', error)
      expect(owner.infos).toMatchObject([{ cause: 'local', unsent: 1 }])
      expect(connection.state).toBe('closed')
    })

    it.each(['heartbeat', 'the peer’s half of the end', 'an attempt that takes too long'])(
      'is the end though the socket was given up, and has not ended: for %s',
      why => {
        if (why === 'heartbeat') for (let i = 0; i < 2 * CHECKS_PER_HEARTBEAT; i += 1) connection.check()
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
        expect(owner.infos).toMatchObject([{ code: 1006, cause: 'local', clean: false }])
        expect(socket.call_names.filter(call => call === 'terminate')).toHaveLength(1)
      },
    )

    it('before an attempt takes too long is the end', () => {
      socket.end(1006)
      send('a')
      reopen()
      connection.close()
      connection.abandon(new NetError('connect_timeout', 'too slow'))
      socket.end(1006)
      expect(connection.state).toBe('closed')
      expect(owner.infos).toMatchObject([{ cause: 'local', unsent: 1 }])
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
      expect(owner.infos).toEqual([
        { code: 1012, reason: 'back soon', cause: 'local', clean: true, unsent: texts.length },
      ])
    })
  })

  describe('callbacks', () => {
    it('on_open comes each time it is open, in order with the messages', () => {
      socket.receive('a')
      socket.end(1006)
      open_again()
      socket.receive('b')
      expect(owner.heard).toEqual([
        'opened',
        'on_open',
        'on_message a',
        'lost',
        'opened',
        'on_open',
        'on_message b',
      ])
    })

    it('on_open waits behind the messages of the socket before, for a slow callback', async () => {
      let release = (): void => {}
      owner.message_returns = data =>
        data === 'slow' ? new Promise<void>(resolve => (release = resolve)) : undefined
      socket.receive('slow')
      socket.receive('a')
      socket.end(1006)
      open_again()
      socket.receive('b')
      expect(owner.heard.slice(2)).toEqual(['on_message slow', 'lost', 'opened'])
      release()
      await settled()
      expect(owner.heard.slice(5)).toEqual(['on_message a', 'on_open', 'on_message b'])
    })

    it('go on during a wait', async () => {
      let release = (): void => {}
      owner.message_returns = data =>
        data === 'slow' ? new Promise<void>(resolve => (release = resolve)) : undefined
      socket.receive('slow')
      socket.receive('a')
      socket.end(1006)
      release()
      await settled()
      expect(owner.heard.slice(2)).toEqual(['on_message slow', 'lost', 'on_message a'])
    })

    it('on_open does not wait behind messages that nobody takes, and the messages are kept', () => {
      connection.set_listener('none')
      socket.receive('a')
      socket.end(1006)
      open_again()
      socket.receive('b')
      expect(owner.heard).toEqual(['opened', 'on_open', 'lost', 'opened', 'on_open'])
      connection.set_listener('ready')
      expect(owner.heard.slice(5)).toEqual(['on_message a', 'on_message b'])
    })

    it('that are too slow for the socket before pause the next one, until there is room', async () => {
      let release = (): void => {}
      owner.message_returns = () => new Promise<void>(resolve => (release = resolve))
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      socket.end(1006)
      reopen()
      expect(socket.calls).toEqual([])
      socket.open()
      expect(socket.call_names).toEqual(['pause'])
      owner.message_returns = () => undefined
      release()
      await settled()
      expect(socket.call_names).toEqual(['pause', 'resume'])
    })

    it('that catch up during a wait leave the next socket alone', async () => {
      let release = (): void => {}
      owner.message_returns = () => new Promise<void>(resolve => (release = resolve))
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      socket.end(1006)
      owner.message_returns = () => undefined
      release()
      await settled()
      open_again()
      expect(socket.calls).toEqual([])
    })
  })

  it('tells the channels of each opening, and of each end, with whether it will come again', () => {
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
    platform = Object.assign(new FakePlatform(), { channels })
    connection = new Connection(settings, owner, platform, () => 'handle')
    attach()
    socket.open()
    const error = new NetError('connection_lost', 'reset')
    socket.end(1006, '', error)
    open_again()
    owner.may_retry = () => false
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

  it('counts silence anew on the next socket', () => {
    for (let i = 0; i < 2 * CHECKS_PER_HEARTBEAT - 1; i += 1) connection.check()
    socket.end(1006)
    for (let i = 0; i < 2 * CHECKS_PER_HEARTBEAT; i += 1) connection.check()
    open_again()
    for (let i = 0; i < CHECKS_PER_HEARTBEAT - 1; i += 1) connection.check()
    expect(socket.calls).toEqual([])
    connection.check()
    connection.check()
    expect(socket.call_names).toEqual(['ping'])
  })

  it('is lost to the heartbeat, and goes on', () => {
    for (let i = 0; i < 2 * CHECKS_PER_HEARTBEAT; i += 1) connection.check()
    socket.end(1006)
    expect(owner.losses).toMatchObject([
      { info: { code: 1006, cause: 'heartbeat' }, error: { code: 'connection_lost' } },
    ])
    open_again()
    expect(connection.state).toBe('open')
  })

  it('does not go on after it failed itself, whatever its owner says', () => {
    socket.takes_writes = false
    send('under way', 'dropped')
    owner.may_retry = () => true
    socket.fail(new NetError('protocol_error', 'reserved bits'), 1002)
    connection.close()
    socket.end(1001, 'as you like')
    expect(connection.state).toBe('closed')
    expect(owner.infos).toMatchObject([{ code: 1001, cause: 'protocol', unsent: 2 }])
  })

  it('does not go on after it was closed, whatever its owner says', () => {
    owner.may_retry = () => true
    connection.close()
    socket.end(1012)
    expect(connection.state).toBe('closed')
  })
})
