import { describe, expect, test } from 'vitest'
import { header_size, OPCODE, read_frames } from '../../src/frames/frame.js'
import { frame_memory } from '../../src/node/memory/frame_memory.js'
import type { FrameBatch } from '../../src/queues/batch.js'
import { BATCH_BYTES } from '../../src/queues/batch.js'
import type { FrameMemory } from '../../src/queues/frame_memory.js'
import { FrameQueue } from '../../src/queues/frame_queue.js'
import { seeded_random, test_seed } from '../seeded_random.js'

/** RFC 6455 §5.2: the header of an unmasked frame of at most 125 bytes, and of one of at most 65,535. */
const [SMALL_HEADER, MEDIUM_HEADER] = [2, 4]

/** Memory that reuses nothing. */
const plain_memory: FrameMemory = {
  allocate: size_bytes => new Uint8Array(size_bytes),
  release: () => {},
  byte_length: text => Buffer.byteLength(text),
  write: (text, target, offset) => new TextEncoder().encodeInto(text, target.subarray(offset)).written,
  write_ascii: (text, target, offset) =>
    Buffer.byteLength(text) === text.length && plain_memory.write(text, target, offset) === text.length,
}

/** A queue that is used as by an outbox. */
class PushedQueue {
  readonly queue: FrameQueue
  readonly #is_masked: boolean
  /** What waits. */
  bytes = 0
  messages = 0

  constructor({ is_masked = false, memory = plain_memory } = {}) {
    this.queue = new FrameQueue(is_masked, memory)
    this.#is_masked = is_masked
  }

  get has_full_batch(): boolean {
    return this.queue.has_full_batch
  }

  push(payload: string | Uint8Array): void {
    const payload_bytes = Buffer.byteLength(payload)
    const frame_bytes = header_size(payload_bytes, this.#is_masked) + payload_bytes
    const taken_bytes = this.queue.push(payload, Number.MAX_SAFE_INTEGER)
    // Calling `expect` for each of thousands of messages would dominate the time of the test.
    if (taken_bytes !== frame_bytes) expect(taken_bytes).toBe(frame_bytes)
    this.bytes += frame_bytes
    this.messages += 1
  }

  take(): FrameBatch | undefined {
    const batch = this.queue.take()
    this.bytes -= batch?.frame_bytes ?? 0
    this.messages -= batch?.messages ?? 0
    return batch
  }

  take_all(): FrameBatch[] {
    const batches: FrameBatch[] = []
    for (let batch = this.take(); batch !== undefined; batch = this.take()) batches.push(batch)
    return batches
  }
}

function messages_of(batch: FrameBatch): (string | Uint8Array)[] {
  return [...read_frames(batch.frames)].map(({ opcode, payload }) =>
    opcode === OPCODE.TEXT ? Buffer.from(payload).toString() : Uint8Array.from(payload),
  )
}

describe('an empty queue', () => {
  test('holds nothing, and returns no batch', () => {
    const queue = new PushedQueue()
    expect([queue.take(), queue.has_full_batch]).toEqual([undefined, false])
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
    const queue = new PushedQueue()
    queue.push(payload)
    const batch = queue.take()
    expect([...(batch?.frames ?? [])]).toEqual(frame)
    expect([batch?.messages, batch?.frame_bytes]).toEqual([1, frame.length])
  })

  test('leaves room for the mask key on a client', () => {
    const queue = new PushedQueue({ is_masked: true })
    queue.push('hi')
    const batch = queue.take()
    expect([...(batch?.frames ?? [])]).toEqual([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])
    expect(batch?.frame_bytes).toBe(8)
  })

  test('copies bytes, so that later changes have no effect', () => {
    const queue = new PushedQueue()
    const [small, large] = [new Uint8Array(3).fill(1), new Uint8Array(BATCH_BYTES).fill(1)]
    queue.push(small)
    queue.push(large)
    small.fill(9)
    large.fill(9)
    const messages = queue.take_all().flatMap(messages_of)
    expect(messages).toHaveLength(2)
    expect(messages.flatMap(bytes => [...bytes]).every(byte => byte === 1)).toBe(true)
  })

  test('does not change a batch once it is taken', () => {
    const queue = new PushedQueue()
    queue.push('first')
    const batch = queue.take() as FrameBatch
    queue.push('second')
    expect(messages_of(batch)).toEqual(['first'])
  })
})

describe('batches', () => {
  test('pack many messages into one', () => {
    const queue = new PushedQueue()
    const texts = Array.from({ length: 1_000 }, (_, index) => `message ${index}`)
    for (const text of texts) queue.push(text)
    const batches = queue.take_all()
    expect(batches).toHaveLength(1)
    expect(batches[0]?.messages).toBe(1_000)
    expect(batches.flatMap(messages_of)).toEqual(texts)
  })

  test('keep the order of many messages', () => {
    const queue = new PushedQueue()
    const texts = Array.from({ length: 2_000 }, (_, index) => `${index} `.padEnd(900 + (index % 200), 'x'))
    for (const text of texts) queue.push(text)
    const batches = queue.take_all()
    expect(batches.length).toBeGreaterThan(20)
    expect(batches.flatMap(messages_of)).toEqual(texts)
    expect(batches.every(batch => messages_of(batch).length === batch.messages)).toBe(true)
  })

  test('keep the order when pushed to between takes', () => {
    const queue = new PushedQueue()
    const texts = Array.from({ length: 600 }, (_, index) => `${index} `.padEnd(1_000, 'x'))
    const read: (string | Uint8Array)[] = []
    for (const [index, text] of texts.entries()) {
      queue.push(text)
      if (index % 100 === 99) read.push(...messages_of(queue.take() as FrameBatch))
    }
    read.push(...queue.take_all().flatMap(messages_of))
    expect(read).toEqual(texts)
  })

  test('hold at most 64 KiB if no message is larger', () => {
    const queue = new PushedQueue()
    const sizes = [1, 500, 513, 10_000, 32_768, 40_000, 65_532, 65_000, 1_000, 64_000, 65_530, 2]
    for (let round = 0; round < 10; round += 1) {
      for (const size of sizes) queue.push(new Uint8Array(size))
    }
    expect(Math.max(...queue.take_all().map(({ frames }) => frames.length))).toBeLessThanOrEqual(BATCH_BYTES)
  })

  test('hold a message larger than 64 KiB alone, between earlier and later ones', () => {
    const queue = new PushedQueue()
    const large = 'x'.repeat(200_000)
    for (const payload of ['before', large, 'after']) queue.push(payload)
    expect(queue.take_all().map(messages_of)).toEqual([['before'], [large], ['after']])
  })

  test('are nearly full if many messages are queued', () => {
    const queue = new PushedQueue()
    for (let index = 0; index < 1_000; index += 1) queue.push('x'.repeat(1_000))
    const all = queue.take_all()
    expect(Math.min(...all.slice(0, -1).map(({ frames }) => frames.length))).toBeGreaterThan(
      BATCH_BYTES - 1_004,
    )
  })
})

describe('the room that push is given', () => {
  test.each([
    ['bytes', new Uint8Array(100), 102],
    ['text', 'x'.repeat(100), 102],
    ['text of two bytes a letter', 'é'.repeat(100), 204],
    ['text of three bytes a letter', '中'.repeat(100), 304],
    ['text of four bytes a letter', '😀'.repeat(100), 404],
    ['a lone surrogate', '\ud800', 5],
  ])(
    'is enough for %s if it is the size of the frame, and one byte less is not',
    (_, payload, frame_bytes) => {
      const queue = new FrameQueue(false, plain_memory)
      expect([queue.push(payload, frame_bytes - 1), queue.take()]).toEqual([frame_bytes, undefined])
      expect(queue.push(payload, frame_bytes)).toBe(frame_bytes)
      expect(queue.take()?.frame_bytes).toBe(frame_bytes)
    },
  )
})

describe('the header of text', () => {
  test.each([
    ['é', 62],
    ['é', 63],
    ['中', 41],
    ['中', 42],
    ['中', 125],
    ['😀', 31],
    ['😀', 32],
    ['é', 32_767],
    ['é', 32_768],
    ['中', 21_845],
    ['中', 21_846],
    ['中', 65_535],
  ])('is right for text with a %s, %i times, that takes more bytes than UTF-16 units', (letter, count) => {
    for (const is_masked of [false, true]) {
      const queue = new PushedQueue({ is_masked })
      for (const payload of ['before', letter.repeat(count), 'after']) queue.push(payload)
      expect(queue.take_all().flatMap(messages_of)).toEqual(['before', letter.repeat(count), 'after'])
    }
  })
})

describe('has_full_batch', () => {
  test('is true once a frame fills the batch to 64 KiB, and false when it is taken', () => {
    const queue = new PushedQueue()
    queue.push(new Uint8Array(BATCH_BYTES - MEDIUM_HEADER - SMALL_HEADER - 1))
    expect(queue.has_full_batch).toBe(false)
    queue.push('x')
    queue.push('')
    expect(queue.has_full_batch).toBe(true)
    queue.take()
    expect(queue.has_full_batch).toBe(false)
  })

  test('is true for a batch of exactly 64 KiB', () => {
    const queue = new PushedQueue()
    queue.push(new Uint8Array(BATCH_BYTES - MEDIUM_HEADER))
    expect(queue.bytes).toBe(BATCH_BYTES)
    expect(queue.has_full_batch).toBe(true)
  })

  test('is false for a batch of one byte less', () => {
    const queue = new PushedQueue()
    queue.push(new Uint8Array(BATCH_BYTES - MEDIUM_HEADER - 1))
    expect(queue.has_full_batch).toBe(false)
  })

  test('is true when the next message does not fit into the batch', () => {
    const queue = new PushedQueue()
    queue.push(new Uint8Array(40_000))
    queue.push(new Uint8Array(40_000))
    expect(queue.has_full_batch).toBe(true)
  })
})

describe('the counters of a batch', () => {
  test('describe its content, and add up to all pushed messages', () => {
    const queue = new PushedQueue()
    for (const payload of [new Uint8Array(40_000), new Uint8Array(40_000), 'hello']) queue.push(payload)
    expect(
      queue.take_all().map(({ messages, frame_bytes, frames }) => [messages, frame_bytes, frames.length]),
    ).toEqual([
      [1, 40_004, 40_004],
      [2, 40_011, 40_011],
    ])
    expect([queue.bytes, queue.messages, queue.take()]).toEqual([0, 0, undefined])
  })
})

describe('the memory', () => {
  /** Records the buffers in use, and allocates larger ones than requested. */
  function watched_memory(extra_bytes = 0) {
    const out = new Set<Uint8Array>()
    const memory: FrameMemory = {
      ...plain_memory,
      allocate: size_bytes => {
        const buffer = new Uint8Array(size_bytes + extra_bytes).fill(0xee)
        out.add(buffer)
        return buffer
      },
      release: buffer => {
        if (!out.delete(buffer)) throw new Error('released what was not out')
        // Overwriting reveals a use after release.
        buffer.fill(0xdd)
      },
    }
    return { memory, out }
  }

  test('of a batch is one buffer, and the only one in use once it is taken', () => {
    const { memory, out } = watched_memory()
    const queue = new PushedQueue({ memory })
    for (let index = 0; index < 100; index += 1) queue.push(`message ${index}`)
    const batch = queue.take() as FrameBatch
    expect(Array.from(out, buffer => buffer.buffer)).toEqual([batch.frames.buffer])
    expect(messages_of(batch)).toEqual(Array.from({ length: 100 }, (_, index) => `message ${index}`))
  })

  test('of queued batches is one buffer for each', () => {
    const { memory, out } = watched_memory()
    const queue = new PushedQueue({ memory })
    for (let index = 0; index < 300; index += 1) queue.push('x'.repeat(1_000))
    const batches = queue.take_all()
    expect(batches.length).toBeGreaterThan(3)
    expect(new Set(batches.map(({ frames }) => frames.buffer))).toEqual(
      new Set(Array.from(out, buffer => buffer.buffer)),
    )
  })

  test('may be larger than requested, and is used to its end', () => {
    const { memory, out } = watched_memory(1_000)
    const queue = new PushedQueue({ memory })
    queue.push('first')
    queue.push('x'.repeat(1_400))
    expect(out.size).toBe(1)
    expect(queue.take_all().map(messages_of)).toEqual([['first', 'x'.repeat(1_400)]])
  })

  test.each([100, 1_000, 21_846, 33_000, 70_000])(
    'of a queue full of messages of %i bytes is at most one and a half times their size',
    size => {
      const { memory, out } = watched_memory()
      const queue = new PushedQueue({ memory })
      while (queue.bytes < 4_194_304) queue.push(new Uint8Array(size))
      const allocated = [...out].reduce((sum, buffer) => sum + buffer.length, 0)
      expect(allocated / queue.bytes).toBeLessThanOrEqual(1.52)
    },
  )

  test('is allocated once for messages that fit together into 512 bytes', () => {
    const { memory, out } = watched_memory()
    const queue = new PushedQueue({ memory })
    queue.push('first')
    const [first] = out
    while (queue.bytes < 500) queue.push('hello')
    expect(queue.take()?.frames.buffer).toBe(first?.buffer)
    expect(out.size).toBe(1)
  })

  test('of a long text that was tried as ASCII in vain is released', () => {
    const { memory, out } = watched_memory()
    const queue = new PushedQueue({ memory })
    const text = `${'x'.repeat(100_000)}é`
    queue.push(text)
    const batch = queue.take() as FrameBatch
    expect(Array.from(out, buffer => buffer.buffer)).toEqual([batch.frames.buffer])
    expect(messages_of(batch)).toEqual([text])
  })

  test.each([
    ['first', []],
    ['behind another message', ['before']],
  ])('of a long text that was tried as ASCII in vain makes no empty batch, %s', (_, before) => {
    for (const size of [4_096, 20_000, 33_000, 70_000]) {
      const queue = new PushedQueue()
      const texts = [...before, `${'x'.repeat(size)}é`, 'x'.repeat(size), `${'x'.repeat(size)}中`]
      for (const text of texts) queue.push(text)
      const batches = queue.take_all()
      expect(batches.flatMap(messages_of)).toEqual(texts)
      expect(batches.filter(({ frame_bytes }) => frame_bytes === 0)).toEqual([])
    }
  })

  test('for one small message is no more than 512 bytes', () => {
    const { memory } = watched_memory()
    const queue = new PushedQueue({ memory })
    queue.push('hi')
    expect(queue.take()?.frames.buffer.byteLength).toBeLessThanOrEqual(512)
  })
})

describe.each([
  ['the memory of Node', frame_memory],
  ['plain memory', plain_memory],
] as [string, FrameMemory][])('with %s', (_, memory) => {
  test.each([
    ['unmasked', false],
    ['masked', true],
  ])(`random messages are returned in order, %s (seed ${test_seed})`, (_name, is_masked) => {
    const random = seeded_random(test_seed)
    const queue = new PushedQueue({ is_masked, memory })
    const pushed: (string | Uint8Array)[] = []
    const read: (string | Uint8Array)[] = []
    const kept: { batch: FrameBatch; copy: Buffer }[] = []
    const take = (): void => {
      const batch = queue.take()
      if (batch === undefined) return
      const messages = messages_of(batch)
      expect([batch.messages, batch.frame_bytes]).toEqual([messages.length, batch.frames.length])
      read.push(...messages)
      // Later frames overwrite released memory.
      if (random() < 0.5) batch.release()
      else kept.push({ batch, copy: Buffer.from(batch.frames) })
    }
    for (let step = 0; step < 3_000; step += 1) {
      const payload = random_message(random)
      queue.push(payload)
      pushed.push(payload)
      while (queue.bytes > 300_000) take()
      if (random() < 0.05) take()
    }
    while (queue.messages > 0) take()
    expect(kept.length).toBeGreaterThan(0)
    expect(
      kept.findIndex(({ batch, copy }) => !copy.equals(batch.frames)),
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

/** Returns text that is mostly short, sometimes longer than a batch, of characters of 1 to 4 bytes. */
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
