import { describe, expect, it } from 'vitest'
import { OPCODE, read_frames } from '../../src/frames/frame.js'
import { frame_memory } from '../../src/node/memory/frame_memory.js'
import type { Batch, FrameBatch } from '../../src/queues/batch.js'
import type { FrameMemory } from '../../src/queues/frame_memory.js'
import { FrameQueue } from '../../src/queues/frame_queue.js'
import type { MessageBatch } from '../../src/queues/message_queue.js'
import type { SendQueue } from '../../src/queues/send_queue.js'
import { KeptFrames } from '../../src/session/kept_frames.js'
import type { KeptMessages } from '../../src/session/kept_messages.js'
import { KeptPayloads } from '../../src/session/kept_payloads.js'
import { SessionQueue } from '../../src/session/session_queue.js'
import { seeded_random, test_seed } from '../seeded_random.js'

interface Kind {
  make_queue(): SendQueue
  make_kept(): KeptMessages
}

const text_of = (utf8: Uint8Array): string => Buffer.from(utf8).toString()

const frames = (is_masked: boolean, memory: FrameMemory = frame_memory): Kind => ({
  make_queue: () => new FrameQueue(is_masked, frame_memory, 1),
  make_kept: () => new KeptFrames(is_masked, memory, text_of),
})

const KINDS: readonly [string, Kind][] = [
  ['frames of a server', frames(false)],
  ['frames of a client', frames(true)],
  ['messages', { make_queue: () => new SessionQueue(true), make_kept: () => new KeptPayloads() }],
]

function batch_of(kind: Kind, messages: readonly (string | Uint8Array)[]): Batch {
  const queue = kind.make_queue()
  for (const message of messages) queue.push(message, Number.POSITIVE_INFINITY)
  return queue.take() as Batch
}

function texts_of(batch: Batch): string[] {
  if ('payloads' in batch) return [...(batch as MessageBatch).payloads] as string[]
  return Array.from(read_frames((batch as FrameBatch).frames), ({ opcode, payload }) => {
    expect(opcode).toBe(OPCODE.TEXT)
    return Buffer.from(payload).toString()
  })
}

/** What a socket does with a batch: a client's masks it in place, and then its memory is used again. */
function write(batch: Batch): void {
  if (!('frames' in batch)) return
  const { frames: bytes } = batch as FrameBatch
  const content = Buffer.from(bytes)
  bytes.fill(0xff)
  // What a server's socket gets is not changed by it.
  if (bytes.length >= 2_048) bytes.set(content)
  ;(batch as FrameBatch).release()
}

describe.each(KINDS)('kept messages as %s', (_, kind) => {
  it(`are those that are not forgotten, from any one on (TEST_SEED=${test_seed})`, () => {
    const random = seeded_random(test_seed)
    const kept = kind.make_kept()
    let model: string[] = []
    let number = 0
    for (let step = 0; step < 500; step += 1) {
      if (random() < 0.5) {
        const texts = Array.from({ length: 1 + Math.floor(random() * 5) }, () => {
          number += 1
          return `${number}`.padEnd(random() * (random() < 0.1 ? 9_000 : 300), '聊')
        })
        write(kept.add(batch_of(kind, texts)))
        model.push(...texts)
      } else {
        const count = Math.floor(random() * (model.length + 1))
        if (random() < 0.8) kept.forget(count)
        else expect(kept.take(count)).toEqual(model.slice(0, count))
        model = model.slice(count)
      }
      const skip = Math.floor(random() * (model.length + 1))
      const rest = [...kept.without_first(skip)]
      expect(rest.flatMap(texts_of)).toEqual(model.slice(skip))
      expect(rest.reduce((sum, { messages }) => sum + messages, 0)).toBe(model.length - skip)
      expect(kept.bytes > 0).toBe(model.length > 0)
    }
  })

  it('are returned, when they are forgotten, as the application has sent them', () => {
    const kept = kind.make_kept()
    const sent = ['a', Uint8Array.of(1, 2), '\ufeff聊', new Uint8Array(), 'b']
    kept.add(batch_of(kind, sent))
    expect(kept.take(2)).toEqual(sent.slice(0, 2))
    expect(kept.take(2)).toEqual(sent.slice(2, 4))
    expect([...kept.without_first(0)].flatMap(texts_of)).toEqual(['b'])
  })

  it('count by the size of their frames', () => {
    const kept = kind.make_kept()
    const [first, second] = [batch_of(kind, ['a', 'b']), batch_of(kind, ['c'])]
    kept.add(first)
    kept.add(second)
    const { frame_bytes } = second
    expect(kept.bytes).toBe(first.frame_bytes + frame_bytes)
    kept.forget(2)
    expect(kept.bytes).toBe(frame_bytes)
    kept.forget(1)
    expect(kept.bytes).toBe(0)
  })

  it('are those of the moment of asking, even if some are forgotten before they are read', () => {
    const kept = kind.make_kept()
    for (const texts of [
      ['a', 'b'],
      ['c', 'd'],
    ])
      kept.add(batch_of(kind, texts))
    const rest = kept.without_first(1)
    kept.forget(1)
    expect([...rest].flatMap(texts_of)).toEqual(['b', 'c', 'd'])
  })
})

/** Memory that counts the buffers that are in use. */
function counting_memory(): FrameMemory & { readonly used: Set<Uint8Array> } {
  const used = new Set<Uint8Array>()
  return {
    ...frame_memory,
    used,
    allocate(size_bytes) {
      const buffer = new Uint8Array(size_bytes)
      used.add(buffer)
      return buffer
    },
    release(buffer) {
      expect(used.delete(buffer)).toBe(true)
    },
  }
}

describe('the memory of kept frames', () => {
  it('is one buffer for many small batches, until the last of them is forgotten', () => {
    const memory = counting_memory()
    const kind = frames(false, memory)
    const kept = kind.make_kept()
    for (let i = 0; i < 100; i += 1) write(kept.add(batch_of(kind, [`${i}`.padEnd(30)])))
    expect(memory.used.size).toBe(1)
    kept.forget(99)
    expect([memory.used.size, kept.bytes]).toEqual([1, 32])
    kept.forget(1)
    expect([memory.used.size, kept.bytes]).toEqual([0, 0])
  })

  it.each([true, false])(
    'of a large batch of a server is used again only if a socket has read it: %s',
    is_read => {
      const kind = frames(false)
      const kept = kind.make_kept()
      let releases = 0
      const { messages, frame_bytes, frames: bytes } = batch_of(kind, ['x'.repeat(5_000)]) as FrameBatch
      const written = kept.add({
        messages,
        frame_bytes,
        frames: bytes,
        release: () => (releases += 1),
      } as FrameBatch)
      expect((written as FrameBatch).frames).toBe(bytes)
      if (is_read) (written as FrameBatch).release()
      expect(releases).toBe(0)
      kept.forget(1)
      expect(releases).toBe(is_read ? 1 : 0)
    },
  )
})
