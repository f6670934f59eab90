import { beforeEach, describe, expect, it } from 'vitest'
import { Connection, type ConnectionSettings } from '../../src/connection/connection.js'
import type { Channel, ChannelName } from '../../src/connection/events.js'
import { CHECKS_PER_HEARTBEAT } from '../../src/connection/heartbeat.js'
import { INBOX_MAX_BYTES } from '../../src/connection/inbox.js'
import { NetError } from '../../src/errors/errors.js'
import { BATCH_BYTES } from '../../src/queues/batch.js'
import { FakePlatform, FakeSocket } from '../../src/testing/index.js'
import { Owner, settings } from './connection_owner.js'

describe('Connection', () => {
  let platform: FakePlatform
  let owner: Owner
  let socket: FakeSocket
  let connection: Connection<string>

  const start = (changed: Partial<ConnectionSettings> = {}): void => {
    platform = new FakePlatform()
    owner = new Owner()
    socket = new FakeSocket()
    connection = new Connection({ ...settings, ...changed }, owner, platform, () => 'handle')
    socket.connect_to(connection)
    connection.attach(socket)
  }

  const start_open = (changed: Partial<ConnectionSettings> = {}): void => {
    start(changed)
    socket.open()
  }

  const codes = (): string[] => owner.errors.map(error => error.code)

  beforeEach(() => start_open())

  describe('sending', () => {
    it('writes what was sent in one turn with one write at its end', () => {
      expect(connection.send('a')).toBe(true)
      expect(connection.send(new Uint8Array([1, 2]))).toBe(true)
      expect(socket.calls).toEqual([])
      platform.end_turn()
      expect(socket.calls).toEqual([{ call: 'write', messages: ['a', new Uint8Array([1, 2])] }])
      expect(connection.queued).toBe(0)
    })

    it('counts what waits, with the header of each frame', () => {
      connection.send('12345')
      expect(connection.queued).toBe(5 + 2 + 4)
      start_open({ side: 'server' })
      connection.send('12345')
      expect(connection.queued).toBe(5 + 2)
    })

    it('hands a batch on before the turn ends as soon as it is worth a write', () => {
      start_open({ max_queue: 10 * BATCH_BYTES })
      const message = 'x'.repeat(1_024)
      while (socket.calls.length === 0) connection.send(message)
      expect(socket.sent.length * 1_024).toBeLessThanOrEqual(BATCH_BYTES)
      expect(socket.sent.length * 1_024).toBeGreaterThan(BATCH_BYTES * 0.9)
      expect(connection.queued).toBe(0)
    })

    it('waits for the network before it writes more, and writes the rest in order', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.send('b')
      platform.end_turn()
      connection.send('c')
      platform.end_turn()
      expect(socket.sent).toEqual(['a'])
      expect(connection.queued).toBe(3 * 7)
      socket.takes_writes = true
      socket.drain()
      expect(socket.sent).toEqual(['a', 'b', 'c'])
      expect(socket.call_names).toEqual(['write', 'write'])
      expect(connection.queued).toBe(0)
    })

    it('returns queue_full, and keeps the queue, when a message does not fit', () => {
      socket.takes_writes = false
      expect(connection.send('x'.repeat(600))).toBe(true)
      platform.end_turn()
      expect(connection.send('y'.repeat(300))).toBe(true)
      const result = connection.send('z'.repeat(100))
      expect(result).toBeInstanceOf(NetError)
      expect(result).toMatchObject({
        code: 'queue_full',
        message: expect.stringContaining('max_queue 1000 bytes'),
      })
      expect(connection.send('small')).toBe(true)
      socket.takes_writes = true
      socket.drain()
      expect(socket.sent).toEqual(['x'.repeat(600), 'y'.repeat(300), 'small'])
    })

    it('has the whole queue for a burst, since it writes before it says that it is full', () => {
      for (let i = 0; i < 10; i += 1) expect(connection.send('x'.repeat(900))).toBe(true)
      platform.end_turn()
      expect(socket.sent).toHaveLength(10)
    })

    it('reports the first queue_full of an episode, and again after it has drained', () => {
      socket.takes_writes = false
      connection.send('x'.repeat(900))
      platform.end_turn()
      connection.send('y'.repeat(900))
      connection.send('z'.repeat(900))
      expect(codes()).toEqual(['queue_full'])
      socket.drain()
      connection.send('x'.repeat(900))
      platform.end_turn()
      connection.send('y'.repeat(900))
      expect(codes()).toEqual(['queue_full', 'queue_full'])
    })

    it('returns too_large for what can never fit, and reports nothing', () => {
      expect(connection.send('x'.repeat(1_001))).toMatchObject({
        code: 'too_large',
        message: expect.stringContaining('1000'),
      })
      expect(codes()).toEqual([])
      expect(connection.send('fits')).toBe(true)
    })

    it('throws for what is neither text nor bytes, whatever the state', () => {
      expect(() => connection.send(42 as unknown as string)).toThrow(
        expect.objectContaining({ code: 'invalid_argument' }),
      )
      connection.close()
      expect(() => connection.send(42 as unknown as string)).toThrow(
        expect.objectContaining({ code: 'invalid_argument' }),
      )
    })

    it('keeps what is sent before the connection is open, in order, and bounded', () => {
      start()
      expect(connection.send('a')).toBe(true)
      expect(connection.send('b'.repeat(980))).toBe(true)
      expect(connection.send('c')).toMatchObject({ code: 'queue_full' })
      platform.end_turn()
      expect(socket.calls).toEqual([])
      socket.open()
      expect(socket.sent).toEqual(['a', 'b'.repeat(980)])
    })

    it('returns closed once the peer’s Close is in, though the socket has not ended', () => {
      socket.receive_close()
      expect(connection.send('late')).toMatchObject({ code: 'closed' })
      expect(connection.state).toBe('open')
    })

    it('counts as unsent what waited when the peer’s Close came', () => {
      connection.send('a')
      connection.send('b')
      socket.receive_close()
      platform.end_turn()
      socket.end(1000)
      expect(owner.infos).toEqual([{ code: 1000, reason: '', cause: 'peer', clean: true, unsent: 2 }])
    })
  })

  describe('drained', () => {
    it('settles at once when nothing waits', async () => {
      await expect(connection.drained()).resolves.toBeUndefined()
    })

    it('settles when the network has taken everything', async () => {
      socket.takes_writes = false
      connection.send('a')
      let is_drained = false
      const drained = connection.drained().then(() => {
        is_drained = true
      })
      platform.end_turn()
      await Promise.resolve()
      expect(is_drained).toBe(false)
      socket.drain()
      await drained
      expect(is_drained).toBe(true)
    })

    it.each([
      ['is lost', 1006],
      ['is closed by the peer', 1000],
    ])('rejects with connection_lost when the connection %s first', async (_name, code) => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      const drained = connection.drained()
      socket.end(code)
      await expect(drained).rejects.toMatchObject({ code: 'connection_lost' })
      expect(owner.infos[0]?.unsent).toBe(1)
    })

    it('rejects with connection_lost when this side closed, and the peer takes nothing more', async () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.send('b')
      const drained = connection.drained()
      connection.close()
      platform.clock.advance(settings.close_timeout)
      socket.end(1006)
      await expect(drained).rejects.toMatchObject({
        code: 'connection_lost',
        message: expect.stringContaining('unsent messages: 2;'),
      })
    })

    it('rejects with connection_lost when the connection never opens', async () => {
      start()
      connection.send('a')
      const drained = connection.drained()
      socket.end(1006)
      await expect(drained).rejects.toMatchObject({ code: 'connection_lost' })
    })

    it('resolves when the network has taken everything by the time that the connection ends', async () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      const drained = connection.drained()
      socket.takes_rest()
      socket.end(1000)
      await expect(drained).resolves.toBeUndefined()
      expect(owner.infos[0]?.unsent).toBe(0)
    })

    it('leaves no unhandled rejection when its caller does not wait for it', async () => {
      const unhandled: unknown[] = []
      const note = (reason: unknown): unknown => unhandled.push(reason)
      process.on('unhandledRejection', note)
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.drained()
      socket.end(1006)
      connection.drained()
      // Node reports unhandled rejections when all promise jobs are done.
      await new Promise(resolve => setImmediate(resolve))
      process.off('unhandledRejection', note)
      expect(unhandled).toEqual([])
    })

    it('rejects once the connection is closed or closing', async () => {
      connection.close()
      await expect(connection.drained()).rejects.toMatchObject({ code: 'closed' })
    })

    it('settles for who asks while the rest still goes out', async () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.close()
      const drained = connection.drained()
      socket.drain()
      await expect(drained).resolves.toBeUndefined()
    })

    it('settles for who asks while it still opens, though it was closed, when the rest has gone out', async () => {
      start()
      connection.send('a')
      connection.close()
      const drained = connection.drained()
      socket.open()
      await expect(drained).resolves.toBeUndefined()
      expect(socket.sent).toEqual(['a'])
    })

    it('settles for who asked before close(), when the rest has gone out', async () => {
      connection.send('a')
      const drained = connection.drained()
      connection.close()
      await expect(drained).resolves.toBeUndefined()
      expect(socket.sent).toEqual(['a'])
    })
  })

  describe('receiving', () => {
    it('opens, hands on messages and closes, in order', async () => {
      socket.receive('a')
      socket.receive('b')
      socket.end(1000, 'bye')
      expect(owner.heard).toEqual(['opened', 'on_open', 'on_message a', 'on_message b', 'ended', 'on_close'])
      expect(owner.infos).toEqual([{ code: 1000, reason: 'bye', cause: 'peer', clean: true, unsent: 0 }])
      await expect(connection.closed).resolves.toEqual(owner.infos[0])
    })

    it('closes with 1003 on a binary message that was not asked for, and takes nothing more', () => {
      socket.receive(new Uint8Array(3))
      socket.receive('more')
      expect(codes()).toEqual(['unexpected_binary'])
      expect(socket.calls).toEqual([{ call: 'close', code: 1003, reason: '' }])
      socket.end(1006)
      expect(owner.infos).toEqual([{ code: 1003, reason: '', cause: 'protocol', clean: false, unsent: 0 }])
      expect(owner.heard).not.toContain('on_message more')
    })

    it('takes a binary message that was asked for', () => {
      start_open({ binary: true })
      socket.receive(new Uint8Array([7, 8]))
      expect(owner.heard).toContain('on_message 7,8')
    })

    it('delivers before on_close what arrived before the end, however long a callback takes', async () => {
      let release = (): void => {}
      owner.message_returns = () => new Promise<void>(resolve => (release = resolve))
      socket.receive('a')
      socket.receive('b')
      socket.end(1000)
      expect(connection.inbox_bytes).toBeGreaterThan(0)
      expect(owner.heard.at(-1)).toBe('ended')
      owner.message_returns = () => undefined
      release()
      await connection.closed
      expect(owner.heard.slice(-3)).toEqual(['ended', 'on_message b', 'on_close'])
    })

    it('slows the sender down while a callback is slow, and lets it go on afterwards', async () => {
      let release = (): void => {}
      owner.message_returns = () => new Promise<void>(resolve => (release = resolve))
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      expect(socket.call_names).toEqual(['pause'])
      expect(codes()).toEqual([])
      owner.message_returns = () => undefined
      release()
      await Promise.resolve()
      await Promise.resolve()
      expect(socket.call_names).toEqual(['pause', 'resume'])
    })

    it('says so when a loop is left while the peer is held up', () => {
      connection.set_listener('busy')
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      expect(codes()).toEqual([])
      connection.set_listener('none')
      expect(codes()).toEqual(['no_message_handler'])
    })

    it('says so when messages pile up for nobody', () => {
      connection.set_listener('none')
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      expect(codes()).toEqual(['no_message_handler'])
      connection.set_listener('ready')
      expect(owner.heard.filter(entry => entry.startsWith('on_message'))).toHaveLength(300)
    })
  })

  describe('an inbox that overflows, since the peer can’t be slowed down', () => {
    let release: () => void

    /** The first message is held, and the second leaves no room but for one more. */
    const fill = (): void => {
      owner.message_returns = () => new Promise<void>(resolve => (release = resolve))
      socket.receive('held')
      connection.socket_message('waits', INBOX_MAX_BYTES - 64)
    }

    it('takes a message while no more than 16 MiB wait', () => {
      fill()
      expect(connection.inbox_bytes).toBe(INBOX_MAX_BYTES)
      socket.receive('last')
      expect(codes()).toEqual([])
      expect(connection.state).toBe('open')
    })

    it('is closed with 1008 by the message after that, and reports it once', () => {
      fill()
      socket.receive('last')
      socket.receive('too much')
      socket.receive('late')
      expect(owner.errors).toMatchObject([
        {
          code: 'inbox_overflow',
          message: 'closed with 1008: 16777216 bytes of messages wait for on_message; let it return sooner',
        },
      ])
      expect(socket.calls).toEqual([{ call: 'pause' }, { call: 'close', code: 1008, reason: '' }])
    })

    it('delivers what waited, in order, then the end: 1008, for the overflow, where the peer’s Close never comes', async () => {
      fill()
      socket.receive('last')
      socket.receive('too much')
      platform.clock.advance(5_000)
      expect(socket.call_names).toEqual(['pause', 'close', 'terminate'])
      socket.end(1006)
      expect(owner.heard.slice(2)).toEqual(['on_message held', 'ended'])
      owner.message_returns = () => undefined
      release()
      await connection.closed
      expect(owner.heard.slice(2)).toEqual([
        'on_message held',
        'ended',
        'on_message waits',
        'on_message last',
        'on_close',
      ])
      expect(owner.infos).toEqual([{ code: 1008, reason: '', cause: 'overflow', clean: false, unsent: 0 }])
      expect(owner.end_error?.code).toBe('inbox_overflow')
      expect(codes()).toEqual(['inbox_overflow'])
    })

    it('has the code of the peer’s Close where that comes, and is for the overflow all the same', () => {
      fill()
      socket.receive('last')
      socket.receive('too much')
      socket.end(1008, 'I see')
      owner.message_returns = () => undefined
      release()
      return connection.closed.then(info =>
        expect(info).toEqual({ code: 1008, reason: 'I see', cause: 'overflow', clean: true, unsent: 0 }),
      )
    })

    it('overflows for a loop that does not ask, too', () => {
      connection.set_listener('busy')
      connection.socket_message('a', INBOX_MAX_BYTES)
      socket.receive('b')
      expect(codes()).toEqual(['inbox_overflow'])
    })

    it('tells of a binary message that was not asked for rather than of the overflow', () => {
      fill()
      socket.receive('last')
      socket.receive(new Uint8Array(1))
      expect(codes()).toEqual(['unexpected_binary'])
    })
  })

  describe('callbacks that fail', () => {
    it('reports a callback that throws, with its name and cause, and lives on', () => {
      const cause = new Error('boom')
      owner.message_returns = () => {
        throw cause
      }
      socket.receive('a')
      expect(owner.errors).toMatchObject([
        { code: 'handler_failed', cause, message: expect.stringContaining('on_message failed: boom') },
      ])
      expect(connection.send('still here')).toBe(true)
    })

    it('promises nothing about the connection, which the callback may have closed', () => {
      owner.message_returns = () => {
        connection.close(4000)
        throw new Error('boom')
      }
      socket.receive('a')
      expect(owner.errors.map(error => error.message)).toEqual(['on_message failed: boom'])
    })

    it('reports a callback that rejects, even with something that is no Error', async () => {
      owner.message_returns = () => Promise.reject('just text')
      socket.receive('a')
      await Promise.resolve()
      await Promise.resolve()
      expect(owner.errors).toMatchObject([
        { code: 'handler_failed', cause: 'just text', message: expect.stringContaining('just text') },
      ])
    })

    it('reports a value that can’t become a string', () => {
      owner.message_returns = () => {
        throw Object.create(null)
      }
      socket.receive('a')
      expect(owner.errors).toMatchObject([
        { code: 'handler_failed', message: expect.stringContaining('an object') },
      ])
    })

    it.each([
      ['client', 'on_open'],
      ['server', 'on_connect'],
    ] as const)('calls the first callback of a %s %s', (side, name) => {
      start({ side })
      owner.on_open = () => {
        throw new Error('boom')
      }
      socket.open()
      expect(owner.errors[0]?.message).toContain(`${name} failed`)
    })
  })

  describe('closing', () => {
    it('sends Close, and is closed when the peer has answered', async () => {
      expect(connection.close(4000, 'done')).toBe(true)
      expect(connection.state).toBe('closing')
      expect(socket.calls).toEqual([{ call: 'close', code: 4000, reason: 'done' }])
      socket.end(4000, 'done')
      expect(connection.state).toBe('closed')
      await expect(connection.closed).resolves.toEqual({
        code: 4000,
        reason: 'done',
        cause: 'local',
        clean: true,
        unsent: 0,
      })
      expect(platform.clock.timers).toBe(0)
    })

    it('is done once, however often it is asked for', () => {
      connection.close()
      expect(connection.close(4001)).toBe(true)
      expect(socket.call_names).toEqual(['close'])
      socket.end(1000)
      expect(connection.close()).toBe(true)
      expect(owner.heard.filter(entry => entry === 'on_close')).toHaveLength(1)
    })

    it.each([
      [999, ''],
      [1001, ''],
      [1000, 'x'.repeat(124)],
    ])('throws for what a user may not give, and stays open: %i', (code, reason) => {
      expect(() => connection.close(code, reason)).toThrow(
        expect.objectContaining({ code: 'invalid_argument' }),
      )
      expect(connection.state).toBe('open')
    })

    it('sends what waits before the Close', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.send('b')
      connection.close()
      expect(socket.call_names).toEqual(['write'])
      expect(connection.send('late')).toMatchObject({ code: 'closed' })
      socket.takes_writes = true
      socket.drain()
      expect(socket.sent).toEqual(['a', 'b'])
      expect(socket.call_names).toEqual(['write', 'write', 'close'])
    })

    it('opens first, and sends what waits, when it is closed while connecting', () => {
      start()
      connection.send('a')
      connection.close()
      expect(socket.calls).toEqual([])
      socket.open()
      expect(socket.call_names).toEqual(['write', 'close'])
      socket.end(1000)
      expect(owner.heard).toEqual(['opened', 'ended', 'on_close'])
    })

    it('gives up at once when it is closed while connecting with nothing to send', () => {
      start()
      connection.close()
      expect(socket.call_names).toEqual(['terminate'])
      socket.end(1006, '', new NetError('handshake_failed', 'closed before it was open'))
      expect(owner.errors).toEqual([])
      expect(owner.end_error).toBeUndefined()
      expect(owner.infos).toMatchObject([{ cause: 'local', code: 1006, clean: false }])
    })

    it('ends a peer that does not answer after close_timeout', () => {
      connection.close()
      platform.clock.advance(4_999)
      expect(socket.call_names).toEqual(['close'])
      platform.clock.advance(1)
      expect(socket.call_names).toEqual(['close', 'terminate'])
      socket.end(1006)
      expect(owner.infos).toEqual([{ code: 1006, reason: '', cause: 'local', clean: false, unsent: 0 }])
    })

    it('gives a peer that still reads new time with each piece that it takes, and one that stopped none', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.send('b')
      connection.close()
      platform.clock.advance(4_000)
      socket.drain()
      platform.clock.advance(4_000)
      // The network has taken some of the second batch, not all.
      connection.socket_drained()
      platform.clock.advance(4_999)
      expect(socket.call_names).toEqual(['write', 'write'])
      platform.clock.advance(1)
      expect(socket.call_names).toEqual(['write', 'write', 'terminate'])
      socket.end(1006)
      expect(owner.infos).toEqual([{ code: 1006, reason: '', cause: 'local', clean: false, unsent: 1 }])
    })

    it('ends after close_timeout a peer that takes nothing of what waits', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.close()
      platform.clock.advance(4_999)
      expect(socket.call_names).toEqual(['write'])
      platform.clock.advance(1)
      expect(socket.call_names).toEqual(['write', 'terminate'])
    })

    it('has close_timeout for the answer of the peer, from its Close on', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.close()
      platform.clock.advance(4_000)
      socket.drain()
      expect(socket.call_names).toEqual(['write', 'close'])
      platform.clock.advance(4_999)
      expect(socket.call_names).toEqual(['write', 'close'])
      platform.clock.advance(1)
      expect(socket.call_names).toEqual(['write', 'close', 'terminate'])
    })

    it('sends no Close while the network has taken only a part of what was written', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.close()
      connection.socket_drained()
      expect(socket.call_names).toEqual(['write'])
      socket.drain()
      expect(socket.call_names).toEqual(['write', 'close'])
    })

    it('starts no timer for what is drained while it is open', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      socket.drain()
      expect(platform.clock.timers).toBe(0)
    })

    it('ends within close_timeout one that was closed while connecting and never opens', () => {
      start()
      connection.send('a')
      connection.close()
      platform.clock.advance(5_000)
      expect(socket.call_names).toEqual(['terminate'])
      socket.end(1006)
      expect(owner.heard).toEqual(['ended', 'on_close'])
      expect(owner.infos).toEqual([{ code: 1006, reason: '', cause: 'local', clean: false, unsent: 1 }])
    })

    it('terminates the socket once, however long that takes', () => {
      connection.close()
      platform.clock.advance(50_000)
      expect(socket.call_names).toEqual(['close', 'terminate'])
      expect(platform.clock.timers).toBe(0)
    })

    it('is where it stands: connecting, open, closing in every way of it, closed', () => {
      start()
      const seen = [connection.state]
      const note = (): unknown => seen.push(connection.state)
      connection.send('a')
      connection.close()
      note()
      socket.takes_writes = false
      socket.open()
      note()
      socket.drain()
      note()
      platform.clock.advance(5_000)
      note()
      socket.end(1006)
      note()
      expect(seen).toEqual(['connecting', 'closing', 'closing', 'closing', 'closing', 'closed'])
    })

    it('takes no message once it is closed by this side, not even one that waits', async () => {
      let release = (): void => {}
      owner.message_returns = () => new Promise<void>(resolve => (release = resolve))
      socket.receive('a')
      socket.receive('waits')
      connection.close()
      socket.receive('arrives')
      release()
      socket.end(1000)
      await connection.closed
      expect(owner.heard).toEqual(['opened', 'on_open', 'on_message a', 'ended', 'on_close'])
    })

    it('takes no message once it is closed by this side, though the peer had closed before', async () => {
      let release = (): void => {}
      owner.message_returns = () => new Promise<void>(resolve => (release = resolve))
      socket.receive('a')
      socket.receive('waits')
      socket.end(1000)
      connection.close()
      release()
      await connection.closed
      expect(owner.heard).toEqual(['opened', 'on_open', 'on_message a', 'ended', 'on_close'])
    })

    it('may be closed from within a callback', () => {
      owner.message_returns = () => connection.close()
      socket.receive('a')
      socket.receive('b')
      socket.end(1000)
      expect(owner.heard).toEqual(['opened', 'on_open', 'on_message a', 'ended', 'on_close'])
    })

    it('is the peer’s end when the peer’s Close was in before', () => {
      socket.receive_close()
      connection.close(4001)
      socket.end(4000)
      expect(socket.calls).toEqual([])
      expect(owner.infos).toMatchObject([{ code: 4000, cause: 'peer', clean: true }])
    })

    it('delivers nothing more of what a peer sent that has ended its side, either', () => {
      socket.half_close()
      socket.receive('a')
      connection.close()
      socket.receive('b')
      socket.end(1006)
      expect(owner.heard).toEqual(['opened', 'on_open', 'on_message a', 'ended', 'on_close'])
      expect(owner.infos).toMatchObject([{ code: 1006, cause: 'network' }])
    })

    it('ends after close_timeout a peer that ended its side without a Close and takes nothing more', async () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      const drained = connection.drained()
      socket.half_close()
      expect(connection.send('late')).toMatchObject({ code: 'closed' })
      platform.clock.advance(5_000)
      expect(socket.call_names.at(-1)).toBe('terminate')
      socket.end(1006)
      await expect(drained).rejects.toMatchObject({ code: 'connection_lost' })
      expect(owner.infos).toEqual([{ code: 1006, reason: '', cause: 'network', clean: false, unsent: 1 }])
    })

    it('closes with 1001 when the server shuts down', () => {
      connection.shut_down(1001, '', 0)
      expect(socket.calls).toEqual([{ call: 'close', code: 1001, reason: '' }])
      socket.end(1001)
      expect(owner.infos).toMatchObject([{ code: 1001, cause: 'shutdown', clean: true }])
    })
  })

  describe('failing', () => {
    it('reports what the peer broke, closes with its code, and does not send what waits', () => {
      connection.send('a')
      socket.fail(new NetError('protocol_error', 'reserved bits'), 1002)
      platform.end_turn()
      expect(codes()).toEqual(['protocol_error'])
      expect(socket.calls).toEqual([{ call: 'close', code: 1002, reason: '' }])
      socket.end(1006)
      expect(owner.infos).toEqual([{ code: 1002, reason: '', cause: 'protocol', clean: false, unsent: 1 }])
      expect(owner.end_error?.code).toBe('protocol_error')
    })

    it('leaves it to its owner to tell why it did not open', () => {
      start()
      connection.send('a')
      socket.end(1006, '', new NetError('connection_refused', 'nobody there'))
      expect(codes()).toEqual([])
      expect(owner.end_error?.code).toBe('connection_refused')
      expect(owner.heard).toEqual(['ended', 'on_close'])
      expect(owner.infos).toEqual([{ code: 1006, reason: '', cause: 'refused', clean: false, unsent: 1 }])
    })

    it('gives up a connection that takes too long to open, once', () => {
      start()
      for (const message of ['too slow', 'again'])
        connection.abandon(new NetError('connect_timeout', message))
      expect(socket.call_names).toEqual(['terminate'])
      socket.end(1006, '', new NetError('handshake_failed', 'closed before it was open'))
      expect(codes()).toEqual([])
      expect(owner.end_error).toMatchObject({ code: 'connect_timeout', message: 'too slow' })
      expect(owner.infos).toMatchObject([{ code: 1006, cause: 'refused', clean: false }])
    })

    it('gives up one that was closed while it opened, for this side all the same', () => {
      start()
      connection.send('a')
      connection.close()
      connection.abandon(new NetError('connect_timeout', 'too slow'))
      expect(socket.call_names).toEqual(['terminate'])
      socket.end(1006)
      expect(owner.infos).toMatchObject([{ code: 1006, cause: 'local', unsent: 1 }])
    })

    it('does not give up for its opening what is open, closing or closed', () => {
      const error = new NetError('connect_timeout', 'too late')
      connection.abandon(error)
      connection.close()
      connection.abandon(error)
      socket.end(1000)
      connection.abandon(error)
      expect(socket.call_names).toEqual(['close'])
      expect(owner.end_error).toBeUndefined()
    })

    it('is shed once, and says so when the turn is over', () => {
      const error = new NetError('queue_shed', 'too much')
      expect(connection.shed(error, 1013)).toBe(true)
      expect(connection.shed(error, 1013)).toBe(false)
      expect(codes()).toEqual([])
      platform.end_turn()
      expect(codes()).toEqual(['queue_shed'])
      expect(socket.calls).toEqual([{ call: 'close', code: 1013, reason: '' }])
    })

    it('keeps the code of what the peer broke, though on_error closes', () => {
      owner.report = (_handle, error) => {
        owner.errors.push(error)
        connection.close()
      }
      socket.receive(new Uint8Array(3))
      expect(socket.calls).toEqual([{ call: 'close', code: 1003, reason: '' }])
      socket.end(1003)
      expect(owner.infos).toMatchObject([{ code: 1003, cause: 'protocol' }])
    })

    it('does not report a loss while it closes', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.close()
      socket.end(1006, '', new NetError('connection_lost', 'reset'))
      expect(codes()).toEqual([])
      expect(owner.infos).toMatchObject([{ code: 1006, cause: 'local', unsent: 1 }])
    })

    it('leaves it to its owner to tell of a loss, and says why', () => {
      socket.end(1006, '', new NetError('connection_lost', 'reset'))
      expect(codes()).toEqual([])
      expect(owner.end_error?.code).toBe('connection_lost')
      expect(owner.infos).toMatchObject([{ cause: 'network', code: 1006 }])
    })

    it('ignores a failure after the end', () => {
      socket.end(1000)
      expect(connection.shed(new NetError('queue_shed', 'too late'), 1013)).toBe(false)
      platform.end_turn()
      expect(codes()).toEqual([])
    })
  })

  it('has a closed that settles, for who asks before the end and for who asks after', async () => {
    const asked_before = connection.closed
    socket.end(1000)
    await expect(asked_before).resolves.toMatchObject({ code: 1000 })
    await expect(connection.closed).resolves.toMatchObject({ code: 1000 })
  })

  describe('being looked at', () => {
    const look = (times: number): void => {
      for (let i = 0; i < times; i += 1) connection.check()
    }

    /** Holds the first message, and has as many wait as pause the socket; returns what lets it go on. */
    const pause = (): (() => void) => {
      let release = (): void => {}
      owner.message_returns = () => new Promise<void>(resolve => (release = resolve))
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      expect(socket.call_names).toEqual(['pause'])
      return () => {
        owner.message_returns = () => undefined
        release()
      }
    }

    it('pings a peer that was silent for ten looks, once', () => {
      look(CHECKS_PER_HEARTBEAT - 1)
      expect(socket.calls).toEqual([])
      look(1)
      expect(socket.calls).toEqual([{ call: 'ping' }])
      look(CHECKS_PER_HEARTBEAT - 1)
      expect(socket.call_names).toEqual(['ping'])
    })

    it('gives up a peer that was silent for twenty looks: 1006, for the heartbeat, not clean', () => {
      connection.send('a')
      socket.takes_writes = false
      platform.end_turn()
      look(2 * CHECKS_PER_HEARTBEAT)
      expect(socket.call_names).toEqual(['write', 'ping', 'terminate'])
      expect(connection.state).toBe('closing')
      expect(connection.send('late')).toMatchObject({ code: 'closed' })
      socket.end(1006)
      expect(owner.infos).toEqual([{ code: 1006, reason: '', cause: 'heartbeat', clean: false, unsent: 1 }])
      expect(owner.end_error).toMatchObject({
        code: 'connection_lost',
        message: 'the peer was silent for twice heartbeat',
      })
      expect(codes()).toEqual([])
      expect(platform.clock.timers).toBe(0)
    })

    it('gives up once: what comes after is no news', () => {
      look(10 * CHECKS_PER_HEARTBEAT)
      platform.clock.advance(100_000)
      expect(socket.call_names).toEqual(['ping', 'terminate'])
    })

    it.each<[string, () => void]>([
      ['an answer to a ping', () => socket.pong()],
      ['a message', () => socket.receive('a')],
      ['that it takes what was sent', () => socket.drain()],
    ])('starts anew with any sign of life: %s', (_, give_sign) => {
      for (let i = 0; i < 5; i += 1) {
        look(2 * CHECKS_PER_HEARTBEAT - 1)
        give_sign()
        look(1)
      }
      look(CHECKS_PER_HEARTBEAT - 1)
      expect(socket.call_names).toEqual(['ping', 'ping', 'ping', 'ping', 'ping'])
      look(1)
      expect(socket.call_names).toHaveLength(6)
    })

    it('counts from when it is open', () => {
      start()
      look(5 * CHECKS_PER_HEARTBEAT)
      expect(socket.calls).toEqual([])
      socket.open()
      look(2 * CHECKS_PER_HEARTBEAT - 1)
      expect(socket.call_names).toEqual(['ping'])
    })

    it('pings, and never gives up, a peer that is not read from', () => {
      pause()
      look(5 * CHECKS_PER_HEARTBEAT)
      expect(socket.call_names).toEqual(['pause', 'ping', 'ping', 'ping', 'ping', 'ping'])
      expect(connection.state).toBe('open')
    })

    it('pings at each heartbeat a peer whose messages wait, though it is heard: its own pings may be stuck behind them', () => {
      owner.message_returns = () => new Promise(() => {})
      socket.receive('held')
      for (let i = 0; i < 3 * CHECKS_PER_HEARTBEAT; i += 1) {
        socket.receive('waits')
        look(1)
      }
      expect(socket.call_names).toEqual(['ping', 'ping', 'ping'])
    })

    it('gives up a peer that is silent while its messages wait', () => {
      owner.message_returns = () => new Promise(() => {})
      socket.receive('held')
      socket.receive('waits')
      connection.check()
      look(2 * CHECKS_PER_HEARTBEAT)
      expect(socket.call_names).toEqual(['ping', 'ping', 'terminate'])
    })

    it('pings nobody whose messages are taken', () => {
      for (let i = 0; i < 3 * CHECKS_PER_HEARTBEAT; i += 1) {
        socket.receive('a')
        look(1)
      }
      expect(socket.calls).toEqual([])
    })

    it('gives a peer that is read from again the whole time anew', async () => {
      const release = pause()
      look(2 * CHECKS_PER_HEARTBEAT - 1)
      release()
      await Promise.resolve()
      await Promise.resolve()
      expect(socket.call_names).toEqual(['pause', 'ping', 'resume'])
      look(2 * CHECKS_PER_HEARTBEAT - 1)
      expect(socket.call_names).toEqual(['pause', 'ping', 'resume', 'ping', 'ping'])
      look(1)
      expect(socket.call_names.at(-1)).toBe('terminate')
    })

    it.each<[string, () => void]>([
      ['drains', () => connection.close()],
      ['waits for the peer’s Close', () => connection.close()],
      ['finishes', () => connection.shut_down(1001, '', 1_000)],
      ['has ended', () => socket.end(1000)],
    ])('leaves alone one that %s', (name, end) => {
      if (name === 'drains') {
        socket.takes_writes = false
        connection.send('a')
        platform.end_turn()
      }
      if (name === 'finishes') owner.message_returns = () => new Promise(() => {})
      socket.receive('held')
      end()
      const before = [...socket.call_names]
      look(5 * CHECKS_PER_HEARTBEAT)
      expect(socket.call_names).toEqual(before)
    })
  })

  describe('shutting down', () => {
    let release: () => void

    /** Has the first message held, and another one wait behind it. */
    const hold = (): void => {
      owner.message_returns = data =>
        data === 'held' ? new Promise<void>(resolve => (release = resolve)) : undefined
      socket.receive('held')
      socket.receive('waits')
    }
    const settled = async (): Promise<void> => {
      for (let i = 0; i < 5; i += 1) await Promise.resolve()
    }

    it('closes at once where nothing runs, with its code and reason', () => {
      connection.shut_down(1012, 'back soon', 1_000)
      expect(socket.calls).toEqual([{ call: 'pause' }, { call: 'close', code: 1012, reason: 'back soon' }])
      socket.end(1012, 'back soon')
      expect(owner.infos).toEqual([
        { code: 1012, reason: 'back soon', cause: 'shutdown', clean: true, unsent: 0 },
      ])
      expect(platform.clock.timers).toBe(0)
    })

    it('reads nothing more, delivers what has arrived, and closes then', async () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      expect(connection.state).toBe('closing')
      expect(socket.call_names).toEqual(['pause'])
      release()
      await settled()
      expect(owner.heard).toEqual(['opened', 'on_open', 'on_message held', 'on_message waits'])
      expect(socket.call_names).toEqual(['pause', 'close'])
      socket.end(1001)
      expect(owner.heard.slice(-2)).toEqual(['ended', 'on_close'])
    })

    it('sends what the callbacks send, before its Close', async () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      const returns = owner.message_returns
      owner.message_returns = data => {
        expect(connection.send(`answer to ${data}`)).toBe(true)
        return returns(data)
      }
      expect(connection.send('before')).toBe(true)
      release()
      await settled()
      expect(socket.sent).toEqual(['before', 'answer to waits'])
      expect(socket.call_names.at(-1)).toBe('close')
      expect(connection.send('late')).toMatchObject({ code: 'closed' })
    })

    it('settles drained() for who asks meanwhile', async () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      connection.send('a')
      const drained = connection.drained()
      platform.end_turn()
      await expect(drained).resolves.toBeUndefined()
      expect(socket.sent).toEqual(['a'])
    })

    it('waits drain_ms for callbacks, and then drops what waits for them', async () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      platform.clock.advance(999)
      expect(socket.call_names).toEqual(['pause'])
      platform.clock.advance(1)
      expect(socket.call_names).toEqual(['pause', 'close'])
      expect(connection.inbox_bytes).toBe(0)
      socket.end(1001)
      release()
      await connection.closed
      expect(owner.heard).toEqual(['opened', 'on_open', 'on_message held', 'ended', 'on_close'])
      expect(owner.infos).toMatchObject([{ code: 1001, cause: 'shutdown', clean: true }])
    })

    it('has close_timeout for the peer after drain_ms', () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      platform.clock.advance(1_000 + 4_999)
      expect(socket.call_names).toEqual(['pause', 'close'])
      platform.clock.advance(1)
      expect(socket.call_names).toEqual(['pause', 'close', 'terminate'])
      socket.end(1006)
      expect(owner.infos).toEqual([])
    })

    it('waits for nobody with a drain_ms of 0, and drops what waits', () => {
      hold()
      connection.shut_down(1001, '', 0)
      expect(socket.call_names).toEqual(['close'])
      expect(connection.inbox_bytes).toBe(0)
    })

    it('waits no longer when it is asked anew with a drain_ms of 0, and closes with what was said then', () => {
      hold()
      connection.shut_down(1012, 'back soon', 100_000)
      connection.shut_down(1001, 'now', 0)
      expect(socket.calls).toEqual([{ call: 'pause' }, { call: 'close', code: 1001, reason: 'now' }])
      expect(connection.inbox_bytes).toBe(0)
    })

    it('keeps to the first code and time when it is asked anew with another drain_ms', () => {
      hold()
      connection.shut_down(1012, 'first', 1_000)
      platform.clock.advance(900)
      connection.shut_down(1001, 'second', 1_000)
      platform.clock.advance(100)
      expect(socket.calls.at(-1)).toEqual({ call: 'close', code: 1012, reason: 'first' })
    })

    it('is the end of a callback that closes meanwhile: nothing more is delivered', async () => {
      hold()
      const returns = owner.message_returns
      connection.shut_down(1001, '', 1_000)
      owner.message_returns = data => {
        if (data === 'waits') connection.close(4000, 'enough')
        return returns(data)
      }
      connection.socket_message('behind', 6)
      release()
      await settled()
      expect(socket.calls.at(-1)).toEqual({ call: 'close', code: 4000, reason: 'enough' })
      socket.end(4000, 'enough')
      expect(owner.heard.slice(2)).toEqual(['on_message held', 'on_message waits', 'ended', 'on_close'])
      expect(owner.infos).toMatchObject([{ code: 4000, cause: 'local' }])
    })

    it('delivers what had arrived though the peer ends meanwhile, and is for the shutdown', async () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      socket.end(4000, 'bye')
      expect(owner.heard.at(-1)).toBe('ended')
      release()
      await connection.closed
      expect(owner.heard.slice(2)).toEqual(['on_message held', 'ended', 'on_message waits', 'on_close'])
      expect(owner.infos).toEqual([{ code: 4000, reason: 'bye', cause: 'shutdown', clean: true, unsent: 0 }])
      expect(platform.clock.timers).toBe(0)
    })

    it.each(['asked once', 'asked twice'])(
      'delivers what had arrived though the peer’s Close is in, %s',
      async times => {
        hold()
        if (times === 'asked twice') connection.shut_down(1001, '', 1_000)
        socket.receive_close()
        connection.shut_down(1001, '', 1_000)
        release()
        await settled()
        socket.end(1000)
        await connection.closed
        expect(owner.heard).toContain('on_message waits')
      },
    )

    it('closes at once one that closes already, as it was going to', () => {
      hold()
      connection.close(4000)
      connection.shut_down(1001, '', 1_000)
      expect(socket.calls).toEqual([{ call: 'close', code: 4000, reason: '' }])
    })

    describe('with late messages delivered', () => {
      const shut_down = (): void => connection.shut_down(1001, '', 1_000, 'delivered')

      it('hands on what the peer sent before it knew: behind all else, before on_close, and without an answer', async () => {
        hold()
        shut_down()
        connection.socket_message('behind', 6)
        release()
        await settled()
        expect(socket.call_names).toEqual(['pause', 'close'])
        socket.receive('late')
        expect(connection.send('answer')).toMatchObject({ code: 'closed' })
        socket.end(1001)
        expect(owner.heard.slice(2)).toEqual([
          'on_message held',
          'on_message waits',
          'on_message behind',
          'on_message late',
          'ended',
          'on_close',
        ])
        expect(owner.infos).toMatchObject([{ code: 1001, cause: 'shutdown', clean: true }])
      })

      it('slows down who sends more of it than a slow callback takes', async () => {
        shut_down()
        owner.message_returns = () => new Promise<void>(resolve => (release = resolve))
        for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
        expect(socket.call_names).toEqual(['pause', 'close', 'pause'])
        owner.message_returns = () => undefined
        release()
        await settled()
        expect(socket.call_names).toEqual(['pause', 'close', 'pause', 'resume'])
        expect(owner.heard.filter(what => what.startsWith('on_message'))).toHaveLength(300)
      })

      it('drops it after drain_ms, as what waited before it', async () => {
        hold()
        shut_down()
        platform.clock.advance(1_000)
        socket.receive('late')
        release()
        await settled()
        socket.end(1001)
        expect(owner.heard).not.toContain('on_message late')
      })

      it('drops it once it is asked anew with a drain_ms of 0, and has close_timeout as before', () => {
        shut_down()
        socket.receive('late')
        platform.clock.advance(4_000)
        connection.shut_down(1001, '', 0)
        socket.receive('later')
        expect(owner.heard.slice(2)).toEqual(['on_message late'])
        expect(socket.call_names).toEqual(['pause', 'close'])
        platform.clock.advance(1_000)
        expect(socket.call_names).toEqual(['pause', 'close', 'terminate'])
      })

      it('drops it behind a callback that closes', () => {
        shut_down()
        owner.message_returns = () => connection.close()
        socket.receive('late')
        socket.receive('later')
        expect(owner.heard.slice(2)).toEqual(['on_message late'])
      })
    })

    it('reads nothing more though room comes for more', async () => {
      owner.message_returns = () => new Promise<void>(resolve => (release = resolve))
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      connection.shut_down(1001, '', 1_000)
      owner.message_returns = () => undefined
      release()
      await settled()
      expect(socket.call_names).toEqual(['pause', 'pause', 'close'])
    })

    it('fails still where the peer broke a rule before', () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      socket.fail(new NetError('protocol_error', 'reserved bits'), 1002)
      expect(socket.calls.at(-1)).toEqual({ call: 'close', code: 1002, reason: '' })
      expect(codes()).toEqual(['protocol_error'])
    })
  })

  describe('channels', () => {
    /** What was published, by channel. */
    let published: [ChannelName, object][]

    const start_with_channels = (
      hasSubscribers: boolean,
      changed: Partial<ConnectionSettings> = {},
    ): void => {
      published = []
      const channel = (name: ChannelName): Channel<object> => ({
        hasSubscribers,
        publish: message => published.push([name, message]),
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
      owner = new Owner()
      socket = new FakeSocket()
      connection = new Connection({ ...settings, ...changed }, owner, platform, () => 'handle')
      socket.connect_to(connection)
      connection.attach(socket)
    }

    const run = (): void => {
      socket.takes_writes = false
      connection.send('a')
      socket.open()
      socket.receive('b中')
      connection.send('x'.repeat(990))
      connection.send('c')
      socket.end(1000, 'bye')
    }

    it('are told what happens, in order, with the side and the handle', () => {
      start_with_channels(true)
      run()
      const who = { side: 'client', handle: 'handle' }
      const info = { code: 1000, reason: 'bye', cause: 'peer', clean: true, unsent: 2 }
      expect(published).toEqual([
        ['message', { ...who, direction: 'sent', data: 'a', payload_bytes: 1 }],
        ['open', who],
        ['message', { ...who, direction: 'received', data: 'b中', payload_bytes: 4 }],
        ['queue_full', { ...who, error: expect.objectContaining({ code: 'queue_full' }) }],
        ['message', { ...who, direction: 'sent', data: 'c', payload_bytes: 1 }],
        ['close', { ...who, info, error: undefined, will_reconnect: false }],
      ])
    })

    it('are told of a message of bytes as it was given, and on a server that it was one', () => {
      start_with_channels(true, { side: 'server', binary: true })
      socket.open()
      const bytes = Uint8Array.of(1, 2)
      socket.receive(bytes)
      connection.send(bytes)
      const who = { side: 'server', handle: 'handle' }
      expect(published.slice(1)).toEqual([
        ['message', { ...who, direction: 'received', data: bytes, payload_bytes: 2 }],
        ['message', { ...who, direction: 'sent', data: bytes, payload_bytes: 2 }],
      ])
    })

    it('are told before the callbacks are', () => {
      start_with_channels(true)
      const order: string[] = []
      owner.on_open = () => order.push(`open ${published.length}`) && undefined
      owner.message_returns = () => order.push(`message ${published.length}`) && undefined
      owner.on_close = () => order.push(`close ${published.length}`) && undefined
      socket.open()
      socket.receive('a')
      socket.end(1000)
      expect(order).toEqual(['open 1', 'message 2', 'close 3'])
    })

    it('are told nothing of what is not delivered, for it came when this side had closed', () => {
      start_with_channels(true)
      socket.open()
      connection.close()
      socket.receive('late')
      expect(published.map(([name]) => name)).toEqual(['open'])
    })

    it('are told nothing where nobody subscribes', () => {
      start_with_channels(false)
      run()
      expect(published).toEqual([])
    })
  })
})
