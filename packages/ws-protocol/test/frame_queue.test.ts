import { describe, expect, test } from 'vitest'
import { OPCODE, read_frames } from '../src/frame.js'
import { node_platform } from '../src/node/platform.js'
import type { TextCodec } from '../src/payload.js'
import { portable_text } from '../src/portable_text.js'
import { BATCH_BYTES, type Batch, SendQueue } from '../src/send_queue.js'
import { seeded_random, test_seed } from './seeded_random.js'

const MIB = 1_048_576
/** RFC 6455 §5.2: the header of an unmasked frame of at most 125 bytes, and of one of at most 65,535. */
const [SMALL_HEADER, MEDIUM_HEADER] = [2, 4]
const MASK_KEY = 4

function queue_of(limit_bytes: number, { is_masked = false, text = portable_text } = {}): SendQueue {
  return new SendQueue(limit_bytes, is_masked, text)
}

function take_all(queue: SendQueue): Batch[] {
  const batches: Batch[] = []
  for (let batch = queue.take(); batch !== undefined; batch = queue.take()) batches.push(batch)
  return batches
}

function messages_of(batch: Batch): (string | Uint8Array)[] {
  return [...read_frames(batch.bytes)].map(({ opcode, payload }) =>
    opcode === OPCODE.TEXT ? Buffer.from(payload).toString() : Uint8Array.from(payload),
  )
}

describe('an empty queue', () => {
  test('holds nothing, and gives no batch', () => {
    const queue = queue_of(100)
    expect([queue.bytes, queue.messages, queue.has_full_batch]).toEqual([0, 0, false])
    expect(queue.take()).toBeUndefined()
  })
})

describe('push', () => {
  test.each([
    ['text', 'hello', [0x81, 5, 0x68, 0x65, 0x6c, 0x6c, 0x6f]],
    ['bytes', Uint8Array.of(1, 2, 3), [0x82, 3, 1, 2, 3]],
    ['no text', '', [0x81, 0]],
    ['no bytes', new Uint8Array(0), [0x82, 0]],
    ['Chinese text', '中', [0x81, 3, 0xe4, 0xb8, 0xad]],
    ['a lone surrogate', '\ud800', [0x81, 3, 0xef, 0xbf, 0xbd]],
    ['a part of a buffer', Uint8Array.of(9, 1, 2, 9).subarray(1, 3), [0x82, 2, 1, 2]],
  ])('makes one unmasked frame of %s (RFC 6455 §5.1)', (_, payload, frame) => {
    const queue = queue_of(100)
    expect(queue.push(payload, 0)).toBe('taken')
    expect([queue.bytes, queue.messages]).toEqual([frame.length, 1])
    const batch = queue.take()
    expect([...(batch?.bytes ?? [])]).toEqual(frame)
    expect(batch?.messages).toBe(1)
  })

  test('leaves room for the mask key on a client', () => {
    const queue = queue_of(100, { is_masked: true })
    queue.push('hi', 0)
    expect(queue.bytes).toBe(8)
    expect([...(queue.take()?.bytes ?? [])]).toEqual([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])
  })

  test('copies bytes: changing them afterwards changes nothing', () => {
    const queue = queue_of(MIB)
    const [small, large] = [new Uint8Array(3).fill(1), new Uint8Array(BATCH_BYTES).fill(1)]
    queue.push(small, 0)
    queue.push(large, 0)
    small.fill(9)
    large.fill(9)
    const messages = take_all(queue).flatMap(messages_of)
    expect(messages).toHaveLength(2)
    expect(messages.flatMap(bytes => [...bytes]).every(byte => byte === 1)).toBe(true)
  })

  test('does not change a batch that was taken', () => {
    const queue = queue_of(100)
    queue.push('first', 0)
    const batch = queue.take() as Batch
    queue.push('second', 0)
    expect(messages_of(batch)).toEqual(['first'])
  })
})

describe('the bound', () => {
  test.each([
    ['unmasked', 10, false, SMALL_HEADER],
    ['masked', 10, true, SMALL_HEADER + MASK_KEY],
    ['unmasked', 126, false, MEDIUM_HEADER],
    ['masked', 126, true, MEDIUM_HEADER + MASK_KEY],
    ['unmasked', 65_536, false, 10],
    ['masked', 65_536, true, 10 + MASK_KEY],
  ])('counts the header of a frame that is %s and holds %i bytes', (_, payload_bytes, is_masked, header) => {
    const frame_bytes = header + payload_bytes
    for (const payload of ['x'.repeat(payload_bytes), new Uint8Array(payload_bytes)]) {
      const enough = queue_of(frame_bytes, { is_masked })
      expect(enough.push(payload, 0)).toBe('taken')
      expect(enough.bytes).toBe(frame_bytes)
      expect(queue_of(frame_bytes - 1, { is_masked }).push(payload, 0)).toBe('too_large')
    }
  })

  test('counts bytes of UTF-8, not letters', () => {
    expect(queue_of(8).push('中文', 0)).toBe('taken')
    expect(queue_of(7).push('中文', 0)).toBe('too_large')
  })

  test('counts what was handed on and not taken', () => {
    const queue = queue_of(20)
    expect(queue.push('12345678', 11)).toBe('full')
    expect(queue.push('12345678', 10)).toBe('taken')
    expect(queue.bytes).toBe(10)
  })

  test('returns full for a message that fits an empty queue, and keeps the queue', () => {
    const queue = queue_of(20)
    queue.push('12345678', 0)
    expect(queue.push('123456789', 0)).toBe('full')
    expect([queue.bytes, queue.messages]).toEqual([10, 1])
    expect(take_all(queue).flatMap(messages_of)).toEqual(['12345678'])
  })

  test('returns full for a message that fits but for what is elsewhere', () => {
    expect(queue_of(20).push('x'.repeat(18), 1)).toBe('full')
    expect(queue_of(20).push('x'.repeat(18), 1_000)).toBe('full')
  })

  test('returns too_large for a message that fits never, whatever waits, and keeps the queue', () => {
    const queue = queue_of(20)
    queue.push('1', 0)
    expect(queue.push('x'.repeat(19), 0)).toBe('too_large')
    expect(queue.push('x'.repeat(19), 100)).toBe('too_large')
    expect([queue.bytes, queue.messages]).toEqual([3, 1])
  })

  test('takes a smaller message after it refused a larger one', () => {
    const queue = queue_of(20)
    queue.push('12345678', 0)
    queue.push('123456789', 0)
    expect(queue.push('abcdefgh', 0)).toBe('taken')
    expect(take_all(queue).flatMap(messages_of)).toEqual(['12345678', 'abcdefgh'])
  })

  test('is reached to the last byte, and free again when a batch is taken', () => {
    const queue = queue_of(20)
    for (const text of ['12345678', 'abcdefgh']) queue.push(text, 0)
    expect(queue.bytes).toBe(20)
    expect(queue.push('', 0)).toBe('full')
    queue.take()
    expect(queue.push('x'.repeat(18), 0)).toBe('taken')
  })

  test('counts empty messages too: their headers fill the queue', () => {
    const queue = queue_of(1_000)
    let taken = 0
    while (queue.push('', 0) === 'taken') taken += 1
    expect([taken, queue.bytes, queue.messages]).toEqual([500, 1_000, 500])
  })
})

describe('batches', () => {
  test('pack many messages into one', () => {
    const queue = queue_of(MIB)
    const texts = Array.from({ length: 1_000 }, (_, index) => `message ${index}`)
    for (const text of texts) queue.push(text, 0)
    const batches = take_all(queue)
    expect(batches).toHaveLength(1)
    expect(batches[0]?.messages).toBe(1_000)
    expect(batches.flatMap(messages_of)).toEqual(texts)
  })

  test('keep the order over many of them', () => {
    const queue = queue_of(4 * MIB)
    const texts = Array.from({ length: 2_000 }, (_, index) => `${index} `.padEnd(900 + (index % 200), 'x'))
    for (const text of texts) expect(queue.push(text, 0)).toBe('taken')
    const batches = take_all(queue)
    expect(batches.length).toBeGreaterThan(20)
    expect(batches.flatMap(messages_of)).toEqual(texts)
    expect(batches.every(batch => messages_of(batch).length === batch.messages)).toBe(true)
  })

  test('keep the order when pushed to between takes', () => {
    const queue = queue_of(4 * MIB)
    const texts = Array.from({ length: 600 }, (_, index) => `${index} `.padEnd(1_000, 'x'))
    const read: (string | Uint8Array)[] = []
    for (const [index, text] of texts.entries()) {
      queue.push(text, 0)
      if (index % 100 === 99) read.push(...messages_of(queue.take() as Batch))
    }
    read.push(...take_all(queue).flatMap(messages_of))
    expect(read).toEqual(texts)
  })

  test('hold at most 64 KiB where no message is larger', () => {
    const queue = queue_of(8 * MIB)
    const sizes = [1, 500, 513, 10_000, 32_768, 40_000, 65_532, 65_000, 1_000, 64_000, 65_530, 2]
    for (let round = 0; round < 10; round += 1) {
      for (const size of sizes) queue.push(new Uint8Array(size), 0)
    }
    expect(Math.max(...take_all(queue).map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(BATCH_BYTES)
  })

  test('hold a message larger than 64 KiB alone, between what came before and after', () => {
    const queue = queue_of(MIB)
    const large = 'x'.repeat(200_000)
    for (const payload of ['before', large, 'after']) queue.push(payload, 0)
    expect(take_all(queue).map(messages_of)).toEqual([['before'], [large], ['after']])
  })

  test('are nearly full when many messages wait', () => {
    const queue = queue_of(4 * MIB)
    for (let index = 0; index < 1_000; index += 1) queue.push('x'.repeat(1_000), 0)
    const all = take_all(queue)
    expect(Math.min(...all.slice(0, -1).map(({ bytes }) => bytes.length))).toBeGreaterThan(
      BATCH_BYTES - 1_004,
    )
  })
})

describe('has_full_batch', () => {
  test('is true once a frame brings the batch to 64 KiB, and false when that is taken', () => {
    const queue = queue_of(MIB)
    queue.push(new Uint8Array(BATCH_BYTES - MEDIUM_HEADER - SMALL_HEADER - 1), 0)
    expect(queue.has_full_batch).toBe(false)
    queue.push('x', 0)
    queue.push('', 0)
    expect(queue.has_full_batch).toBe(true)
    queue.take()
    expect(queue.has_full_batch).toBe(false)
  })

  test('is true for a batch of exactly 64 KiB', () => {
    const queue = queue_of(MIB)
    queue.push(new Uint8Array(BATCH_BYTES - MEDIUM_HEADER), 0)
    expect(queue.bytes).toBe(BATCH_BYTES)
    expect(queue.has_full_batch).toBe(true)
  })

  test('is false for a batch of one byte less', () => {
    const queue = queue_of(MIB)
    queue.push(new Uint8Array(BATCH_BYTES - MEDIUM_HEADER - 1), 0)
    expect(queue.has_full_batch).toBe(false)
  })

  test('is true when the next message does not fit the batch', () => {
    const queue = queue_of(MIB)
    queue.push(new Uint8Array(40_000), 0)
    queue.push(new Uint8Array(40_000), 0)
    expect(queue.has_full_batch).toBe(true)
  })
})

describe('the counters', () => {
  test('say what waits after each push and each take, and come back to zero', () => {
    const queue = queue_of(MIB)
    const seen: [number, number][] = []
    const note = () => seen.push([queue.bytes, queue.messages])
    queue.push(new Uint8Array(40_000), 0)
    note()
    queue.push(new Uint8Array(40_000), 0)
    note()
    queue.push('hello', 0)
    note()
    queue.take()
    note()
    queue.take()
    note()
    expect(seen).toEqual([
      [40_004, 1],
      [80_008, 2],
      [80_015, 3],
      [40_011, 2],
      [0, 0],
    ])
    expect(queue.take()).toBeUndefined()
    expect([queue.bytes, queue.messages]).toEqual([0, 0])
  })
})

describe.each([
  ['the text of Node', node_platform.text],
  ['the portable text', portable_text],
] as [string, TextCodec][])('with %s', (_, text) => {
  test.each([
    ['unmasked', false],
    ['masked', true],
  ])(`all random messages come back in order, %s (seed ${test_seed})`, (_name, is_masked) => {
    const random = seeded_random(test_seed)
    const queue = queue_of(300_000, { is_masked, text })
    const pushed: (string | Uint8Array)[] = []
    const read: (string | Uint8Array)[] = []
    const kept: { batch: Batch; copy: Buffer }[] = []
    let refused = 0
    const take = (): void => {
      const batch = queue.take()
      if (batch === undefined) return
      read.push(...messages_of(batch))
      // What is released is written over by what comes next.
      if (random() < 0.5) queue.release(batch)
      else kept.push({ batch, copy: Buffer.from(batch.bytes) })
    }
    for (let step = 0; step < 3_000; step += 1) {
      const payload = random_message(random)
      const elsewhere_bytes = random() < 0.1 ? Math.floor(random() * 300_000) : 0
      const result = queue.push(payload, elsewhere_bytes)
      if (result === 'taken') pushed.push(payload)
      else {
        refused += 1
        take()
      }
      expect(queue.bytes).toBeLessThanOrEqual(300_000)
      if (random() < 0.05) take()
    }
    while (queue.messages > 0) take()
    expect(refused).toBeGreaterThan(0)
    expect(
      kept.findIndex(({ batch, copy }) => !copy.equals(batch.bytes)),
      'batch written over',
    ).toBe(-1)
    expect(read.length).toBe(pushed.length)
    expect(
      pushed.findIndex((payload, index) => !is_same(payload, read[index])),
      'first that differs',
    ).toBe(-1)
    expect([queue.bytes, queue.messages, queue.take()]).toEqual([0, 0, undefined])
  })
})

const LETTERS = ['a', 'é', '中', '😀', '\u0000', '\uffff']

/** Mostly short, now and then longer than a batch; in letters of 1 to 4 bytes of UTF-8. */
function random_message(random: () => number): string | Uint8Array {
  const size = Math.floor(random() ** 6 * 100_000)
  if (random() < 0.5) return new Uint8Array(size).fill(Math.floor(random() * 256))
  const letter = LETTERS[Math.floor(random() * LETTERS.length)] as string
  return letter.repeat(Math.floor(size / Buffer.byteLength(letter)))
}

function is_same(left: string | Uint8Array, right: string | Uint8Array | undefined): boolean {
  if (typeof left === 'string' || typeof right === 'string') return left === right
  return right !== undefined && Buffer.compare(left, right) === 0
}

test.each([100, 1_000, 21_846, 33_000, 70_000])(
  'a full queue of messages of %i bytes takes at most half as much memory again as it counts',
  size => {
    let allocated = 0
    const text: TextCodec = {
      ...portable_text,
      allocate: bytes => {
        allocated += bytes
        return new Uint8Array(bytes)
      },
      release: buffer => {
        allocated -= buffer.length
      },
    }
    const queue = new SendQueue(4_194_304, false, text)
    while (queue.push(new Uint8Array(size), 0) === 'taken');
    expect(allocated / queue.bytes).toBeLessThanOrEqual(1.52)
    expect(queue.bytes).toBeGreaterThan(4_100_000)
  },
)

test('clear throws away what waits', () => {
  const queue = queue_of(1_000_000)
  for (let i = 0; i < 3; i += 1) queue.push('x'.repeat(50_000), 0)
  queue.clear()
  expect([queue.bytes, queue.messages, queue.take()]).toEqual([0, 0, undefined])
})
