import { isUtf8 } from 'node:buffer'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeEach, describe, expect, test } from 'vitest'
import { OPCODE, read_frames } from '../../src/frames/frame.js'
import type { FrameBatch } from '../../src/queues/batch.js'
import { BATCH_BYTES } from '../../src/queues/batch.js'
import type { FrameMemory } from '../../src/queues/frame_memory.js'
import { FrameQueue } from '../../src/queues/frame_queue.js'
import {
  received_messages,
  type SharedBatch,
  SharedFrames,
  TurnFramer,
} from '../../src/queues/shared_frames.js'
import { FakePlatform } from '../../src/testing/index.js'

const ROOM = Number.MAX_SAFE_INTEGER

/** Memory that records the buffers in use, and overwrites released ones to reveal a use after release. */
class WatchedMemory implements FrameMemory {
  readonly out = new Set<Uint8Array>()

  allocate(size_bytes: number): Uint8Array {
    const buffer = new Uint8Array(size_bytes).fill(0xee)
    this.out.add(buffer)
    return buffer
  }
  release(buffer: Uint8Array): void {
    if (!this.out.delete(buffer)) throw new Error('released what was not out')
    buffer.fill(0xdd)
  }
  byte_length(text: string): number {
    return Buffer.byteLength(text)
  }
  write(text: string, target: Uint8Array, offset: number): number {
    return new TextEncoder().encodeInto(text, target.subarray(offset)).written
  }
  write_ascii(): boolean {
    return false
  }
}

let platform: FakePlatform
let memory: WatchedMemory
let framer: TurnFramer

beforeEach(() => {
  platform = new FakePlatform()
  memory = new WatchedMemory()
  framer = new TurnFramer(memory, task => platform.soon(task))
})

function messages_of({ frames }: FrameBatch): (string | number[])[] {
  return Array.from(read_frames(frames), ({ opcode, payload }) =>
    opcode === OPCODE.TEXT ? Buffer.from(payload).toString() : [...payload],
  )
}

function queues(count: number): FrameQueue[] {
  return Array.from({ length: count }, () => new FrameQueue(false, memory))
}

function broadcast(to: readonly FrameQueue[], ...payloads: (string | Uint8Array)[]): void {
  for (const payload of payloads) {
    const frame = framer.frame(payload)
    for (const queue of to) expect(queue.push(frame, frame.frame_bytes)).toBe(frame.frame_bytes)
  }
}

describe('the messages broadcast in one turn', () => {
  test('are one batch for each queue, and the same bytes for all of them', () => {
    const all = queues(3)
    broadcast(all, 'hello', '中文', Uint8Array.of(1, 2), '')
    const batches = all.map(queue => queue.take() as FrameBatch)
    expect(batches.map(messages_of)).toEqual(Array(3).fill(['hello', '中文', [1, 2], '']))
    expect(batches.map(({ messages, frame_bytes }) => [messages, frame_bytes])).toEqual(
      Array(3).fill([4, 21]),
    )
    expect(new Set(batches.map(({ frames }) => frames)).size).toBe(1)
    expect(memory.out.size).toBe(1)
  })

  test('keep their order with messages for one queue, and are still one batch', () => {
    const [one, other] = queues(2) as [FrameQueue, FrameQueue]
    one.push('mine', ROOM)
    broadcast([one, other], 'a', 'b')
    one.push('mine too', ROOM)
    broadcast([one, other], 'c')
    broadcast([other], 'not for one')
    broadcast([one, other], 'd')
    expect(messages_of(one.take() as FrameBatch)).toEqual(['mine', 'a', 'b', 'mine too', 'c', 'd'])
    expect(messages_of(other.take() as FrameBatch)).toEqual(['a', 'b', 'c', 'not for one', 'd'])
    expect([one.take(), other.take()]).toEqual([undefined, undefined])
  })

  test('are split into batches of about 64 KiB, in order for each queue', () => {
    const all = queues(2)
    const texts = Array.from({ length: 3_000 }, (_, index) => `${index} `.padEnd(100, 'x'))
    broadcast(all, ...texts)
    for (const queue of all) {
      expect(queue.has_full_batch).toBe(true)
      const read: unknown[] = []
      for (let batch = queue.take(); batch !== undefined; batch = queue.take()) {
        expect(batch.frame_bytes).toBeLessThanOrEqual(BATCH_BYTES + 104)
        read.push(...messages_of(batch))
      }
      expect(read).toEqual(texts)
    }
  })

  test('may be larger than a batch', () => {
    const [queue] = queues(1) as [FrameQueue]
    broadcast([queue], 'before', 'x'.repeat(200_000), 'after')
    const batches = [queue.take(), queue.take(), queue.take()].filter(batch => batch !== undefined)
    expect(batches.flatMap(messages_of)).toEqual(['before', 'x'.repeat(200_000), 'after'])
  })

  test('can be followed by others after a queue has taken some of them', () => {
    const [quick, slow] = queues(2) as [FrameQueue, FrameQueue]
    broadcast([quick, slow], 'a', 'b')
    const first = quick.take() as FrameBatch
    broadcast([quick, slow], 'c'.repeat(5_000))
    expect(messages_of(first)).toEqual(['a', 'b'])
    expect(messages_of(quick.take() as FrameBatch)).toEqual(['c'.repeat(5_000)])
    expect(messages_of(slow.take() as FrameBatch)).toEqual(['a', 'b', 'c'.repeat(5_000)])
  })
})

describe('the memory of broadcast messages', () => {
  test('is released after the end of the turn and the release by the last queue', () => {
    const all = queues(2)
    broadcast(all, 'hello')
    const [first, second] = all.map(queue => queue.take() as FrameBatch) as [FrameBatch, FrameBatch]
    first.release()
    second.release()
    expect(memory.out.size).toBe(1)
    broadcast(all, 'in the same turn')
    platform.end_turn()
    expect(memory.out.size).toBe(1)
    for (const queue of all) queue.take()?.release()
    expect(memory.out.size).toBe(0)
  })

  test('is kept for a slow queue during further broadcasts', () => {
    const [quick, slow] = queues(2) as [FrameQueue, FrameQueue]
    const texts = Array.from({ length: 50 }, (_, index) => `turn ${index}`)
    for (const text of texts) {
      broadcast([quick, slow], text)
      platform.end_turn()
      quick.take()?.release()
    }
    expect(messages_of(slow.take() as FrameBatch)).toEqual(texts)
  })

  test('is new in the next turn', () => {
    const [queue] = queues(1) as [FrameQueue]
    broadcast([queue], 'first')
    platform.end_turn()
    const held = queue.take() as FrameBatch
    broadcast([queue], 'second')
    expect([messages_of(held), messages_of(queue.take() as FrameBatch)]).toEqual([['first'], ['second']])
  })

  test('is not copied for slow queues', () => {
    const all = queues(100)
    broadcast(all, 'x'.repeat(60_000))
    platform.end_turn()
    const out_bytes = [...memory.out].reduce((sum, { length }) => sum + length, 0)
    expect(out_bytes).toBeLessThan(70_000)
  })
})

test('a queue does not add shared frames without room for them', () => {
  const [queue] = queues(1) as [FrameQueue]
  expect([queue.push(framer.frame('hello'), 6), queue.take()]).toEqual([7, undefined])
})

test('only a message that follows in the same buffer is joined, once for all queues', () => {
  const frames = new SharedFrames(memory)
  const [a, b, c] = [frames.add('a'), frames.add(Uint8Array.of(7)), frames.add('c')]
  expect([...a.frames, ...b.frames]).toEqual([0x81, 1, 0x61, 0x82, 1, 7])
  const joined = a.joined_by(b)
  expect([joined?.messages, joined?.frame_bytes]).toEqual([2, 6])
  expect([...(joined?.frames ?? [])]).toEqual([0x81, 1, 0x61, 0x82, 1, 7])
  expect(a.joined_by(b)).toBe(joined)
  expect(joined?.joined_by(c)?.messages).toBe(3)
  expect([a.joined_by(c), b.joined_by(a), a.joined_by(new SharedFrames(memory).add('b'))]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test('a slow queue takes little more memory than it counts, however small the messages are', () => {
  const [slow] = queues(1) as [FrameQueue]
  for (let turn = 0; turn < 10_000; turn += 1) {
    broadcast([slow], '0123456789')
    platform.end_turn()
  }
  const held_bytes = Array.from(memory.out, ({ length }) => length).reduce((sum, bytes) => sum + bytes, 0)
  expect(held_bytes).toBeLessThan(2 * 10_000 * 12 + BATCH_BYTES)
})

/** Returns the size of all buffers in use. */
function held_bytes(): number {
  setFlagsFromString('--expose-gc')
  for (let round = 0; round < 2; round += 1) runInNewContext('gc')()
  return process.memoryUsage().arrayBuffers
}

test.each([2_048, 10_000, 32_000])(
  'a slow queue takes at most about twice the memory that it counts, even if its messages of %i bytes are among many for others',
  size_bytes => {
    const plain = Object.assign(new WatchedMemory(), {
      allocate: (bytes: number) => new Uint8Array(bytes),
      release: () => {},
    })
    const slow = new FrameQueue(false, plain)
    const framer = new TurnFramer(plain, task => platform.soon(task))
    const before_bytes = held_bytes()
    const turns = 1_000
    for (let turn = 0; turn < turns; turn += 1) {
      for (let others = 0; others < 4; others += 1) framer.frame('y'.repeat(7_000))
      slow.push(framer.frame('x'.repeat(size_bytes)), ROOM)
      platform.end_turn()
    }
    // Until a whole batch is queued, each message may keep the buffer of its turn.
    const first_bytes = Math.ceil(BATCH_BYTES / size_bytes) * BATCH_BYTES
    expect(held_bytes() - before_bytes).toBeLessThan(2 * turns * size_bytes + first_bytes + 2 * BATCH_BYTES)
    expect(slow.has_full_batch).toBe(true)
  },
)

describe('frames from another server', () => {
  const head = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)

  const received_batch = (bytes: Uint8Array) => received_messages(bytes, isUtf8)?.batch

  /** Frames with lengths of every form. */
  function framed(...payloads: (string | Uint8Array)[]): Uint8Array {
    const frames = new SharedFrames(memory)
    const batches = payloads.map(payload => frames.add(payload))
    return Uint8Array.from(batches.flatMap(batch => [...batch.frames]))
  }

  test('are a batch of views that can be split into its messages', () => {
    const payloads = ['', 'x'.repeat(125), 'y'.repeat(126), Uint8Array.of(1, 2), 'z'.repeat(65_536)]
    const bytes = framed(...payloads)
    const batch = received_batch(bytes) as SharedBatch
    expect([batch.messages, batch.frame_bytes]).toEqual([5, bytes.length])
    expect(batch.frames.buffer).toBe(bytes.buffer)
    const parts = [...batch.parts()]
    expect(parts.map(({ messages }) => messages)).toEqual([1, 1, 1, 1, 1])
    expect(parts.flatMap(messages_of)).toEqual([
      '',
      'x'.repeat(125),
      'y'.repeat(126),
      [1, 2],
      'z'.repeat(65_536),
    ])
    expect(parts.reduce((sum, { frame_bytes }) => sum + frame_bytes, 0)).toBe(bytes.length)
  })

  test('are added to a queue with all their messages, at once or behind others', () => {
    const batch = received_batch(framed('a', 'b')) as SharedBatch
    const [empty, waiting] = queues(2) as [FrameQueue, FrameQueue]
    waiting.push('first', ROOM)
    for (const queue of [empty, waiting]) expect(queue.push(batch, ROOM)).toBe(6)
    const [alone, behind] = [empty.take(), waiting.take()] as [FrameBatch, FrameBatch]
    expect([alone.messages, messages_of(alone)]).toEqual([2, ['a', 'b']])
    expect([behind.messages, messages_of(behind)]).toEqual([3, ['first', 'a', 'b']])
    alone.release()
    expect(messages_of(alone)).toEqual(['a', 'b'])
  })

  test.each([
    ['nothing', head()],
    ['half a header', head(0x81)],
    ['a length that is cut off', head(0x81, 126, 0)],
    ['a long length that is cut off', head(0x81, 127, 0, 0, 0, 0, 0, 0, 0)],
    ['a payload that is cut off', head(0x81, 2, 0x61)],
    ['a length beyond all bounds', head(0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255)],
    ['a short length in 2 bytes', head(0x81, 126, 0, 1, 0x61)],
    ['a short length in 8 bytes', head(0x81, 127, 0, 0, 0, 0, 0, 0, 0, 1, 0x61)],
    [
      'a medium length in 8 bytes',
      Uint8Array.from([0x82, 127, 0, 0, 0, 0, 0, 0, 1, 0, ...Array(256).fill(0)]),
    ],
    ['a masked frame', head(0x81, 0x81, 1, 2, 3, 4, 5)],
    ['a fragment', head(0x01, 1, 0x61)],
    ['a continuation', head(0x80, 1, 0x61)],
    ['a compressed frame', head(0xc1, 1, 0x61)],
    ['a ping', head(0x89, 0)],
    ['a Close', head(0x88, 2, 0x03, 0xe8)],
    ['a frame behind which there is something else', head(0x81, 1, 0x61, 7)],
  ])('are rejected if they are %s', (_, bytes) => {
    expect(received_messages(bytes, isUtf8)).toBeUndefined()
  })

  test.each([
    ['the first', [[0xff], 'b', 'c'], ['b', 'c']],
    ['one in the middle', ['a', [0xc3], Uint8Array.of(0xff), 'c'], ['a', [0xff], 'c']],
    ['the last', ['a', 'b', [0xed, 0xa0, 0x80]], ['a', 'b']],
    ['several', [[0xff], 'a', [0xff], [0xff], 'b', [0xff]], ['a', 'b']],
    ['all', [[0xff], [0xc0, 0x80]], undefined],
  ])('leave out %s if it is text but not UTF-8', (_, payloads, left) => {
    const text = (bytes: readonly number[]) => [0x81, bytes.length, ...bytes]
    const bytes = payloads.flatMap(payload => (Array.isArray(payload) ? text(payload) : [...framed(payload)]))
    const received = received_messages(Uint8Array.from(bytes), isUtf8)
    expect(received?.not_utf8).toBe(payloads.filter(Array.isArray).length)
    expect(received?.batch?.messages).toBe(left?.length)
    expect(received?.batch && [...received.batch.parts()].flatMap(messages_of)).toEqual(left)
  })

  test('are a view of the received bytes at any offset', () => {
    const bytes = Uint8Array.from([9, 9, ...framed('a', 'b')])
    const batch = received_batch(bytes.subarray(2)) as SharedBatch
    expect([...batch.parts()].flatMap(messages_of)).toEqual(['a', 'b'])
  })
})
