import { describe, expect, test } from 'vitest'
import type { SocketEvents } from '../../src/connection/socket_port.js'
import { NetError } from '../../src/errors/errors.js'
import { type MessageBatch, MessageQueue } from '../../src/queues/message_queue.js'
import { FakeSocket } from '../../src/testing/fake_socket.js'

/** Records the events of a socket. */
class RecordedSocketEvents implements SocketEvents {
  readonly inbox = { bytes: 0 }
  readonly log: unknown[][] = []
  shed(): boolean {
    return false
  }
  close(): true {
    return true
  }
  socket_opened(): void {
    this.log.push(['opened'])
  }
  socket_message(data: string | Uint8Array, payload_bytes: number): void {
    this.log.push(['message', data, payload_bytes])
  }
  socket_drained(): void {
    this.log.push(['drained'])
  }
  socket_failed(error: NetError, code: number): void {
    this.log.push(['failed', error, code])
  }
  socket_ending(): void {
    this.log.push(['ending'])
  }
  socket_closed(code: number, reason: string, error?: NetError): void {
    this.log.push(['closed', code, reason, error])
  }
}

function connected(): { socket: FakeSocket; log: unknown[][] } {
  const socket = new FakeSocket()
  const recorded = new RecordedSocketEvents()
  socket.connect_to(recorded)
  return { socket, log: recorded.log }
}

function batch_of(messages: readonly (string | Uint8Array)[]): MessageBatch {
  const queue = new MessageQueue(false)
  for (const message of messages) queue.push(message, Number.MAX_SAFE_INTEGER)
  return queue.take() as MessageBatch
}

describe('a call of a FakeSocket', () => {
  test('is recorded in order, with its arguments', () => {
    const { socket } = connected()
    socket.open()
    socket.pause()
    socket.write(batch_of(['a', 'b']))
    socket.resume()
    socket.ping()
    socket.close(1000, 'bye')
    socket.terminate()
    expect(socket.calls).toEqual([
      { call: 'pause' },
      { call: 'write', messages: ['a', 'b'] },
      { call: 'resume' },
      { call: 'ping' },
      { call: 'close', code: 1000, reason: 'bye' },
      { call: 'terminate' },
    ])
    expect(socket.call_names).toEqual(['pause', 'write', 'resume', 'ping', 'close', 'terminate'])
  })

  test('raises no event', () => {
    const { socket, log } = connected()
    socket.write(batch_of(['a']))
    socket.close(1000, '')
    socket.terminate()
    socket.ping()
    socket.pause()
    socket.resume()
    expect(log).toEqual([])
  })
})

describe('a written message', () => {
  test('is recorded unchanged', () => {
    const { socket } = connected()
    const messages = ['', 'text', '中文 😀 %41 é \ud800', Uint8Array.of(), Uint8Array.of(0, 255, 0x25)]
    socket.write(batch_of(messages))
    expect(socket.sent).toEqual(messages)
  })

  test('is in `sent` with those of all writes', () => {
    const { socket } = connected()
    expect(socket.sent).toEqual([])
    socket.write(batch_of(['a', 'b']))
    socket.pause()
    socket.write(batch_of(['c']))
    expect(socket.sent).toEqual(['a', 'b', 'c'])
  })

  test('is taken at once by default', () => {
    const { socket } = connected()
    socket.open()
    socket.write(batch_of(['hello']))
    expect([socket.buffered_bytes, socket.unsent, socket.takes_batch]).toEqual([0, 0, true])
  })

  test('counts as unsent, in bytes with headers and in messages, while the network takes nothing', () => {
    const { socket, log } = connected()
    socket.open()
    socket.takes_writes = false
    socket.write(batch_of(['hello', '中']))
    expect([socket.buffered_bytes, socket.unsent, socket.takes_batch]).toEqual([12, 2, false])
    expect(log).toEqual([['opened']])
    socket.drain()
    expect([socket.buffered_bytes, socket.unsent, socket.takes_batch]).toEqual([0, 0, true])
    expect(log).toEqual([['opened'], ['drained']])
  })

  test('has been taken when the connection is log so', () => {
    const socket = new FakeSocket()
    const seen: unknown[] = []
    const recorded = new RecordedSocketEvents()
    recorded.socket_drained = () => seen.push(socket.buffered_bytes, socket.unsent, socket.takes_batch)
    socket.connect_to(recorded)
    socket.open()
    socket.takes_writes = false
    socket.write(batch_of(['a']))
    socket.drain()
    expect(seen).toEqual([0, 0, true])
  })

  test('stays unsent if the socket ends before the network has taken it', () => {
    const { socket } = connected()
    socket.open()
    socket.takes_writes = false
    socket.write(batch_of(['a', 'b']))
    socket.end(1006)
    expect([socket.unsent, socket.takes_batch]).toEqual([2, false])
  })
})

describe('is_writable', () => {
  test.each([
    ['false before it opens', () => {}, false],
    ['true once it is open', (socket: FakeSocket) => socket.open(), true],
    ['true while reading is paused', (socket: FakeSocket) => [socket.open(), socket.pause()], true],
    [
      'true while the network takes nothing',
      (socket: FakeSocket) => {
        socket.open()
        socket.takes_writes = false
        socket.write(batch_of(['a']))
      },
      true,
    ],
    ['false once it is closing', (socket: FakeSocket) => [socket.open(), socket.close(1000, '')], false],
    ['false once it is terminated', (socket: FakeSocket) => [socket.open(), socket.terminate()], false],
    [
      'false once the peer’s Close has arrived',
      (socket: FakeSocket) => [socket.open(), socket.receive_close()],
      false,
    ],
    [
      'false once the peer has ended its side',
      (socket: FakeSocket) => [socket.open(), socket.half_close()],
      false,
    ],
    ['false once it has ended', (socket: FakeSocket) => [socket.open(), socket.end(1006)], false],
  ])('is %s', (_, play, is_writable) => {
    const { socket } = connected()
    play(socket)
    expect(socket.is_writable).toBe(is_writable)
    expect(socket.takes_batch).toBe(is_writable && socket.unsent === 0)
  })
})

describe('signs of life', () => {
  test.each<[string, boolean, (socket: FakeSocket) => void]>([
    ['a pong', true, socket => socket.pong()],
    ['a message', true, socket => socket.receive('a')],
    ['that what was written is taken', true, socket => socket.drain()],
    ['that it is written to', false, socket => socket.write(batch_of(['a']))],
    ['that it is pinged', false, socket => socket.ping()],
    ['that reading stops', false, socket => [socket.pause(), socket.resume()]],
    ['that they are asked for', false, socket => socket.signs_of_life()],
  ])('%s counts as one: %s', (_, is_one, play) => {
    const { socket } = connected()
    socket.open()
    const before = socket.signs_of_life()
    play(socket)
    expect(socket.signs_of_life() !== before).toBe(is_one)
  })

  test('a pong raises no event', () => {
    const { socket, log } = connected()
    socket.pong()
    expect(log).toEqual([])
  })
})

describe('an event that a test raises', () => {
  const error = new NetError('protocol_error', 'broken')
  test.each<[string, (socket: FakeSocket) => void, unknown[]]>([
    ['open', socket => socket.open(), ['opened']],
    ['receive text', socket => socket.receive('hello'), ['message', 'hello', 5]],
    ['receive bytes', socket => socket.receive(Uint8Array.of(1, 2)), ['message', Uint8Array.of(1, 2), 2]],
    ['drain', socket => socket.drain(), ['drained']],
    ['fail', socket => socket.fail(error, 1002), ['failed', error, 1002]],
    ['half close', socket => socket.half_close(), ['ending']],
    ['receive a Close', socket => socket.receive_close(), ['ending']],
    ['end', socket => socket.end(1000, 'bye'), ['closed', 1000, 'bye', undefined]],
    ['end without a reason', socket => socket.end(1006), ['closed', 1006, '', undefined]],
    ['end with an error', socket => socket.end(1006, '', error), ['closed', 1006, '', error]],
  ])('reaches the connection: %s', (_, play, expected) => {
    const { socket, log } = connected()
    play(socket)
    expect(log).toEqual([expected])
    expect(socket.calls).toEqual([])
  })

  test('requires connect_to', () => {
    expect(() => new FakeSocket().open()).toThrow('connect_to comes first')
  })
})

test('a message is log with the bytes it takes on the wire', () => {
  const socket = new FakeSocket()
  const sizes: number[] = []
  const recorded = new RecordedSocketEvents()
  recorded.socket_message = (_data, payload_bytes) => sizes.push(payload_bytes)
  socket.connect_to(recorded)
  socket.receive('中文')
  socket.receive(new Uint8Array(3))
  expect(sizes).toEqual([6, 3])
})
