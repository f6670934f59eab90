import { describe, expect, test } from 'vitest'
import { frame_memory } from '../../../src/node/memory/frame_memory.js'
import { node_platform } from '../../../src/node/platform/platform.js'
import { BATCH_BYTES } from '../../../src/queues/batch.js'

const { allocate, release, write, write_ascii } = frame_memory

const MOST_LARGE_BYTES = 4_194_304

function bytes_of(content: string): number[] {
  const size = node_platform.byte_length(content)
  const target = allocate(size).subarray(0, size).fill(0xee)
  write(content, target, 0)
  return [...target]
}

/** Removes all spare buffers, so that further ones are new. */
function take_spares(): void {
  for (let i = 0; i < 16; i += 1) allocate(1)
  // One that is too large to be kept pushes out all that are.
  release(Buffer.allocUnsafeSlow(MOST_LARGE_BYTES + 1))
}

describe('text', () => {
  test.each([
    ['no text', ''],
    ['1 byte for a letter', 'a\u0000\u007f'],
    ['2 bytes for a letter', '\u0080é\u07ff'],
    ['3 bytes for a letter', '\u0800中\uffff'],
    ['4 bytes for a letter', '😀\u{10000}\u{10ffff}'],
    ['a high surrogate alone', 'a\ud83d'],
    ['a low surrogate alone', '\ude00a'],
    ['a high surrogate before a letter', '\ud83dx'],
    ['two high surrogates', '\ud83d\ud83d'],
    ['a pair the wrong way round', '\ude00\ud83d'],
    ['a high surrogate before a pair', '\ud83d\ud83d\ude00'],
    ['a low surrogate behind a pair', '\ud83d\ude00\ude00'],
  ])('is written like by TextEncoder, into as many bytes as byte_length returns: %s', (_, content) => {
    expect(bytes_of(content)).toEqual([...new TextEncoder().encode(content)])
  })

  test('is written from the offset on, and nothing else', () => {
    const target = allocate(8).subarray(0, 8).fill(0xee)
    write('é中', target, 2)
    expect([...target]).toEqual([0xee, 0xee, 0xc3, 0xa9, 0xe4, 0xb8, 0xad, 0xee])
  })

  test('is written up to the last byte', () => {
    const target = allocate(6).subarray(0, 6).fill(0xee)
    write('中', target, 3)
    expect([...target]).toEqual([0xee, 0xee, 0xee, 0xe4, 0xb8, 0xad])
  })

  test('without characters can be written at the very end, too', () => {
    const target = allocate(2).subarray(0, 2).fill(0xee)
    write('', target, 2)
    expect([...target]).toEqual([0xee, 0xee])
  })
})

describe('text that may be ASCII', () => {
  const long = 'x'.repeat(1_000)

  test.each([
    ['nothing else', long, true],
    ['no text', '', true],
    ['a letter of 2 bytes at the end', `${long}é`, false],
    ['one within the first', `xx\u0080${long}`, false],
    ['one in the middle', `${long}é${long}`, false],
    ['a letter of 3 bytes', `${long}中${long}`, false],
    ['one whose low byte is ASCII', `${long}\u4e61`, false],
    ['a pair', `${long}😀`, false],
    ['a lone surrogate', `${long}\ud83d`, false],
  ])('is written if it is all ASCII: %s', (_, content, is_ascii) => {
    const target = allocate(4_000).fill(0xee)
    expect(write_ascii(content, target, 5)).toBe(is_ascii)
    if (is_ascii) expect(Buffer.from(target).toString('latin1', 5, 5 + content.length)).toBe(content)
    expect(target[4]).toBe(0xee)
    expect(target[5 + content.length]).toBe(0xee)
  })
})

describe('a buffer', () => {
  test('is at least as large as requested, whatever was released before', () => {
    for (let i = 0; i < 5; i += 1) release(Buffer.alloc(100))
    const sizes = [0, 1, 512, 65_536, 200_000]
    expect(sizes.filter(size => allocate(size).length < size)).toEqual([])
  })

  test('that was released is reused once', () => {
    take_spares()
    const buffer = allocate(1_000)
    release(buffer)
    expect(allocate(500)).toBe(buffer)
    expect(allocate(500)).not.toBe(buffer)
  })

  test('is not reused for a larger request', () => {
    take_spares()
    const buffer = allocate(1_000)
    release(buffer)
    expect(allocate(1_001)).not.toBe(buffer)
  })

  test('of more than 64 KiB is kept for others of more than 64 KiB, and one of just that is not', () => {
    take_spares()
    const [just, more] = [Buffer.alloc(BATCH_BYTES), Buffer.alloc(BATCH_BYTES + 1)]
    release(just)
    release(more)
    expect([allocate(1), allocate(BATCH_BYTES + 1)]).toEqual([just, more])
    expect(allocate(1)).not.toBe(more)
  })

  test('of more than 64 KiB comes in multiples of it, so that one a little larger has room in it, too', () => {
    take_spares()
    const buffer = allocate(1_000_000)
    expect(buffer.length).toBe(16 * BATCH_BYTES)
    release(buffer)
    expect(allocate(1_048_576)).toBe(buffer)
  })

  test.each([
    ['more than twice as large', 1_000_000, 400_000],
    ['smaller', 200_000, 300_000],
  ])('that is %s is not reused', (_, kept_bytes, size_bytes) => {
    take_spares()
    const buffer = allocate(kept_bytes)
    release(buffer)
    expect(allocate(size_bytes)).not.toBe(buffer)
    expect(allocate(kept_bytes)).toBe(buffer)
  })

  test('of more than 64 KiB is kept while that is 4 MiB together, and the latest of them are', () => {
    take_spares()
    const buffers = Array.from({ length: 6 }, (): Buffer => Buffer.allocUnsafeSlow(1_048_576))
    for (const buffer of buffers) release(buffer)
    const again = Array.from({ length: 5 }, () => allocate(1_048_576))
    expect(again.map(buffer => buffers.indexOf(buffer as Buffer))).toEqual([5, 4, 3, 2, -1])
  })

  test('is one of 16 that are kept at most', () => {
    take_spares()
    const buffers = Array.from({ length: 20 }, () => Buffer.alloc(1_000))
    for (const buffer of buffers) release(buffer)
    const again = new Set(Array.from({ length: 20 }, () => allocate(1)))
    expect(buffers.filter(buffer => again.has(buffer))).toHaveLength(16)
  })

  test('shares its memory with no other, so that it may be handed to another thread or written at leisure', () => {
    take_spares()
    const buffer = allocate(100)
    expect([buffer.byteOffset, buffer.buffer.byteLength]).toEqual([0, 100])
  })
})
