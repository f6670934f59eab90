import { describe, expect, test } from 'vitest'
import { header_size } from '../../src/frames/frame.js'
import { utf8_length } from '../../src/frames/utf8.js'
import { BATCH_BYTES } from '../../src/queues/batch.js'
import { type MessageBatch, MessageQueue } from '../../src/queues/message_queue.js'

/** Pushes like the outbox of a client. */
function push(queue: MessageQueue, ...payloads: (string | Uint8Array)[]): void {
  for (const payload of payloads) {
    const payload_bytes = typeof payload === 'string' ? utf8_length(payload) : payload.length
    const frame_bytes = payload_bytes + header_size(payload_bytes, true)
    expect(queue.push(payload, frame_bytes)).toBe(frame_bytes)
  }
}

describe('a MessageQueue', () => {
  test('returns no batch while it is empty', () => {
    const queue = new MessageQueue(true)
    expect([queue.take(), queue.has_full_batch]).toEqual([undefined, false])
  })

  test('returns all messages as one batch, in order and unchanged, and counts them', () => {
    const queue = new MessageQueue(true)
    push(queue, 'a', '中文', '', Uint8Array.of(0, 255), new Uint8Array(0), 'lone \ud800')
    expect(queue.take()).toEqual({
      payloads: ['a', '中文', '', Uint8Array.of(0, 255), new Uint8Array(0), 'lone \ud800'],
      messages: 6,
      payload_bytes: 1 + 6 + 0 + 2 + 0 + 8,
      frame_bytes: 17 + 6 * 6,
    })
  })

  test('does not add a message without room, and returns its size', () => {
    const queue = new MessageQueue(true)
    expect([queue.push('中文', 11), queue.take()]).toEqual([12, undefined])
  })

  test('is empty once its batch is taken, and starts counting over', () => {
    const queue = new MessageQueue(true)
    push(queue, 'first')
    queue.take()
    expect([queue.take(), queue.has_full_batch]).toEqual([undefined, false])
    push(queue, 'ab')
    expect(queue.take()).toEqual({ payloads: ['ab'], messages: 1, payload_bytes: 2, frame_bytes: 8 })
  })

  test('returns a batch of one empty message', () => {
    const queue = new MessageQueue(true)
    push(queue, '')
    expect(queue.take()).toEqual({ payloads: [''], messages: 1, payload_bytes: 0, frame_bytes: 6 })
  })

  test('does not change a batch once it is taken', () => {
    const queue = new MessageQueue(true)
    push(queue, 'first')
    const batch = queue.take() as MessageBatch
    push(queue, 'second')
    expect(batch).toEqual({ payloads: ['first'], messages: 1, payload_bytes: 5, frame_bytes: 11 })
  })

  test('copies a Buffer, too, whose own slice would be a view', () => {
    const queue = new MessageQueue(true)
    const bytes = Buffer.from([1, 2])
    push(queue, bytes)
    bytes.fill(7)
    const { payloads } = queue.take() as MessageBatch
    expect([...(payloads[0] as Uint8Array)]).toEqual([1, 2])
  })

  test('copies the bytes of a view only, so that later changes have no effect', () => {
    const queue = new MessageQueue(true)
    const bytes = Uint8Array.of(9, 1, 2, 9)
    push(queue, bytes.subarray(1, 3))
    bytes.fill(7)
    const { payloads } = queue.take() as MessageBatch
    const [kept] = payloads as [Uint8Array]
    expect(kept).toEqual(Uint8Array.of(1, 2))
    expect(kept.buffer.byteLength).toBe(2)
  })
})

describe('has_full_batch', () => {
  const header = header_size(BATCH_BYTES - 8, true)

  test.each([
    ['true for frames of exactly 64 KiB', BATCH_BYTES - header, true],
    ['false for one byte less', BATCH_BYTES - header - 1, false],
  ])('is %s', (_, payload_bytes, is_full) => {
    const queue = new MessageQueue(true)
    push(queue, new Uint8Array(payload_bytes))
    expect(queue.has_full_batch).toBe(is_full)
  })

  test('is true once many small messages take 64 KiB with their headers, and false when they are taken', () => {
    const queue = new MessageQueue(true)
    let pushed = 0
    while (!queue.has_full_batch) {
      push(queue, 'xy')
      pushed += 1
    }
    expect(pushed).toBe(BATCH_BYTES / 8)
    queue.take()
    expect(queue.has_full_batch).toBe(false)
  })
})
