import { beforeEach, describe, expect, it } from 'vitest'
import { Outbox, type QueueBudget } from '../../src/connection/outbox.js'
import type { SocketEvents } from '../../src/connection/socket_port.js'
import type { NetError } from '../../src/errors/errors.js'
import { node_platform } from '../../src/node/index.js'
import { BATCH_BYTES } from '../../src/queues/batch.js'
import type { MessageBatch } from '../../src/queues/message_queue.js'
import { received_messages, type SharedBatch } from '../../src/queues/shared_frames.js'
import type { FakePlatform, FakeSocket } from '../../src/testing/index.js'
import { QUEUES } from './platforms.js'

/** RFC 6455 §5.2: the header of an unmasked frame of at most 125 bytes, and of one of at most 65,535. */
const [SMALL_HEADER, MEDIUM_HEADER] = [2, 4]
const MASK_KEY = 4

interface StartOptions {
  readonly is_masked?: boolean
  readonly port?: FakeSocket
  readonly budget?: QueueBudget
}

describe.each(QUEUES)('Outbox with a queue of %s', (_name, { Platform, Socket }) => {
  /**
   * A port that takes batch after batch before the network has taken the first one, like a browser's
   * WebSocket.
   */
  class GreedySocket extends Socket {
    readonly #under_way: MessageBatch[] = []

    override get takes_batch(): boolean {
      return this.is_writable
    }
    override get unsent(): number {
      return this.#under_way.reduce((sum, { messages }) => sum + messages, 0)
    }
    override get buffered_bytes(): number {
      return this.#under_way.reduce((sum, { frame_bytes }) => sum + frame_bytes, 0)
    }
    override write(batch: MessageBatch): void {
      super.write(batch)
      this.#under_way.push(batch)
    }

    /** Lets the network take the oldest batch only. */
    take_one(): void {
      this.#under_way.shift()
    }
  }

  let platform: FakePlatform
  let socket: FakeSocket
  let outbox: Outbox

  const socket_events = (): SocketEvents => ({
    inbox: { bytes: 0 },
    shed: () => false,
    close: () => true,
    socket_opened: () => outbox.flush(),
    socket_drained: () => outbox.flush(),
    socket_message: () => {},
    socket_failed: () => {},
    socket_ending: () => {},
    socket_closed: () => {},
  })

  const start = (
    limit_bytes: number,
    { is_masked = false, port = new Socket(), budget }: StartOptions = {},
  ): void => {
    platform = new Platform()
    socket = port
    const settings = { side: is_masked ? 'client' : 'server', max_queue: limit_bytes } as const
    outbox = new Outbox({ ...settings, ...(budget && { budget }) }, platform, {
      is_running: false,
      is_opening: true,
    })
    socket.connect_to(socket_events())
  }

  const start_open = (limit_bytes: number, port?: FakeSocket): void => {
    start(limit_bytes, port && { port })
    outbox.attach(socket)
    socket.open()
  }

  /** Sends a message, and returns the result in one word. */
  const send = (payload: string | Uint8Array): string => {
    const result = outbox.send(payload)
    return result === true ? 'taken' : result.code
  }

  beforeEach(() => start(1_000))

  it('queues messages before there is a socket, and before it is open', () => {
    outbox.send('a')
    platform.end_turn()
    outbox.attach(socket)
    outbox.send('b')
    platform.end_turn()
    expect(socket.calls).toEqual([])
    expect([outbox.bytes, outbox.unsent]).toEqual([6, 2])
    socket.open()
    expect(socket.calls).toEqual([{ call: 'write', messages: ['a', 'b'] }])
    expect([outbox.bytes, outbox.unsent]).toEqual([0, 0])
  })

  it('keeps the first words that an earlier opening could not write, ahead of those of the next one', () => {
    outbox.send('queued')
    outbox.hold()
    outbox.send('first')
    outbox.release()
    outbox.hold()
    outbox.send('second')
    outbox.attach(socket)
    outbox.release()
    expect(outbox.unsent).toBe(3)
    socket.open()
    expect(socket.sent).toEqual(['first', 'second', 'queued'])
    expect([outbox.bytes, outbox.unsent]).toEqual([0, 0])
  })

  it('writes the messages of each turn with one write at its end', () => {
    start_open(1_000)
    outbox.send('a')
    outbox.send('b')
    expect(socket.calls).toEqual([])
    platform.end_turn()
    outbox.send('c')
    platform.end_turn()
    expect(socket.calls).toEqual([
      { call: 'write', messages: ['a', 'b'] },
      { call: 'write', messages: ['c'] },
    ])
  })

  it('writes each batch as soon as it is full, and the rest at the end of the turn', () => {
    start_open(10 * BATCH_BYTES)
    const half = 'x'.repeat(BATCH_BYTES / 2 - MEDIUM_HEADER)
    for (let i = 0; i < 5; i += 1) outbox.send(half)
    expect(socket.calls.map(({ messages }) => messages?.length)).toEqual([2, 2])
    platform.end_turn()
    expect(socket.calls.map(({ messages }) => messages?.length)).toEqual([2, 2, 1])
  })

  it('writes one batch at a time if the port takes one at a time', () => {
    start_open(1_000)
    socket.takes_writes = false
    for (const text of ['a', 'b', 'c']) {
      outbox.send(text)
      platform.end_turn()
    }
    expect(socket.sent).toEqual(['a'])
    expect(outbox.unsent).toBe(3)
    socket.drain()
    expect(socket.sent).toEqual(['a', 'b', 'c'])
    expect(outbox.unsent).toBe(2)
    socket.drain()
    expect(outbox.unsent).toBe(0)
  })

  it('writes batch after batch if the port takes them, and counts them until the network has taken them', async () => {
    const port = new GreedySocket()
    start_open(1_000, port)
    for (const text of ['a', 'bb']) {
      outbox.send(text)
      platform.end_turn()
    }
    expect(socket.sent).toEqual(['a', 'bb'])
    expect([outbox.unsent, outbox.bytes]).toEqual([2, 7])
    let is_sent = false
    const all_sent = outbox.drained().then(() => {
      is_sent = true
    })
    port.take_one()
    expect(outbox.flush()).toBe(false)
    await Promise.resolve()
    expect([outbox.unsent, outbox.bytes, is_sent]).toEqual([1, 4, false])
    port.take_one()
    expect(outbox.flush()).toBe(true)
    await all_sent
    expect([outbox.unsent, outbox.bytes]).toEqual([0, 0])
  })

  it('has room again with each batch that the network takes, but keeps its error until all are taken', () => {
    const port = new GreedySocket()
    start_open(20, port)
    for (let i = 0; i < 2; i += 1) {
      expect(send('12345678')).toBe('taken')
      platform.end_turn()
    }
    const full = outbox.send('')
    expect(full).toMatchObject({ code: 'queue_full' })
    port.take_one()
    outbox.flush()
    expect(send('abcdefgh')).toBe('taken')
    expect(outbox.send('')).toBe(full)
    expect(outbox.is_full).toBe(true)
  })

  it('returns the same error from when the queue was full until everything is sent', () => {
    start_open(1_000)
    socket.takes_writes = false
    outbox.send('x'.repeat(900))
    platform.end_turn()
    const first = outbox.send('y'.repeat(900))
    expect(first).toMatchObject({ code: 'queue_full' })
    expect(outbox.send('y'.repeat(900))).toBe(first)
    expect(outbox.is_full).toBe(true)
    socket.takes_writes = true
    socket.drain()
    expect([outbox.unsent, outbox.is_full]).toEqual([0, false])
    expect(outbox.send('y'.repeat(900))).toBe(true)
    socket.takes_writes = false
    platform.end_turn()
    const second = outbox.send('z'.repeat(900))
    expect(second).toMatchObject({ code: 'queue_full' })
    expect(second).not.toBe(first)
  })

  it('says in queue_full how much is queued, the limit, and what to do', () => {
    start_open(1_000)
    socket.takes_writes = false
    outbox.send('x'.repeat(500))
    platform.end_turn()
    outbox.send('y'.repeat(300))
    expect((outbox.send('z'.repeat(300)) as NetError).message).toBe(
      'send found the queue full: 808 of max_queue 1000 bytes wait for the peer; await drained() and send again',
    )
  })

  it('says in too_large the limit and what to do', () => {
    expect((outbox.send('x'.repeat(1_000)) as NetError).message).toBe(
      'send got a message that can never fit: max_queue is 1000 bytes; raise it, or send smaller pieces',
    )
  })

  describe('the limit', () => {
    it.each([
      ['unmasked', 10, false, SMALL_HEADER],
      ['masked', 10, true, SMALL_HEADER + MASK_KEY],
      ['unmasked', 125, false, SMALL_HEADER],
      ['unmasked', 126, false, MEDIUM_HEADER],
      ['masked', 126, true, MEDIUM_HEADER + MASK_KEY],
      ['unmasked', 65_535, false, MEDIUM_HEADER],
      ['unmasked', 65_536, false, 10],
      ['masked', 65_536, true, 10 + MASK_KEY],
    ])(
      'counts the header of a frame that is %s and holds %i bytes',
      (_, payload_bytes, is_masked, header) => {
        const frame_bytes = header + payload_bytes
        for (const payload of ['x'.repeat(payload_bytes), new Uint8Array(payload_bytes)]) {
          start(frame_bytes, { is_masked })
          expect(send(payload)).toBe('taken')
          expect([outbox.bytes, outbox.unsent]).toEqual([frame_bytes, 1])
          start(frame_bytes - 1, { is_masked })
          expect(send(payload)).toBe('too_large')
          expect([outbox.bytes, outbox.unsent]).toEqual([0, 0])
        }
      },
    )

    it('counts bytes of UTF-8, not letters', () => {
      start(8)
      expect(send('中文')).toBe('taken')
      start(7)
      expect(send('中文')).toBe('too_large')
    })

    it('counts the bytes of a view, not of the buffer that it is a part of', () => {
      start(4)
      expect(send(new Uint8Array(1_000).subarray(10, 12))).toBe('taken')
      expect(outbox.bytes).toBe(4)
    })

    it('gives queue_full for a message that would fit an empty queue, and keeps the queue', () => {
      start(20)
      send('12345678')
      expect(send('123456789')).toBe('queue_full')
      expect([outbox.bytes, outbox.unsent]).toEqual([10, 1])
      outbox.attach(socket)
      socket.open()
      expect(socket.sent).toEqual(['12345678'])
    })

    it('gives too_large for a message that never fits, keeps the queue, and reports nothing', () => {
      start(20)
      send('1')
      expect(send('x'.repeat(19))).toBe('too_large')
      expect([outbox.bytes, outbox.unsent]).toEqual([3, 1])
      expect(outbox.is_full).toBe(false)
    })

    it('allows a smaller message after it has refused a larger one', () => {
      start(20)
      expect(['12345678', '123456789', 'abcdefgh'].map(send)).toEqual(['taken', 'queue_full', 'taken'])
      outbox.attach(socket)
      socket.open()
      expect(socket.sent).toEqual(['12345678', 'abcdefgh'])
    })

    it('is reached to the last byte', () => {
      start(20)
      expect(['12345678', 'abcdefgh', ''].map(send)).toEqual(['taken', 'taken', 'queue_full'])
      expect(outbox.bytes).toBe(20)
    })

    it('is reached by empty messages, too, since their headers fill the queue', () => {
      let taken = 0
      while (send('') === 'taken') taken += 1
      expect([taken, outbox.bytes, outbox.unsent]).toEqual([500, 1_000, 500])
    })

    it('applies to the queue together with written messages that the network has not taken', () => {
      start_open(30)
      socket.takes_writes = false
      send('12345678')
      platform.end_turn()
      expect([send('abcdefgh'), send('123456789'), send('12345678'), send('')]).toEqual([
        'taken',
        'queue_full',
        'taken',
        'queue_full',
      ])
      expect([outbox.bytes, outbox.unsent]).toEqual([30, 3])
    })

    it('does not apply to buffered bytes other than messages, such as a pong', () => {
      class BusySocket extends Socket {
        override get buffered_bytes(): number {
          return 15
        }
      }
      start_open(20, new BusySocket())
      expect(send('x'.repeat(18))).toBe('taken')
    })

    it('leaves the whole queue for a burst: a full queue is written before queue_full is returned', () => {
      start_open(20)
      for (let i = 0; i < 5; i += 1) expect(send('x'.repeat(18))).toBe('taken')
      expect(socket.sent).toHaveLength(4)
      platform.end_turn()
      expect(socket.sent).toHaveLength(5)
    })
  })

  it('returns true from each flush that finds nothing unsent, even if it writes nothing', () => {
    expect(outbox.flush()).toBe(true)
    outbox.send('a')
    expect(outbox.flush()).toBe(false)
  })

  it('resolves drained at once if nothing is unsent', async () => {
    await expect(outbox.drained()).resolves.toBeUndefined()
  })

  it('resolves all pending calls of drained when the network has taken everything', async () => {
    start_open(1_000)
    socket.takes_writes = false
    outbox.send('a')
    platform.end_turn()
    const waiting = Promise.all([outbox.drained(), outbox.drained()])
    socket.drain()
    await expect(waiting).resolves.toEqual([undefined, undefined])
  })

  it('has room again, and rejects pending calls, when its port is removed with all messages', async () => {
    start_open(SMALL_HEADER + 1)
    socket.takes_writes = false
    outbox.send('a')
    platform.end_turn()
    expect(send('b')).toBe('queue_full')
    const waiting = outbox.drained()
    expect(outbox.detach()).toBe(1)
    await expect(waiting).rejects.toMatchObject({ code: 'connection_lost' })
    expect([send('b'), send('c')]).toEqual(['taken', 'queue_full'])
    expect(outbox.is_full).toBe(true)
  })

  it('drops the queue at the end, and rejects pending calls', async () => {
    outbox.send('a')
    const waiting = outbox.drained()
    outbox.end()
    await expect(waiting).rejects.toMatchObject({
      code: 'connection_lost',
      message: 'drained: the connection has ended; unsent messages: 1; send again what has to arrive',
    })
    expect([outbox.bytes, outbox.unsent]).toEqual([0, 0])
    outbox.attach(socket)
    socket.open()
    platform.end_turn()
    expect(socket.sent).toEqual([])
  })

  it('counts nothing after the end, even if its port keeps counting unsent bytes', () => {
    outbox.attach(socket)
    socket.open()
    socket.takes_writes = false
    outbox.send('a')
    platform.end_turn()
    expect([outbox.bytes, outbox.unsent]).toEqual([SMALL_HEADER + 1, 1])
    outbox.end()
    expect([socket.buffered_bytes, outbox.bytes, outbox.unsent]).toEqual([SMALL_HEADER + 1, 0, 0])
  })

  describe('a removed port', () => {
    /** Attaches another open port. */
    const attach_another = (): FakeSocket => {
      const next = new Socket()
      next.connect_to(socket_events())
      outbox.attach(next)
      next.open()
      return next
    }

    /** Writes the first message, which the network does not take, so that the others stay queued. */
    const send_with_one_under_way = (...texts: string[]): void => {
      start_open(1_000)
      socket.takes_writes = false
      for (const text of texts) {
        outbox.send(text)
        platform.end_turn()
      }
    }

    it('leaves queued messages to the next one, in order and once', () => {
      send_with_one_under_way('lost', 'a', 'b')
      outbox.detach()
      const next = attach_another()
      outbox.send('c')
      platform.end_turn()
      expect([socket.sent, next.sent]).toEqual([['lost'], ['a', 'b', 'c']])
      expect([outbox.unsent, outbox.bytes]).toEqual([0, 0])
    })

    it('loses the messages that the network had not taken, which are counted once and not sent again', () => {
      send_with_one_under_way('lost', 'a', 'b')
      expect([outbox.unsent, outbox.bytes]).toEqual([3, 9 + 3])
      expect(outbox.detach()).toBe(1)
      expect([outbox.unsent, outbox.bytes]).toEqual([2, 6])
      expect(outbox.detach()).toBe(0)
    })

    it('loses nothing if the network had taken everything, or if there was no port', () => {
      expect(outbox.detach()).toBe(0)
      start_open(1_000)
      outbox.send('a')
      platform.end_turn()
      expect(outbox.detach()).toBe(0)
    })

    it('lets the queue accept messages up to its limit without a port', () => {
      start_open(20)
      outbox.detach()
      expect(['12345678', 'abcdefgh', ''].map(send)).toEqual(['taken', 'taken', 'queue_full'])
      platform.end_turn()
      expect(socket.sent).toEqual([])
      expect(attach_another().sent).toEqual(['12345678', 'abcdefgh'])
      expect(outbox.unsent).toBe(0)
    })

    it('leaves room in place of the lost messages', () => {
      start_open(20)
      socket.takes_writes = false
      send('x'.repeat(18))
      platform.end_turn()
      expect(send('a')).toBe('queue_full')
      outbox.detach()
      expect(send('x'.repeat(18))).toBe('taken')
    })

    it('keeps calls of drained pending until the next port has sent the rest, if nothing is lost', async () => {
      outbox.send('a')
      let is_sent = false
      const all_sent = outbox.drained().then(() => {
        is_sent = true
      })
      outbox.detach()
      platform.end_turn()
      await Promise.resolve()
      expect(is_sent).toBe(false)
      attach_another()
      await all_sent
    })

    it('leaves each message to exactly one of several ports', () => {
      start_open(1_000)
      const ports = [socket]
      for (const text of ['a', 'b', 'c', 'd']) {
        outbox.send(text)
        platform.end_turn()
        outbox.detach()
        outbox.send(`${text} between`)
        ports.push(attach_another())
      }
      expect(ports.flatMap(port => port.sent)).toEqual(
        ['a', 'b', 'c', 'd'].flatMap(text => [text, `${text} between`]),
      )
    })
  })

  describe('first words', () => {
    const sent = (): readonly (string | Uint8Array)[] => socket.sent
    const is_settled = async (promise: Promise<unknown>): Promise<boolean> => {
      let settled = false
      promise.then(
        () => (settled = true),
        () => (settled = true),
      )
      for (let i = 0; i < 5; i += 1) await Promise.resolve()
      return settled
    }

    /** Opens a connection for which these messages wait. */
    const start_held = (...messages: string[]): void => {
      start(1_000)
      for (const message of messages) expect(outbox.send(message)).toBe(true)
      outbox.hold()
      outbox.attach(socket)
      socket.open()
    }

    beforeEach(() => start_held('a', 'b'))

    it('go ahead of what waited, which follows when they are released, before what is sent later', () => {
      outbox.send('first')
      platform.end_turn()
      expect(sent()).toEqual(['first'])
      outbox.send('second')
      outbox.release()
      outbox.send('c')
      platform.end_turn()
      expect(sent()).toEqual(['first', 'second', 'a', 'b', 'c'])
      expect(outbox.unsent).toBe(0)
    })

    it('that are dropped are lost for drained(), however long the connection still takes to end', async () => {
      outbox.send('first')
      const drained = outbox.drained()
      outbox.drop()
      platform.end_turn()
      expect(await is_settled(drained)).toBe(false)
      outbox.end()
      await expect(drained).rejects.toMatchObject({ code: 'connection_lost' })
    })

    it('may be none', () => {
      platform.end_turn()
      expect(sent()).toEqual([])
      outbox.release()
      expect(sent()).toEqual(['a', 'b'])
    })

    it('keep the order if the network takes them only after the release', () => {
      outbox.send('taken')
      socket.takes_writes = false
      platform.end_turn()
      outbox.send('first')
      outbox.release()
      outbox.send('c')
      platform.end_turn()
      socket.takes_writes = true
      socket.drain()
      expect(sent()).toEqual(['taken', 'first', 'a', 'b', 'c'])
    })

    it('can be awaited, without what they hold back', async () => {
      socket.takes_writes = false
      outbox.send('first')
      platform.end_turn()
      const [of_first, again] = [outbox.drained(), outbox.drained()]
      expect(again).toBe(of_first)
      expect(await is_settled(of_first)).toBe(false)
      socket.takes_writes = true
      socket.drain()
      expect(await is_settled(of_first)).toBe(true)
      expect(await is_settled(outbox.drained())).toBe(true)
      outbox.release()
      await outbox.drained()
      expect(sent()).toEqual(['first', 'a', 'b'])
    })

    it('leave a drained() that was called before to wait for everything', async () => {
      start(1_000)
      outbox.send('a')
      const drained = outbox.drained()
      outbox.hold()
      outbox.attach(socket)
      socket.open()
      outbox.send('first')
      platform.end_turn()
      expect(sent()).toEqual(['first'])
      expect(await is_settled(drained)).toBe(false)
      outbox.release()
      expect(await is_settled(drained)).toBe(true)
    })

    it('that are unsent are lost with their port, while the rest is kept for the next one', async () => {
      socket.takes_writes = false
      outbox.send('taken')
      platform.end_turn()
      outbox.send('first')
      const drained = outbox.drained()
      expect(outbox.detach()).toBe(2)
      await expect(drained).rejects.toMatchObject({ code: 'connection_lost' })
      expect(outbox.unsent).toBe(2)
      const next = new Socket()
      next.connect_to(socket_events())
      outbox.attach(next)
      next.open()
      expect(next.sent).toEqual(['a', 'b'])
      expect(outbox.bytes).toBe(0)
    })

    it('have room of their own in front of a full queue', () => {
      const large = 'x'.repeat(900)
      start_held(large)
      socket.takes_writes = false
      expect(outbox.send(large)).toBe(true)
      expect(outbox.send(large)).toMatchObject({ code: 'queue_full' })
      outbox.release()
      expect(outbox.send('y')).toMatchObject({ code: 'queue_full' })
    })

    it('count as unsent when they are dropped, like the rest', () => {
      outbox.send('first')
      outbox.drop()
      expect([outbox.unsent, outbox.bytes]).toEqual([3, 0])
    })
  })

  describe('drop', () => {
    it('drops the queue, and still counts it as unsent', () => {
      start_open(1_000)
      socket.takes_writes = false
      for (const text of ['a', 'b', 'c']) {
        outbox.send(text)
        platform.end_turn()
      }
      outbox.drop()
      expect([outbox.unsent, outbox.bytes]).toEqual([3, 3])
      socket.takes_writes = true
      socket.drain()
      platform.end_turn()
      expect(socket.sent).toEqual(['a'])
      expect([outbox.unsent, outbox.bytes]).toEqual([2, 0])
    })

    it('adds up the messages dropped at several times', () => {
      for (const text of ['a', 'b']) {
        outbox.send(text)
        outbox.drop()
      }
      expect([outbox.unsent, outbox.bytes]).toEqual([2, 0])
    })

    it('does not resolve pending calls of drained', async () => {
      outbox.attach(socket)
      outbox.send('a')
      const waiting = outbox.drained()
      outbox.drop()
      socket.open()
      platform.end_turn()
      expect(outbox.is_full).toBe(false)
      outbox.end()
      await expect(waiting).rejects.toMatchObject({ code: 'connection_lost' })
      expect(outbox.unsent).toBe(0)
    })
  })

  describe('a budget', () => {
    it('gets the size of each accepted message with its header, and of no other', () => {
      const took: number[] = []
      start(20, { budget: { took: frame_bytes => took.push(frame_bytes) } })
      expect(['123456', 'x'.repeat(19), '', '123456789', 'x'].map(send)).toEqual([
        'taken',
        'too_large',
        'taken',
        'queue_full',
        'taken',
      ])
      expect(took).toEqual([8, 2, 3])
    })

    it('is called when the message is counted, and may drop it', () => {
      const seen: number[] = []
      const took = (): void => {
        seen.push(outbox.bytes, outbox.unsent)
        outbox.drop()
      }
      start(1_000, { budget: { took } })
      expect(send('abc')).toBe('taken')
      expect(seen).toEqual([5, 1])
      expect([outbox.bytes, outbox.unsent]).toEqual([0, 1])
    })

    it('finds the queue short after the port has taken a full batch', () => {
      const seen: number[] = []
      start(10 * BATCH_BYTES, { budget: { took: () => seen.push(outbox.bytes) } })
      outbox.attach(socket)
      socket.open()
      outbox.send('x'.repeat(BATCH_BYTES))
      expect(seen).toEqual([0])
    })
  })
})

it('counts each of several messages framed together, and accepts all of them or none', () => {
  const outbox = new Outbox({ side: 'server', max_queue: 10 }, node_platform, {
    is_running: false,
    is_opening: true,
  })
  const batch = received_messages(Uint8Array.of(0x81, 1, 0x61, 0x81, 1, 0x62), () => true)
    ?.batch as SharedBatch
  expect([outbox.send(batch, batch.messages), outbox.unsent, outbox.bytes]).toEqual([true, 2, 6])
  expect(outbox.send(batch, batch.messages)).toMatchObject({ code: 'queue_full' })
  expect([outbox.unsent, outbox.bytes]).toEqual([2, 6])
})
