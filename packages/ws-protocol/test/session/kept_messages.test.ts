import { describe, expect, it } from 'vitest'
import { OPCODE, read_frames } from '../../src/frames/frame.js'
import { frame_memory } from '../../src/node/memory/frame_memory.js'
import type { Batch, FrameBatch } from '../../src/queues/batch.js'
import { FrameQueue } from '../../src/queues/frame_queue.js'
import type { MessageBatch } from '../../src/queues/message_queue.js'
import type { SendQueue } from '../../src/queues/send_queue.js'
import { KeptFrames } from '../../src/session/kept_frames.js'
import { type KeptBatch, KeptMessages } from '../../src/session/kept_messages.js'
import { keep_payloads } from '../../src/session/kept_payloads.js'
import { SessionQueue } from '../../src/session/session_queue.js'
import { seeded_random, test_seed } from '../seeded_random.js'

interface Kind {
  make_queue(): SendQueue
  keep(batch: Batch): KeptBatch
}

const text_of = (utf8: Uint8Array): string => Buffer.from(utf8).toString()

const frames = (is_masked: boolean): Kind => ({
  make_queue: () => new FrameQueue(is_masked, frame_memory, 1),
  keep: batch => new KeptFrames(batch as FrameBatch, is_masked, text_of),
})

const KINDS: readonly [string, Kind][] = [
  ['frames of a server', frames(false)],
  ['frames of a client', frames(true)],
  [
    'messages',
    { make_queue: () => new SessionQueue(true), keep: batch => keep_payloads(batch as MessageBatch) },
  ],
]

function batch_of(kind: Kind, texts: readonly string[]): Batch {
  const queue = kind.make_queue()
  for (const text of texts) queue.push(text, Number.POSITIVE_INFINITY)
  return queue.take() as Batch
}

function texts_of(batch: Batch): string[] {
  if ('payloads' in batch) return [...(batch as MessageBatch).payloads] as string[]
  return Array.from(read_frames((batch as FrameBatch).frames), ({ opcode, payload }) => {
    expect(opcode).toBe(OPCODE.TEXT)
    return Buffer.from(payload).toString()
  })
}

describe.each(KINDS)('kept messages as %s', (_, kind) => {
  it(`are those that are not forgotten, from any one on (TEST_SEED=${test_seed})`, () => {
    const random = seeded_random(test_seed)
    const kept = new KeptMessages()
    let model: string[] = []
    let number = 0
    for (let step = 0; step < 500; step += 1) {
      if (random() < 0.5) {
        const texts = Array.from({ length: 1 + Math.floor(random() * 5) }, () => {
          number += 1
          return `${number}`.padEnd(random() * 300, '聊')
        })
        kept.add(kind.keep(batch_of(kind, texts)))
        model.push(...texts)
      } else {
        const count = Math.floor(random() * (model.length + 1))
        kept.forget(count)
        model = model.slice(count)
      }
      const skip = Math.floor(random() * (model.length + 1))
      const rest = [...kept.without_first(skip)]
      expect(rest.flatMap(texts_of)).toEqual(model.slice(skip))
      expect(rest.reduce((sum, { messages }) => sum + messages, 0)).toBe(model.length - skip)
      expect(kept.bytes > 0).toBe(model.length > 0)
    }
    expect(kept.take(model.length)).toEqual(model)
    expect([kept.bytes, [...kept.without_first(0)]]).toEqual([0, []])
  })

  it('returns those that it forgets as the application has sent them', () => {
    const kept = new KeptMessages()
    const queue = kind.make_queue()
    const sent = ['a', Uint8Array.of(1, 2), '聊', new Uint8Array(), 'b']
    for (const message of sent) queue.push(message, Number.POSITIVE_INFINITY)
    kept.add(kind.keep(queue.take() as Batch))
    expect(kept.take(2)).toEqual(sent.slice(0, 2))
    expect(kept.take(2)).toEqual(sent.slice(2, 4))
    expect([...kept.without_first(0)].flatMap(texts_of)).toEqual(['b'])
  })

  it('count by their frames until a whole batch is forgotten', () => {
    const kept = new KeptMessages()
    const [first, second] = [batch_of(kind, ['a', 'b']), batch_of(kind, ['c'])]
    kept.add(kind.keep(first))
    kept.add(kind.keep(second))
    const { frame_bytes } = second
    expect(kept.bytes).toBe(first.frame_bytes + frame_bytes)
    kept.forget(1)
    expect(kept.bytes).toBe(first.frame_bytes + frame_bytes)
    kept.forget(1)
    expect(kept.bytes).toBe(frame_bytes)
  })
})

it('a client keeps its frames unmasked, whatever the socket does with what it gets', () => {
  const kind = frames(true)
  const kept = new KeptMessages()
  kept.add(kind.keep(batch_of(kind, ['hello'])))
  for (const batch of kept.without_first(0)) (batch as FrameBatch).frames.fill(0)
  expect([...kept.without_first(0)].flatMap(texts_of)).toEqual(['hello'])
})

it('are those of the moment of asking, even if some are forgotten before they are looked at', () => {
  const kind = frames(false)
  const kept = new KeptMessages()
  for (const texts of [
    ['a', 'b'],
    ['c', 'd'],
  ])
    kept.add(kind.keep(batch_of(kind, texts)))
  const rest = kept.without_first(1)
  kept.forget(1)
  expect([...rest].flatMap(texts_of)).toEqual(['b', 'c', 'd'])
})

it('frees the memory of a batch once, when it is forgotten', () => {
  const kept = new KeptMessages()
  let released = 0
  const batch = batch_of(frames(false), ['a', 'b']) as FrameBatch
  const counting = {
    messages: 2,
    frame_bytes: batch.frame_bytes,
    frames: batch.frames,
    release: () => {
      released += 1
    },
  }
  kept.add(new KeptFrames(counting, false, text_of))
  for (const again of kept.without_first(0)) (again as FrameBatch).release()
  kept.forget(1)
  expect(released).toBe(0)
  kept.forget(1)
  expect(released).toBe(1)
})

it('leaves the memory of a batch alone that a socket may still read', () => {
  const kept = new KeptMessages()
  let released = 0
  const { messages, frame_bytes, frames: bytes } = batch_of(frames(false), ['a']) as FrameBatch
  const counting = { messages, frame_bytes, frames: bytes, release: () => (released += 1) }
  kept.add(new KeptFrames(counting, false, text_of))
  const [lent] = [...kept.without_first(0)]
  kept.forget(1)
  expect(released).toBe(0)
  ;(lent as FrameBatch).release()
  expect(released).toBe(0)
})
