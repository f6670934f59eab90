import { beforeEach, describe, expect, it } from 'vitest'
import { NetError } from '../src/errors.js'
import { Outbox } from '../src/outbox.js'
import { BATCH_BYTES } from '../src/send_queue.js'
import { FakePlatform, FakeSocket } from '../src/testing/index.js'

describe('Outbox', () => {
  let platform: FakePlatform
  let socket: FakeSocket
  let told: string[]
  let outbox: Outbox

  const start = (limit_bytes: number): void => {
    platform = new FakePlatform()
    socket = new FakeSocket()
    told = []
    outbox = new Outbox(limit_bytes, false, platform, {
      queue_became_full: error => told.push(error.code),
      all_sent: () => told.push('all_sent'),
    })
    socket.connect_to({
      socket_opened: () => outbox.flush(),
      socket_drained: () => outbox.drained(),
      socket_message: () => {},
      socket_failed: () => {},
      socket_ending: () => {},
      socket_closed: () => {},
    })
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

  it('writes each full batch when it is together, and the rest at the end of the turn', () => {
    start(10 * BATCH_BYTES)
    outbox.attach(socket)
    socket.open()
    const half = 'x'.repeat(BATCH_BYTES / 2)
    for (let i = 0; i < 5; i += 1) outbox.send(half)
    const written = socket.sent.length
    expect(written).toBeGreaterThanOrEqual(4)
    platform.end_turn()
    expect(socket.sent).toHaveLength(5)
  })

  it('has one batch under way at a time', () => {
    outbox.attach(socket)
    socket.open()
    socket.takes_writes = false
    for (const text of ['a', 'b', 'c']) {
      outbox.send(text)
      platform.end_turn()
    }
    expect(socket.sent).toEqual(['a'])
    socket.drain()
    expect(socket.sent).toEqual(['a', 'b', 'c'])
    expect(outbox.unsent).toBe(2)
    socket.drain()
    expect(outbox.unsent).toBe(0)
  })

  it('returns one and the same error from the time when it was full until it has drained, and tells of it once', () => {
    outbox.attach(socket)
    socket.open()
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
    expect(told).toEqual(['queue_full', 'all_sent'])
    expect(outbox.send('y'.repeat(900))).toBe(true)
  })

  it('throws away what waits at the end, and tells those who wait', async () => {
    outbox.send('a')
    const waiting = outbox.wait_until_sent()
    outbox.end(new NetError('closed', 'no more'))
    await expect(waiting).rejects.toMatchObject({ code: 'closed' })
    expect([outbox.bytes, outbox.unsent]).toEqual([0, 0])
  })
})
