import { describe, expect, it } from 'vitest'
import { read_frames, whole_frames_end } from '../../src/frames/frame.js'
import { frame_memory } from '../../src/node/memory/frame_memory.js'
import { FrameQueue } from '../../src/queues/frame_queue.js'
import { type SharedBatch, SharedFrames } from '../../src/queues/shared_frames.js'

type Shown = readonly [opcode: number, payload: readonly number[]]

function shown(bytes: Uint8Array): Shown[] {
  return Array.from(read_frames(bytes), ({ opcode, payload }) => [opcode, [...payload]])
}

function shared(...payloads: readonly (string | Uint8Array)[]): SharedBatch {
  const frames = new SharedFrames(frame_memory)
  return payloads
    .map(payload => frames.add(payload))
    .reduce((joined, next) => joined.joined_by(next) as SharedBatch)
}

describe('the frames of a session', () => {
  it.each([true, false])('have a leading byte before bytes, and none before text; masked: %s', is_masked => {
    const queue = new FrameQueue(is_masked, frame_memory, 1)
    const bytes = Uint8Array.of(9)
    expect(queue.push(bytes, 4 + (is_masked ? 4 : 0))).toBe(4 + (is_masked ? 4 : 0))
    queue.push('a', 100)
    expect(shown(queue.take()?.frames ?? new Uint8Array())).toEqual([
      [2, [1, 9]],
      [1, [97]],
    ])
  })

  it('do not fit where they fit without a session, because of the leading byte', () => {
    const queue = new FrameQueue(false, frame_memory, 1)
    expect(queue.push(new Uint8Array(125), 127)).toBe(130)
    expect(queue.take()).toBeUndefined()
  })

  it('are made once of those that many queues share, which stay as they are if they are all text', () => {
    const mixed = shared('a', Uint8Array.of(7), '聊', new Uint8Array(), new Uint8Array(125))
    const variant = mixed.for_sessions()
    expect(mixed.for_sessions()).toBe(variant)
    expect(variant.messages).toBe(5)
    expect(shown(variant.frames)).toEqual([
      [1, [97]],
      [2, [1, 7]],
      [1, [...Buffer.from('聊')]],
      [2, [1]],
      [2, [1, ...new Uint8Array(125)]],
    ])
    const texts = shared('a', 'b')
    expect(texts.for_sessions()).toBe(texts)
    const queue = new FrameQueue(false, frame_memory, 1)
    expect(queue.push(mixed, 1_000)).toBe(variant.frame_bytes)
    expect(shown(queue.take()?.frames ?? new Uint8Array())).toEqual(shown(variant.frames))
  })
})

it('finds the end of the last whole frame, however the bytes are cut', () => {
  const { frames } = shared('a', new Uint8Array(200), 'x'.repeat(70_000), 'b')
  const ends = [0]
  for (const { payload } of read_frames(frames))
    ends.push(payload.byteOffset + payload.length - frames.byteOffset)
  for (const cut of [0, 1, 2, 3, 4, 5, 6, 7, 206, 207, 208, 216, 217, 218, 70_216, 70_217, 70_219, 70_220]) {
    const expected = ends.filter(end => end <= cut).at(-1)
    expect(whole_frames_end(frames.subarray(0, cut))).toBe(expected)
  }
  expect(whole_frames_end(frames)).toBe(frames.length)
})
