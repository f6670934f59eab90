import { beforeEach, describe, expect, it } from 'vitest'
import { Outbox, type OutboxEvents, type QueueBudget } from '../../src/connection/outbox.js'
import type { SocketEvents } from '../../src/connection/socket_port.js'
import type { NetError } from '../../src/errors/errors.js'
import { node_platform } from '../../src/node/index.js'
import { BATCH_BYTES } from '../../src/queues/batch.js'
import type { MessageBatch } from '../../src/queues/message_queue.js'
import { received_messages, type SharedBatch } from '../../src/queues/shared_frames.js'
import { FakePlatform, FakeSocket } from '../../src/testing/index.js'

/** RFC 6455 §5.2: the header of an unmasked frame of at most 125 bytes, and of one of at most 65,535. */
const [SMALL_HEADER, MEDIUM_HEADER] = [2, 4]
const MASK_KEY = 4

/** Takes batch after batch though the network has not taken the first, as the WebSocket of a browser does. */
class GreedySocket extends FakeSocket {
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

  /** The network takes the oldest batch, and no more. */
  take_one(): void {
    this.#under_way.shift()
  }
}

interface StartOptions {
  readonly is_masked?: boolean
  readonly port?: FakeSocket
  readonly budget?: QueueBudget
}

describe('Outbox', () => {
  let platform: FakePlatform
  let socket: FakeSocket
  let told: string[]
  let outbox: Outbox<undefined>

  const sink_of = (): SocketEvents => ({
    inbox_bytes: 0,
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
    { is_masked = false, port = new FakeSocket(), budget }: StartOptions = {},
  ): void => {
    platform = new FakePlatform()
    socket = port
    told = []
    const events: OutboxEvents<undefined> = {
      is_in_callback: () => false,
      queue_became_full: (_, error) => told.push(error.code),
    }
    const settings = { side: is_masked ? 'client' : 'server', max_queue: limit_bytes } as const
    outbox = new Outbox({ ...settings, ...(budget && { budget }) }, platform, undefined, events)
    socket.connect_to(sink_of())
  }

  const start_open = (limit_bytes: number, port?: FakeSocket): void => {
    start(limit_bytes, port && { port })
    outbox.attach(socket)
    socket.open()
  }

  /** Sends, and says how it went. */
  const send = (payload: string | Uint8Array): string => {
    const result = outbox.send(payload)
    return result === true ? 'taken' : result.code
  }

  beforeEach(() => start(1_000))

  it('keeps what is sent before there is a socket, and before it is open', () => {
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

  it('writes what is sent in one turn with one write at its end, and the next turn with another', () => {
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

  it('writes each full batch when it is together, and the rest at the end of the turn', () => {
    start_open(10 * BATCH_BYTES)
    const half = 'x'.repeat(BATCH_BYTES / 2)
    for (let i = 0; i < 5; i += 1) outbox.send(half)
    expect(socket.calls.map(({ messages }) => messages?.length)).toEqual([2, 2])
    platform.end_turn()
    expect(socket.calls.map(({ messages }) => messages?.length)).toEqual([2, 2, 1])
  })

  it('has one batch under way at a time, where the port takes one at a time', () => {
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

  it('hands on batch after batch where the port takes them, and counts them until the network has', async () => {
    const port = new GreedySocket()
    start_open(1_000, port)
    for (const text of ['a', 'bb']) {
      outbox.send(text)
      platform.end_turn()
    }
    expect(socket.sent).toEqual(['a', 'bb'])
    expect([outbox.unsent, outbox.bytes]).toEqual([2, 7])
    let is_sent = false
    const all_sent = outbox.wait_until_sent().then(() => {
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

  it('has room again with each piece that the network takes, and stays in its episode until it has all', () => {
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
    expect(told.filter(entry => entry === 'queue_full')).toHaveLength(1)
  })

  it('returns one and the same error from the time when it was full until all is sent, and tells of it once', () => {
    start_open(1_000)
    socket.takes_writes = false
    outbox.send('x'.repeat(900))
    platform.end_turn()
    told.length = 0
    const first = outbox.send('y'.repeat(900))
    expect(first).toMatchObject({ code: 'queue_full' })
    expect(outbox.send('y'.repeat(900))).toBe(first)
    expect(told).toEqual(['queue_full'])
    socket.takes_writes = true
    socket.drain()
    expect([outbox.unsent, told]).toEqual([0, ['queue_full']])
    expect(outbox.send('y'.repeat(900))).toBe(true)
    socket.takes_writes = false
    platform.end_turn()
    const second = outbox.send('z'.repeat(900))
    expect(second).toMatchObject({ code: 'queue_full' })
    expect(second).not.toBe(first)
    expect(told.filter(entry => entry === 'queue_full')).toHaveLength(2)
  })

  it('says in queue_full how much waits, the limit, and what to do', () => {
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

  describe('the bound', () => {
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

    it('is queue_full for a message that fits an empty queue, and keeps what waits', () => {
      start(20)
      send('12345678')
      expect(send('123456789')).toBe('queue_full')
      expect([outbox.bytes, outbox.unsent]).toEqual([10, 1])
      outbox.attach(socket)
      socket.open()
      expect(socket.sent).toEqual(['12345678'])
    })

    it('is too_large for a message that fits never, whatever waits, keeps what waits and tells nobody', () => {
      start(20)
      send('1')
      expect(send('x'.repeat(19))).toBe('too_large')
      expect([outbox.bytes, outbox.unsent]).toEqual([3, 1])
      expect(told).toEqual([])
    })

    it('takes a smaller message after it refused a larger one', () => {
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

    it('is met by empty messages too: their headers fill the queue', () => {
      let taken = 0
      while (send('') === 'taken') taken += 1
      expect([taken, outbox.bytes, outbox.unsent]).toEqual([500, 1_000, 500])
    })

    it('holds for what was handed on and the network has not taken, together with what waits', () => {
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

    it('does not count what a port holds that is no message, such as the answer to a ping', () => {
      class BusySocket extends FakeSocket {
        override get buffered_bytes(): number {
          return 15
        }
      }
      start_open(20, new BusySocket())
      expect(send('x'.repeat(18))).toBe('taken')
    })

    it('is there for a whole burst: a full queue is written before it is called full', () => {
      start_open(20)
      for (let i = 0; i < 5; i += 1) expect(send('x'.repeat(18))).toBe('taken')
      expect(socket.sent).toHaveLength(4)
      platform.end_turn()
      expect(socket.sent).toHaveLength(5)
    })
  })

  it('says that all is sent with each flush that finds nothing unsent, though nothing was written', () => {
    expect(outbox.flush()).toBe(true)
    outbox.send('a')
    expect(outbox.flush()).toBe(false)
  })

  it('settles at once for who waits while nothing is unsent', async () => {
    await expect(outbox.wait_until_sent()).resolves.toBeUndefined()
  })

  it('settles for all who wait, when the network has taken what it was handed', async () => {
    start_open(1_000)
    socket.takes_writes = false
    outbox.send('a')
    platform.end_turn()
    const waiting = Promise.all([outbox.wait_until_sent(), outbox.wait_until_sent()])
    socket.drain()
    await expect(waiting).resolves.toEqual([undefined, undefined])
  })

  it('has room again, and settles for all who wait, when its port is gone and took along all there was', async () => {
    start_open(SMALL_HEADER + 1)
    socket.takes_writes = false
    outbox.send('a')
    platform.end_turn()
    expect(send('b')).toBe('queue_full')
    const waiting = outbox.wait_until_sent()
    expect(outbox.detach()).toBe(1)
    await expect(waiting).rejects.toMatchObject({ code: 'connection_lost' })
    expect([send('b'), send('c')]).toEqual(['taken', 'queue_full'])
    expect(told.filter(event => event === 'queue_full')).toHaveLength(2)
  })

  it('throws away what waits at the end, and tells those who wait', async () => {
    outbox.send('a')
    const waiting = outbox.wait_until_sent()
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

  it('counts nothing after the end, though a port goes on counting what the network never took', () => {
    outbox.attach(socket)
    socket.open()
    socket.takes_writes = false
    outbox.send('a')
    platform.end_turn()
    expect([outbox.bytes, outbox.unsent]).toEqual([SMALL_HEADER + 1, 1])
    outbox.end()
    expect([socket.buffered_bytes, outbox.bytes, outbox.unsent]).toEqual([SMALL_HEADER + 1, 0, 0])
  })

  describe('a port that is gone', () => {
    /** Another port, attached and open. */
    const attach_another = (): FakeSocket => {
      const next = new FakeSocket()
      next.connect_to(sink_of())
      outbox.attach(next)
      next.open()
      return next
    }

    /** Writes the first message, which the network does not take, and leaves the others behind it. */
    const send_with_one_under_way = (...texts: string[]): void => {
      start_open(1_000)
      socket.takes_writes = false
      for (const text of texts) {
        outbox.send(text)
        platform.end_turn()
      }
    }

    it('leaves what waited to the next one, in order and once', () => {
      send_with_one_under_way('lost', 'a', 'b')
      outbox.detach()
      const next = attach_another()
      outbox.send('c')
      platform.end_turn()
      expect([socket.sent, next.sent]).toEqual([['lost'], ['a', 'b', 'c']])
      expect([outbox.unsent, outbox.bytes]).toEqual([0, 0])
    })

    it('has lost what it was handed and had not passed on: that is counted once, and waits no more', () => {
      send_with_one_under_way('lost', 'a', 'b')
      expect([outbox.unsent, outbox.bytes]).toEqual([3, 9 + 3])
      expect(outbox.detach()).toBe(1)
      expect([outbox.unsent, outbox.bytes]).toEqual([2, 6])
      expect(outbox.detach()).toBe(0)
    })

    it('has lost nothing where it had passed on everything, or there was none', () => {
      expect(outbox.detach()).toBe(0)
      start_open(1_000)
      outbox.send('a')
      platform.end_turn()
      expect(outbox.detach()).toBe(0)
    })

    it('lets the queue take messages while there is none, within its bound', () => {
      start_open(20)
      outbox.detach()
      expect(['12345678', 'abcdefgh', ''].map(send)).toEqual(['taken', 'taken', 'queue_full'])
      platform.end_turn()
      expect(socket.sent).toEqual([])
      expect(attach_another().sent).toEqual(['12345678', 'abcdefgh'])
      expect(told.filter(entry => entry === 'queue_full')).toHaveLength(1)
      expect(outbox.unsent).toBe(0)
    })

    it('makes room with what it has lost', () => {
      start_open(20)
      socket.takes_writes = false
      send('x'.repeat(18))
      platform.end_turn()
      expect(send('a')).toBe('queue_full')
      outbox.detach()
      expect(send('x'.repeat(18))).toBe('taken')
    })

    it('keeps those who wait waiting until the next one has taken the rest, where nothing is lost', async () => {
      outbox.send('a')
      let is_sent = false
      const all_sent = outbox.wait_until_sent().then(() => {
        is_sent = true
      })
      outbox.detach()
      platform.end_turn()
      await Promise.resolve()
      expect(is_sent).toBe(false)
      attach_another()
      await all_sent
    })

    it('takes the rest over several ports, each message once', () => {
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

  describe('drop', () => {
    it('throws away what waits, and goes on counting it as unsent', () => {
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

    it('counts together what is thrown away at several times', () => {
      for (const text of ['a', 'b']) {
        outbox.send(text)
        outbox.drop()
      }
      expect([outbox.unsent, outbox.bytes]).toEqual([2, 0])
    })

    it('does not tell those who wait that all was sent', async () => {
      outbox.attach(socket)
      outbox.send('a')
      const waiting = outbox.wait_until_sent()
      outbox.drop()
      socket.open()
      platform.end_turn()
      expect(told).toEqual([])
      outbox.end()
      await expect(waiting).rejects.toMatchObject({ code: 'connection_lost' })
      expect(outbox.unsent).toBe(0)
    })
  })

  describe('a budget', () => {
    it('is told of each message that is taken, with its header, and of no other', () => {
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

    it('finds the message counted when it is told of it, and may have it dropped', () => {
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

    it('is told that little waits where the port has taken a full batch', () => {
      const seen: number[] = []
      start(10 * BATCH_BYTES, { budget: { took: () => seen.push(outbox.bytes) } })
      outbox.attach(socket)
      socket.open()
      outbox.send('x'.repeat(BATCH_BYTES))
      expect(seen).toEqual([0])
    })
  })
})

it('counts each of the messages that were framed together, and takes all of them or none', () => {
  const events = { is_in_callback: () => false, queue_became_full: () => {} }
  const outbox = new Outbox({ side: 'server', max_queue: 10 }, node_platform, undefined, events)
  const batch = received_messages(Uint8Array.of(0x81, 1, 0x61, 0x81, 1, 0x62), () => true)
    ?.batch as SharedBatch
  expect([outbox.send(batch, batch.messages), outbox.unsent, outbox.bytes]).toEqual([true, 2, 6])
  expect(outbox.send(batch, batch.messages)).toMatchObject({ code: 'queue_full' })
  expect([outbox.unsent, outbox.bytes]).toEqual([2, 6])
})
