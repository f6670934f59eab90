import { beforeEach, describe, expect, it } from 'vitest'
import type { ConnectionSettings } from '../../src/connection/connection.js'
import type { Channel, ChannelName } from '../../src/connection/events.js'
import { INBOX_MAX_BYTES } from '../../src/connection/inbox.js'
import { ServerConnection } from '../../src/connection/server_connection.js'
import { NetError } from '../../src/errors/errors.js'
import { BATCH_BYTES } from '../../src/queues/batch.js'
import type { FakePlatform, FakeSocket } from '../../src/testing/index.js'
import { CHECKS_PER_SPAN } from '../../src/time/periodic_check.js'
import { RecordedEvents, settings } from './connection_events.js'
import { QUEUES } from './platforms.js'

describe.each(QUEUES)('Connection with a queue of %s', (_name, { Platform, Socket }) => {
  let platform: FakePlatform
  let events: RecordedEvents
  let socket: FakeSocket
  let connection: ServerConnection<string>

  const start = (changed: Partial<ConnectionSettings> = {}): void => {
    platform = new Platform()
    events = new RecordedEvents()
    socket = new Socket()
    connection = new ServerConnection({ ...settings, ...changed }, events, platform, () => 'handle')
    socket.connect_to(connection)
    connection.attach(socket)
  }

  const start_open = (changed: Partial<ConnectionSettings> = {}): void => {
    start(changed)
    socket.open()
  }

  const codes = (): string[] => events.errors.map(error => error.code)

  beforeEach(() => start_open())

  describe('terminate', () => {
    it('ends the socket at once, drops the queue and what waits, and keeps the cause local', () => {
      socket.takes_writes = false
      connection.send('a')
      connection.set_listener('busy')
      socket.receive('waits')
      expect(connection.terminate()).toBe(true)
      expect([socket.call_names, connection.state]).toEqual([['terminate'], 'closing'])
      connection.set_listener('ready')
      socket.end(1006, '')
      expect(events.log).not.toContain('on_message waits')
      expect(events.infos).toEqual([{ code: 1006, reason: '', cause: 'local', clean: false, unsent: 1 }])
    })

    it('twice ends the socket once', () => {
      connection.terminate()
      connection.terminate('shutdown')
      expect(socket.call_names).toEqual(['terminate'])
      socket.end(1006, '')
      expect(events.infos[0]?.cause).toBe('local')
    })
  })

  describe('signal', () => {
    it('aborts when the connection has ended, before on_close, with the error closed', () => {
      const { signal } = connection
      signal.addEventListener('abort', () => events.log.push('abort'))
      expect(signal.aborted).toBe(false)
      socket.end(1000, '')
      expect(events.log).toEqual(['opened', 'on_open', 'ended', 'abort', 'on_close'])
      expect(signal).toMatchObject({ aborted: true, reason: { code: 'closed' } })
    })

    it('is aborted already if it is read later', () => {
      socket.end(1000, '')
      expect(connection.signal.aborted).toBe(true)
      expect(connection.signal).toBe(connection.signal)
    })

    it('has a reason with which a callback fails silently, and any other is reported', async () => {
      for (const is_reason of [true, false]) {
        start_open()
        const { signal } = connection
        events.message_result = () =>
          new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(is_reason ? signal.reason : new Error('a bug'))),
          )
        socket.receive('go')
        socket.end(1006, '')
        await connection.closed
        expect(codes()).toEqual(is_reason ? [] : ['handler_failed'])
      }
    })
  })

  describe('sending', () => {
    it('writes the messages of one turn with one write at its end', () => {
      expect(connection.send('a')).toBe(true)
      expect(connection.send(new Uint8Array([1, 2]))).toBe(true)
      expect(socket.calls).toEqual([])
      platform.end_turn()
      expect(socket.calls).toEqual([{ call: 'write', messages: ['a', new Uint8Array([1, 2])] }])
      expect(connection.queued).toBe(0)
    })

    it('writes the messages of a synchronous callback when it returns, before its promise jobs', async () => {
      events.message_result = () => {
        connection.send('a')
        Promise.resolve().then(() => connection.send('b'))
      }
      socket.receive('go')
      platform.end_callback()
      expect(socket.sent).toEqual(['a'])
      await Promise.resolve()
      platform.end_turn()
      expect(socket.call_names).toEqual(['write', 'write'])
      expect(socket.sent).toEqual(['a', 'b'])
    })

    it('writes the messages of an async callback and of its promise jobs with one write at the end of the turn', async () => {
      events.message_result = async () => {
        connection.send('a')
        await Promise.resolve()
        connection.send('b')
      }
      socket.receive('go')
      platform.end_callback()
      expect(socket.sent).toEqual([])
      await Promise.resolve()
      platform.end_turn()
      expect(socket.calls).toEqual([{ call: 'write', messages: ['a', 'b'] }])
    })

    it('counts queued messages with their frame headers', () => {
      connection.send('12345')
      expect(connection.queued).toBe(5 + 2 + 4)
      start_open({ side: 'server' })
      connection.send('12345')
      expect(connection.queued).toBe(5 + 2)
    })

    it('writes a full batch before the turn ends', () => {
      start_open({ max_queue: 10 * BATCH_BYTES })
      // With its header and mask key, a frame of 1,024 bytes.
      const message = 'x'.repeat(1_016)
      while (socket.calls.length === 0) connection.send(message)
      expect(socket.sent).toHaveLength(BATCH_BYTES / 1_024)
      expect(connection.queued).toBe(0)
    })

    it('waits for the network before it writes further messages, in order', () => {
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

    it('returns queue_full and keeps the queue if a message does not fit', () => {
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

    it('can use the whole queue for a burst, since it writes before it reports queue_full', () => {
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

    it('returns too_large for a message that can never fit, and reports nothing', () => {
      expect(connection.send('x'.repeat(1_001))).toMatchObject({
        code: 'too_large',
        message: expect.stringContaining('1000'),
      })
      expect(codes()).toEqual([])
      expect(connection.send('fits')).toBe(true)
    })

    it('throws for data that is neither text nor bytes, in any state', () => {
      expect(() => connection.send(42 as unknown as string)).toThrow(
        expect.objectContaining({ code: 'invalid_argument' }),
      )
      connection.close()
      expect(() => connection.send(42 as unknown as string)).toThrow(
        expect.objectContaining({ code: 'invalid_argument' }),
      )
    })

    it('queues messages before the connection is open, in order and up to the limit', () => {
      start()
      expect(connection.send('a')).toBe(true)
      expect(connection.send('b'.repeat(980))).toBe(true)
      expect(connection.send('c')).toMatchObject({ code: 'queue_full' })
      platform.end_turn()
      expect(socket.calls).toEqual([])
      socket.open()
      expect(socket.sent).toEqual(['a', 'b'.repeat(980)])
    })

    it('returns closed after the peer’s Close, even before the socket has ended', () => {
      socket.receive_close()
      expect(connection.send('late')).toMatchObject({ code: 'closed' })
      expect(connection.state).toBe('open')
    })

    it('counts messages that were queued when the peer’s Close arrived as unsent', () => {
      connection.send('a')
      connection.send('b')
      socket.receive_close()
      platform.end_turn()
      socket.end(1000)
      expect(events.infos).toEqual([{ code: 1000, reason: '', cause: 'peer', clean: true, unsent: 2 }])
    })
  })

  describe('drained', () => {
    it('resolves at once if nothing is queued', async () => {
      await expect(connection.drained()).resolves.toBeUndefined()
    })

    it('resolves when the network has taken everything', async () => {
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
      expect(events.infos[0]?.unsent).toBe(1)
    })

    it('rejects with connection_lost if this side closes and the peer takes nothing more', async () => {
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

    it('rejects with connection_lost if the connection never opens', async () => {
      start()
      connection.send('a')
      const drained = connection.drained()
      socket.end(1006)
      await expect(drained).rejects.toMatchObject({ code: 'connection_lost' })
    })

    it('resolves if the network has taken everything when the connection ends', async () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      const drained = connection.drained()
      socket.takes_rest()
      socket.end(1000)
      await expect(drained).resolves.toBeUndefined()
      expect(events.infos[0]?.unsent).toBe(0)
    })

    it('leaves no unhandled rejection if its caller does not await it', async () => {
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

    it('resolves for a call while the rest is still being sent', async () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.close()
      const drained = connection.drained()
      socket.drain()
      await expect(drained).resolves.toBeUndefined()
    })

    it('resolves for a call after close() while the connection is opening, once the rest is sent', async () => {
      start()
      connection.send('a')
      connection.close()
      const drained = connection.drained()
      socket.open()
      await expect(drained).resolves.toBeUndefined()
      expect(socket.sent).toEqual(['a'])
    })

    it('resolves for a call before close() once the rest is sent', async () => {
      connection.send('a')
      const drained = connection.drained()
      connection.close()
      await expect(drained).resolves.toBeUndefined()
      expect(socket.sent).toEqual(['a'])
    })
  })

  describe('receiving', () => {
    it('opens, delivers messages and closes, in order', async () => {
      socket.receive('a')
      socket.receive('b')
      socket.end(1000, 'bye')
      expect(events.log).toEqual(['opened', 'on_open', 'on_message a', 'on_message b', 'ended', 'on_close'])
      expect(events.infos).toEqual([{ code: 1000, reason: 'bye', cause: 'peer', clean: true, unsent: 0 }])
      await expect(connection.closed).resolves.toEqual(events.infos[0])
    })

    it('closes with 1003 on a binary message if only text is accepted, and delivers nothing more', () => {
      socket.receive(new Uint8Array(3))
      socket.receive('more')
      expect(codes()).toEqual(['unexpected_binary'])
      expect(socket.calls).toEqual([{ call: 'close', code: 1003, reason: '' }])
      socket.end(1006)
      expect(events.infos).toEqual([{ code: 1003, reason: '', cause: 'protocol', clean: false, unsent: 0 }])
      expect(events.log).not.toContain('on_message more')
    })

    it('delivers a binary message if those are accepted', () => {
      start_open({ binary: true })
      socket.receive(new Uint8Array([7, 8]))
      expect(events.log).toContain('on_message 7,8')
    })

    it('delivers all messages before on_close, however long a callback takes', async () => {
      let release = (): void => {}
      events.message_result = () => new Promise<void>(resolve => (release = resolve))
      socket.receive('a')
      socket.receive('b')
      socket.end(1000)
      expect(connection.inbox.bytes).toBeGreaterThan(0)
      expect(events.log.at(-1)).toBe('ended')
      events.message_result = () => undefined
      release()
      await connection.closed
      expect(events.log.slice(-3)).toEqual(['ended', 'on_message b', 'on_close'])
    })

    it('pauses the socket while a callback is slow, and resumes it afterwards', async () => {
      let release = (): void => {}
      events.message_result = () => new Promise<void>(resolve => (release = resolve))
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      expect(socket.call_names).toEqual(['pause'])
      expect(codes()).toEqual([])
      events.message_result = () => undefined
      release()
      await Promise.resolve()
      await Promise.resolve()
      expect(socket.call_names).toEqual(['pause', 'resume'])
    })

    it('reports no_message_handler if a loop is left while the socket is paused', () => {
      connection.set_listener('busy')
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      expect(codes()).toEqual([])
      connection.set_listener('none')
      expect(codes()).toEqual(['no_message_handler'])
    })

    it('reports no_message_handler if messages pile up without a listener', () => {
      connection.set_listener('none')
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      expect(codes()).toEqual(['no_message_handler'])
      connection.set_listener('ready')
      expect(events.log.filter(entry => entry.startsWith('on_message'))).toHaveLength(300)
    })
  })

  describe('an inbox that overflows, since the socket can’t be paused', () => {
    let release: () => void

    /** The callback of the first message is held, and the second message leaves room for one more only. */
    const fill = (): void => {
      events.message_result = () => new Promise<void>(resolve => (release = resolve))
      socket.receive('held')
      connection.socket_message('waits', INBOX_MAX_BYTES - 64)
    }

    it('accepts a message while no more than 16 MiB wait', () => {
      fill()
      expect(connection.inbox.bytes).toBe(INBOX_MAX_BYTES)
      socket.receive('last')
      expect(codes()).toEqual([])
      expect(connection.state).toBe('open')
    })

    it('closes with 1008 on the message after that, and reports it once', () => {
      fill()
      socket.receive('last')
      socket.receive('too much')
      socket.receive('late')
      expect(events.errors).toMatchObject([
        {
          code: 'inbox_overflow',
          message: 'closed with 1008: 16777216 bytes of messages wait for on_message; let it return sooner',
        },
      ])
      expect(socket.calls).toEqual([{ call: 'pause' }, { call: 'close', code: 1008, reason: '' }])
    })

    it('delivers the waiting messages in order, then ends with 1008 and the cause overflow if the peer’s Close never arrives', async () => {
      fill()
      socket.receive('last')
      socket.receive('too much')
      platform.clock.advance(5_000)
      expect(socket.call_names).toEqual(['pause', 'close', 'terminate'])
      socket.end(1006)
      expect(events.log.slice(2)).toEqual(['on_message held', 'ended'])
      events.message_result = () => undefined
      release()
      await connection.closed
      expect(events.log.slice(2)).toEqual([
        'on_message held',
        'ended',
        'on_message waits',
        'on_message last',
        'on_close',
      ])
      expect(events.infos).toEqual([{ code: 1008, reason: '', cause: 'overflow', clean: false, unsent: 0 }])
      expect(events.end_error?.code).toBe('inbox_overflow')
      expect(codes()).toEqual(['inbox_overflow'])
    })

    it('ends with the code of the peer’s Close if that arrives, but still with the cause overflow', () => {
      fill()
      socket.receive('last')
      socket.receive('too much')
      socket.end(1008, 'I see')
      events.message_result = () => undefined
      release()
      return connection.closed.then(info =>
        expect(info).toEqual({ code: 1008, reason: 'I see', cause: 'overflow', clean: true, unsent: 0 }),
      )
    })

    it('overflows for a busy loop, too', () => {
      connection.set_listener('busy')
      connection.socket_message('a', INBOX_MAX_BYTES)
      socket.receive('b')
      expect(codes()).toEqual(['inbox_overflow'])
    })

    it('reports an unexpected binary message rather than the overflow', () => {
      fill()
      socket.receive('last')
      socket.receive(new Uint8Array(1))
      expect(codes()).toEqual(['unexpected_binary'])
    })
  })

  describe('callbacks that fail', () => {
    it('reports a callback that throws, with its name and cause, and stays open', () => {
      const cause = new Error('boom')
      events.message_result = () => {
        throw cause
      }
      socket.receive('a')
      expect(events.errors).toMatchObject([
        { code: 'handler_failed', cause, message: expect.stringContaining('on_message failed: boom') },
      ])
      expect(connection.send('still here')).toBe(true)
    })

    it('does not claim in the report that the connection is open, since the callback may have closed it', () => {
      events.message_result = () => {
        connection.close(4000)
        throw new Error('boom')
      }
      socket.receive('a')
      expect(events.errors.map(error => error.message)).toEqual(['on_message failed: boom'])
    })

    it('reports a callback that rejects, even with a value that is not an Error', async () => {
      events.message_result = () => Promise.reject('just text')
      socket.receive('a')
      await Promise.resolve()
      await Promise.resolve()
      expect(events.errors).toMatchObject([
        { code: 'handler_failed', cause: 'just text', message: expect.stringContaining('just text') },
      ])
    })

    it('reports a value that can’t become a string', () => {
      events.message_result = () => {
        throw Object.create(null)
      }
      socket.receive('a')
      expect(events.errors).toMatchObject([
        { code: 'handler_failed', message: expect.stringContaining('an object') },
      ])
    })

    it.each([
      ['client', 'on_open'],
      ['server', 'on_connect'],
    ] as const)('calls the first callback of a %s %s', (side, name) => {
      start({ side })
      events.on_open = () => {
        throw new Error('boom')
      }
      socket.open()
      expect(events.errors[0]?.message).toContain(`${name} failed`)
    })
  })

  describe('closing', () => {
    it('sends a Close, and is closed when the peer has answered', async () => {
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

    it('happens once, however often close is called', () => {
      connection.close()
      expect(connection.close(4001)).toBe(true)
      expect(socket.call_names).toEqual(['close'])
      socket.end(1000)
      expect(connection.close()).toBe(true)
      expect(events.log.filter(entry => entry === 'on_close')).toHaveLength(1)
    })

    it.each([
      [999, ''],
      [1001, ''],
      [1000, 'x'.repeat(124)],
    ])('throws for the invalid code %i, and stays open', (code, reason) => {
      expect(() => connection.close(code, reason)).toThrow(
        expect.objectContaining({ code: 'invalid_argument' }),
      )
      expect(connection.state).toBe('open')
    })

    it('sends queued messages before the Close', () => {
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

    it('first opens and sends queued messages if it is closed while connecting', () => {
      start()
      connection.send('a')
      connection.close()
      expect(socket.calls).toEqual([])
      socket.open()
      expect(socket.call_names).toEqual(['write', 'close'])
      socket.end(1000)
      expect(events.log).toEqual(['opened', 'ended', 'on_close'])
    })

    it('gives up at once if it is closed while connecting with an empty queue', () => {
      start()
      connection.close()
      expect(socket.call_names).toEqual(['terminate'])
      socket.end(1006, '', new NetError('handshake_failed', 'closed before it was open'))
      expect(events.errors).toEqual([])
      expect(events.end_error).toBeUndefined()
      expect(events.infos).toMatchObject([{ cause: 'local', code: 1006, clean: false }])
    })

    it('terminates the socket after close_timeout if the peer does not answer', () => {
      connection.close()
      platform.clock.advance(4_999)
      expect(socket.call_names).toEqual(['close'])
      platform.clock.advance(1)
      expect(socket.call_names).toEqual(['close', 'terminate'])
      socket.end(1006)
      expect(events.infos).toEqual([{ code: 1006, reason: '', cause: 'local', clean: false, unsent: 0 }])
    })

    it('restarts close_timeout with each piece that the peer takes, but not once it stops reading', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.send('b')
      connection.close()
      platform.clock.advance(4_000)
      socket.drain()
      platform.clock.advance(4_000)
      // The network has taken part of the second batch.
      connection.socket_drained()
      platform.clock.advance(4_999)
      expect(socket.call_names).toEqual(['write', 'write'])
      platform.clock.advance(1)
      expect(socket.call_names).toEqual(['write', 'write', 'terminate'])
      socket.end(1006)
      expect(events.infos).toEqual([{ code: 1006, reason: '', cause: 'local', clean: false, unsent: 1 }])
    })

    it('terminates the socket after close_timeout if the peer takes none of the queued messages', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.close()
      platform.clock.advance(4_999)
      expect(socket.call_names).toEqual(['write'])
      platform.clock.advance(1)
      expect(socket.call_names).toEqual(['write', 'terminate'])
    })

    it('waits close_timeout for the peer’s answer, from its own Close on', () => {
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

    it('sends no Close while the network has taken only part of a batch', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.close()
      connection.socket_drained()
      expect(socket.call_names).toEqual(['write'])
      socket.drain()
      expect(socket.call_names).toEqual(['write', 'close'])
    })

    it('starts no timer when the network takes messages while it is open', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      socket.drain()
      expect(platform.clock.timers).toBe(0)
    })

    it('ends within close_timeout if it is closed while connecting and never opens', () => {
      start()
      connection.send('a')
      connection.close()
      platform.clock.advance(5_000)
      expect(socket.call_names).toEqual(['terminate'])
      socket.end(1006)
      expect(events.log).toEqual(['ended', 'on_close'])
      expect(events.infos).toEqual([{ code: 1006, reason: '', cause: 'local', clean: false, unsent: 1 }])
    })

    it('terminates the socket once, however long it takes to end', () => {
      connection.close()
      platform.clock.advance(50_000)
      expect(socket.call_names).toEqual(['close', 'terminate'])
      expect(platform.clock.timers).toBe(0)
    })

    it('has the state connecting, open, closing in every phase of it, and closed', () => {
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

    it('delivers no message after close(), not even one that waits', async () => {
      let release = (): void => {}
      events.message_result = () => new Promise<void>(resolve => (release = resolve))
      socket.receive('a')
      socket.receive('waits')
      connection.close()
      socket.receive('arrives')
      release()
      socket.end(1000)
      await connection.closed
      expect(events.log).toEqual(['opened', 'on_open', 'on_message a', 'ended', 'on_close'])
    })

    it('delivers no message after close(), even if the peer had closed before', async () => {
      let release = (): void => {}
      events.message_result = () => new Promise<void>(resolve => (release = resolve))
      socket.receive('a')
      socket.receive('waits')
      socket.end(1000)
      connection.close()
      release()
      await connection.closed
      expect(events.log).toEqual(['opened', 'on_open', 'on_message a', 'ended', 'on_close'])
    })

    it('may be closed from within a callback', () => {
      events.message_result = () => connection.close()
      socket.receive('a')
      socket.receive('b')
      socket.end(1000)
      expect(events.log).toEqual(['opened', 'on_open', 'on_message a', 'ended', 'on_close'])
    })

    it('has the cause peer if the peer’s Close arrived before', () => {
      socket.receive_close()
      connection.close(4001)
      socket.end(4000)
      expect(socket.calls).toEqual([])
      expect(events.infos).toMatchObject([{ code: 4000, cause: 'peer', clean: true }])
    })

    it('delivers no further message of a peer that has ended its side', () => {
      socket.half_close()
      socket.receive('a')
      connection.close()
      socket.receive('b')
      socket.end(1006)
      expect(events.log).toEqual(['opened', 'on_open', 'on_message a', 'ended', 'on_close'])
      expect(events.infos).toMatchObject([{ code: 1006, cause: 'network' }])
    })

    it('ends after close_timeout if the peer ended its side without a Close and takes nothing more', async () => {
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
      expect(events.infos).toEqual([{ code: 1006, reason: '', cause: 'network', clean: false, unsent: 1 }])
    })

    it('closes with 1001 when the server shuts down', () => {
      connection.shut_down(1001, '', 0)
      expect(socket.calls).toEqual([{ call: 'close', code: 1001, reason: '' }])
      socket.end(1001)
      expect(events.infos).toMatchObject([{ code: 1001, cause: 'shutdown', clean: true }])
    })
  })

  describe('failing', () => {
    it('reports the broken rule, closes with its code, and drops the queue', () => {
      connection.send('a')
      socket.fail(new NetError('protocol_error', 'reserved bits'), 1002)
      platform.end_turn()
      expect(codes()).toEqual(['protocol_error'])
      expect(socket.calls).toEqual([{ call: 'close', code: 1002, reason: '' }])
      socket.end(1006)
      expect(events.infos).toEqual([{ code: 1002, reason: '', cause: 'protocol', clean: false, unsent: 1 }])
      expect(events.end_error?.code).toBe('protocol_error')
    })

    it('passes the reason why it did not open to `ended`, and reports nothing', () => {
      start()
      connection.send('a')
      socket.end(1006, '', new NetError('connection_refused', 'nobody there'))
      expect(codes()).toEqual([])
      expect(events.end_error?.code).toBe('connection_refused')
      expect(events.log).toEqual(['ended', 'on_close'])
      expect(events.infos).toEqual([{ code: 1006, reason: '', cause: 'refused', clean: false, unsent: 1 }])
    })

    it('gives up once if it takes too long to open', () => {
      start()
      for (const message of ['too slow', 'again'])
        connection.abandon(new NetError('connect_timeout', message))
      expect(socket.call_names).toEqual(['terminate'])
      socket.end(1006, '', new NetError('handshake_failed', 'closed before it was open'))
      expect(codes()).toEqual([])
      expect(events.end_error).toMatchObject({ code: 'connect_timeout', message: 'too slow' })
      expect(events.infos).toMatchObject([{ code: 1006, cause: 'refused', clean: false }])
    })

    it('has the cause local if it is given up after it was closed while opening', () => {
      start()
      connection.send('a')
      connection.close()
      connection.abandon(new NetError('connect_timeout', 'too slow'))
      expect(socket.call_names).toEqual(['terminate'])
      socket.end(1006)
      expect(events.infos).toMatchObject([{ code: 1006, cause: 'local', unsent: 1 }])
    })

    it('ignores a timeout of opening once it is open, closing or closed', () => {
      const error = new NetError('connect_timeout', 'too late')
      connection.abandon(error)
      connection.close()
      connection.abandon(error)
      socket.end(1000)
      connection.abandon(error)
      expect(socket.call_names).toEqual(['close'])
      expect(events.end_error).toBeUndefined()
    })

    it('is shed once, and reports that at the end of the turn', () => {
      const error = new NetError('queue_shed', 'too much')
      expect(connection.shed(error, 1013, 'later')).toBe(true)
      expect(connection.shed(error, 1013, 'later')).toBe(false)
      expect(codes()).toEqual([])
      platform.end_turn()
      expect(codes()).toEqual(['queue_shed'])
      expect(socket.calls).toEqual([{ call: 'close', code: 1013, reason: 'later' }])
    })

    it('keeps the code of the broken rule even if on_error closes', () => {
      events.report = (_handle, error) => {
        events.errors.push(error)
        connection.close()
      }
      socket.receive(new Uint8Array(3))
      expect(socket.calls).toEqual([{ call: 'close', code: 1003, reason: '' }])
      socket.end(1003)
      expect(events.infos).toMatchObject([{ code: 1003, cause: 'protocol' }])
    })

    it('does not report a loss while closing', () => {
      socket.takes_writes = false
      connection.send('a')
      platform.end_turn()
      connection.close()
      socket.end(1006, '', new NetError('connection_lost', 'reset'))
      expect(codes()).toEqual([])
      expect(events.infos).toMatchObject([{ code: 1006, cause: 'local', unsent: 1 }])
    })

    it('passes the reason of a loss to `ended`, and reports nothing', () => {
      socket.end(1006, '', new NetError('connection_lost', 'reset'))
      expect(codes()).toEqual([])
      expect(events.end_error?.code).toBe('connection_lost')
      expect(events.infos).toMatchObject([{ cause: 'network', code: 1006 }])
    })

    it('ignores a failure after the end', () => {
      socket.end(1000)
      expect(connection.shed(new NetError('queue_shed', 'too late'), 1013, '')).toBe(false)
      platform.end_turn()
      expect(codes()).toEqual([])
    })
  })

  it('resolves `closed` for callers before and after the end', async () => {
    const asked_before = connection.closed
    socket.end(1000)
    await expect(asked_before).resolves.toMatchObject({ code: 1000 })
    await expect(connection.closed).resolves.toMatchObject({ code: 1000 })
  })

  describe('check', () => {
    const check = (times: number): void => {
      for (let i = 0; i < times; i += 1) connection.check()
    }

    /**
     * Holds the callback of the first message, and lets messages wait until the socket is paused; returns a
     * function that releases the callback.
     */
    const pause = (): (() => void) => {
      let release = (): void => {}
      events.message_result = () => new Promise<void>(resolve => (release = resolve))
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      expect(socket.call_names).toEqual(['pause'])
      return () => {
        events.message_result = () => undefined
        release()
      }
    }

    it('pings a peer once that was silent for ten checks', () => {
      check(CHECKS_PER_SPAN - 1)
      expect(socket.calls).toEqual([])
      check(1)
      expect(socket.calls).toEqual([{ call: 'ping' }])
      check(CHECKS_PER_SPAN - 1)
      expect(socket.call_names).toEqual(['ping'])
    })

    it('ends with 1006 and the cause heartbeat, not clean, if the peer was silent for twenty checks', () => {
      connection.send('a')
      socket.takes_writes = false
      platform.end_turn()
      check(2 * CHECKS_PER_SPAN)
      expect(socket.call_names).toEqual(['write', 'ping', 'terminate'])
      expect(connection.state).toBe('closing')
      expect(connection.send('late')).toMatchObject({ code: 'closed' })
      socket.end(1006)
      expect(events.infos).toEqual([{ code: 1006, reason: '', cause: 'heartbeat', clean: false, unsent: 1 }])
      expect(events.end_error).toMatchObject({
        code: 'connection_lost',
        message: 'the peer was silent for twice heartbeat',
      })
      expect(codes()).toEqual([])
      expect(platform.clock.timers).toBe(0)
    })

    it('gives up once, and ignores later events', () => {
      check(10 * CHECKS_PER_SPAN)
      platform.clock.advance(100_000)
      expect(socket.call_names).toEqual(['ping', 'terminate'])
    })

    it.each<[string, () => void]>([
      ['an answer to a ping', () => socket.pong()],
      ['a message', () => socket.receive('a')],
      ['that it takes what was sent', () => socket.drain()],
    ])('starts over with any sign of life: %s', (_, give_sign) => {
      for (let i = 0; i < 5; i += 1) {
        check(2 * CHECKS_PER_SPAN - 1)
        give_sign()
        check(1)
      }
      check(CHECKS_PER_SPAN - 1)
      expect(socket.call_names).toEqual(['ping', 'ping', 'ping', 'ping', 'ping'])
      check(1)
      expect(socket.call_names).toHaveLength(6)
    })

    it('counts from when the connection is open', () => {
      start()
      check(5 * CHECKS_PER_SPAN)
      expect(socket.calls).toEqual([])
      socket.open()
      check(2 * CHECKS_PER_SPAN - 1)
      expect(socket.call_names).toEqual(['ping'])
    })

    it('pings a peer while its socket is paused, and never gives it up', () => {
      pause()
      check(5 * CHECKS_PER_SPAN)
      expect(socket.call_names).toEqual(['pause', 'ping', 'ping', 'ping', 'ping', 'ping'])
      expect(connection.state).toBe('open')
    })

    it('pings a peer at each heartbeat while its messages wait, since its own pings may be stuck behind them', () => {
      events.message_result = () => new Promise(() => {})
      socket.receive('held')
      for (let i = 0; i < 3 * CHECKS_PER_SPAN; i += 1) {
        socket.receive('waits')
        check(1)
      }
      expect(socket.call_names).toEqual(['ping', 'ping', 'ping'])
    })

    it('gives up a peer that is silent while its messages wait for a callback', () => {
      events.message_result = () => new Promise(() => {})
      socket.receive('held')
      socket.receive('waits')
      connection.check()
      check(2 * CHECKS_PER_SPAN)
      expect(socket.call_names).toEqual(['ping', 'ping', 'terminate'])
    })

    it('does not ping a peer whose messages are delivered', () => {
      for (let i = 0; i < 3 * CHECKS_PER_SPAN; i += 1) {
        socket.receive('a')
        check(1)
      }
      expect(socket.calls).toEqual([])
    })

    it('starts over when a paused socket is resumed', async () => {
      const release = pause()
      check(2 * CHECKS_PER_SPAN - 1)
      release()
      await Promise.resolve()
      await Promise.resolve()
      expect(socket.call_names).toEqual(['pause', 'ping', 'resume'])
      check(2 * CHECKS_PER_SPAN - 1)
      expect(socket.call_names).toEqual(['pause', 'ping', 'resume', 'ping', 'ping'])
      check(1)
      expect(socket.call_names.at(-1)).toBe('terminate')
    })

    it.each<[string, () => void]>([
      ['drains', () => connection.close()],
      ['waits for the peer’s Close', () => connection.close()],
      ['finishes', () => connection.shut_down(1001, '', 1_000)],
      ['has ended', () => socket.end(1000)],
    ])('does nothing on a connection that %s', (name, end) => {
      if (name === 'drains') {
        socket.takes_writes = false
        connection.send('a')
        platform.end_turn()
      }
      if (name === 'finishes') events.message_result = () => new Promise(() => {})
      socket.receive('held')
      end()
      const before = [...socket.call_names]
      check(5 * CHECKS_PER_SPAN)
      expect(socket.call_names).toEqual(before)
    })
  })

  describe('shutting down', () => {
    let release: () => void

    /** Holds the callback of the first message, and lets another one wait behind it. */
    const hold = (): void => {
      events.message_result = data =>
        data === 'held' ? new Promise<void>(resolve => (release = resolve)) : undefined
      socket.receive('held')
      socket.receive('waits')
    }
    const settled = async (): Promise<void> => {
      for (let i = 0; i < 5; i += 1) await Promise.resolve()
    }

    it('closes at once with its code and reason if no callback is running', () => {
      connection.shut_down(1012, 'back soon', 1_000)
      expect(socket.calls).toEqual([{ call: 'pause' }, { call: 'close', code: 1012, reason: 'back soon' }])
      socket.end(1012, 'back soon')
      expect(events.infos).toEqual([
        { code: 1012, reason: 'back soon', cause: 'shutdown', clean: true, unsent: 0 },
      ])
      expect(platform.clock.timers).toBe(0)
    })

    it('stops reading, delivers the messages that have arrived, and then closes', async () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      expect(connection.state).toBe('closing')
      expect(socket.call_names).toEqual(['pause'])
      release()
      await settled()
      expect(events.log).toEqual(['opened', 'on_open', 'on_message held', 'on_message waits'])
      expect(socket.call_names).toEqual(['pause', 'close'])
      socket.end(1001)
      expect(events.log.slice(-2)).toEqual(['ended', 'on_close'])
    })

    it('sends the messages of callbacks before its Close', async () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      const returns = events.message_result
      events.message_result = data => {
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

    it('resolves drained() for calls in the meantime', async () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      connection.send('a')
      const drained = connection.drained()
      platform.end_turn()
      await expect(drained).resolves.toBeUndefined()
      expect(socket.sent).toEqual(['a'])
    })

    it('waits drain_ms for callbacks, and then drops the waiting messages', async () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      platform.clock.advance(999)
      expect(socket.call_names).toEqual(['pause'])
      platform.clock.advance(1)
      expect(socket.call_names).toEqual(['pause', 'close'])
      expect(connection.inbox.bytes).toBe(0)
      socket.end(1001)
      release()
      await connection.closed
      expect(events.log).toEqual(['opened', 'on_open', 'on_message held', 'ended', 'on_close'])
      expect(events.infos).toMatchObject([{ code: 1001, cause: 'shutdown', clean: true }])
    })

    it('waits close_timeout for the peer after drain_ms', () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      platform.clock.advance(1_000 + 4_999)
      expect(socket.call_names).toEqual(['pause', 'close'])
      platform.clock.advance(1)
      expect(socket.call_names).toEqual(['pause', 'close', 'terminate'])
      socket.end(1006)
      expect(events.infos).toEqual([])
    })

    it('drops waiting messages at once with a drain_ms of 0', () => {
      hold()
      connection.shut_down(1001, '', 0)
      expect(socket.call_names).toEqual(['close'])
      expect(connection.inbox.bytes).toBe(0)
    })

    it('stops waiting when it is called again with a drain_ms of 0, and closes with the code of that call', () => {
      hold()
      connection.shut_down(1012, 'back soon', 100_000)
      connection.shut_down(1001, 'now', 0)
      expect(socket.calls).toEqual([{ call: 'pause' }, { call: 'close', code: 1001, reason: 'now' }])
      expect(connection.inbox.bytes).toBe(0)
    })

    it('keeps the code and time of the first call when it is called again with another drain_ms', () => {
      hold()
      connection.shut_down(1012, 'first', 1_000)
      platform.clock.advance(900)
      connection.shut_down(1001, 'second', 1_000)
      platform.clock.advance(100)
      expect(socket.calls.at(-1)).toEqual({ call: 'close', code: 1012, reason: 'first' })
    })

    it('delivers nothing more if a callback closes in the meantime', async () => {
      hold()
      const returns = events.message_result
      connection.shut_down(1001, '', 1_000)
      events.message_result = data => {
        if (data === 'waits') connection.close(4000, 'enough')
        return returns(data)
      }
      connection.socket_message('behind', 6)
      release()
      await settled()
      expect(socket.calls.at(-1)).toEqual({ call: 'close', code: 4000, reason: 'enough' })
      socket.end(4000, 'enough')
      expect(events.log.slice(2)).toEqual(['on_message held', 'on_message waits', 'ended', 'on_close'])
      expect(events.infos).toMatchObject([{ code: 4000, cause: 'local' }])
    })

    it('delivers the messages that have arrived even if the peer ends in the meantime, with the cause shutdown', async () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      socket.end(4000, 'bye')
      expect(events.log.at(-1)).toBe('ended')
      release()
      await connection.closed
      expect(events.log.slice(2)).toEqual(['on_message held', 'ended', 'on_message waits', 'on_close'])
      expect(events.infos).toEqual([{ code: 4000, reason: 'bye', cause: 'shutdown', clean: true, unsent: 0 }])
      expect(platform.clock.timers).toBe(0)
    })

    it.each(['called once', 'called twice'])(
      'delivers the messages that have arrived even after the peer’s Close, %s',
      async times => {
        hold()
        if (times === 'called twice') connection.shut_down(1001, '', 1_000)
        socket.receive_close()
        connection.shut_down(1001, '', 1_000)
        release()
        await settled()
        socket.end(1000)
        await connection.closed
        expect(events.log).toContain('on_message waits')
      },
    )

    it('does not change a close in progress', () => {
      hold()
      connection.close(4000)
      connection.shut_down(1001, '', 1_000)
      expect(socket.calls).toEqual([{ call: 'close', code: 4000, reason: '' }])
    })

    describe('with late messages delivered', () => {
      const shut_down = (): void => connection.shut_down(1001, '', 1_000, 'delivered')

      it('delivers messages that the peer sent before it received the Close: last, before on_close, and without answers', async () => {
        hold()
        shut_down()
        connection.socket_message('behind', 6)
        release()
        await settled()
        expect(socket.call_names).toEqual(['pause', 'close'])
        socket.receive('late')
        expect(connection.send('answer')).toMatchObject({ code: 'closed' })
        socket.end(1001)
        expect(events.log.slice(2)).toEqual([
          'on_message held',
          'on_message waits',
          'on_message behind',
          'on_message late',
          'ended',
          'on_close',
        ])
        expect(events.infos).toMatchObject([{ code: 1001, cause: 'shutdown', clean: true }])
      })

      it('pauses the socket if more of them arrive than a slow callback handles', async () => {
        shut_down()
        events.message_result = () => new Promise<void>(resolve => (release = resolve))
        for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
        expect(socket.call_names).toEqual(['pause', 'close', 'pause'])
        events.message_result = () => undefined
        release()
        await settled()
        expect(socket.call_names).toEqual(['pause', 'close', 'pause', 'resume'])
        expect(events.log.filter(what => what.startsWith('on_message'))).toHaveLength(300)
      })

      it('drops them after drain_ms, like earlier messages', async () => {
        hold()
        shut_down()
        platform.clock.advance(1_000)
        socket.receive('late')
        release()
        await settled()
        socket.end(1001)
        expect(events.log).not.toContain('on_message late')
      })

      it('drops them when it is called again with a drain_ms of 0, and does not restart close_timeout', () => {
        shut_down()
        socket.receive('late')
        platform.clock.advance(4_000)
        connection.shut_down(1001, '', 0)
        socket.receive('later')
        expect(events.log.slice(2)).toEqual(['on_message late'])
        expect(socket.call_names).toEqual(['pause', 'close'])
        platform.clock.advance(1_000)
        expect(socket.call_names).toEqual(['pause', 'close', 'terminate'])
      })

      it('drops them after a callback that closes', () => {
        shut_down()
        events.message_result = () => connection.close()
        socket.receive('late')
        socket.receive('later')
        expect(events.log.slice(2)).toEqual(['on_message late'])
      })
    })

    it('does not resume reading when the inbox has room again', async () => {
      events.message_result = () => new Promise<void>(resolve => (release = resolve))
      for (let i = 0; i < 300; i += 1) socket.receive('x'.repeat(1_000))
      connection.shut_down(1001, '', 1_000)
      events.message_result = () => undefined
      release()
      await settled()
      expect(socket.call_names).toEqual(['pause', 'pause', 'close'])
    })

    it('still fails if the peer breaks a rule before', () => {
      hold()
      connection.shut_down(1001, '', 1_000)
      socket.fail(new NetError('protocol_error', 'reserved bits'), 1002)
      expect(socket.calls.at(-1)).toEqual({ call: 'close', code: 1002, reason: '' })
      expect(codes()).toEqual(['protocol_error'])
    })
  })

  describe('channels', () => {
    /** The published events, by channel. */
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
      platform = Object.assign(new Platform(), { channels })
      events = new RecordedEvents()
      socket = new Socket()
      connection = new ServerConnection({ ...settings, ...changed }, events, platform, () => 'handle')
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

    it('get all events in order, with the side and the handle', () => {
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

    it('get a message of bytes as it was passed to send, and the side server', () => {
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

    it('get events before the callbacks run', () => {
      start_with_channels(true)
      const order: string[] = []
      events.on_open = () => order.push(`open ${published.length}`) && undefined
      events.message_result = () => order.push(`message ${published.length}`) && undefined
      events.on_close = () => order.push(`close ${published.length}`) && undefined
      socket.open()
      socket.receive('a')
      socket.end(1000)
      expect(order).toEqual(['open 1', 'message 2', 'close 3'])
    })

    it('get no messages that arrive after this side has closed', () => {
      start_with_channels(true)
      socket.open()
      connection.close()
      socket.receive('late')
      expect(published.map(([name]) => name)).toEqual(['open'])
    })

    it('get nothing without subscribers', () => {
      start_with_channels(false)
      run()
      expect(published).toEqual([])
    })
  })
})
