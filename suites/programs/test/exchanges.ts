import { randomBytes } from 'node:crypto'
import { PING, PONG, TEXT } from '@bt/test-support/frames'
import { expect } from 'vitest'
import type { Pair, PairWishes } from './pair.ts'

/** What not every program can do. */
export type Skill = 'fragment' | 'ping' | 'inflate' | 'deflate'

/** In what programs differ, where the standard leaves it open or they do not keep to it. */
export interface Habits {
  /** The code of its answer to a Close, where that is not the code of the Close itself. */
  readonly answers_with?: number
  /** What it tells for a connection that was lost, where that is not 1006. */
  readonly lost_is?: number
  /** Whether a client of theirs gives up where a server takes none of its subprotocols. */
  readonly needs_protocol?: boolean
  /** Whether a Close that meets what it still sends may not reach it, so that it tells a loss: what stands between has ended both ways. */
  readonly may_miss_close?: boolean
}

/** Something that the two ends of a connection do together. */
export interface Exchange {
  /** The fact that it shows. */
  readonly name: string
  /** What their program must be able to do. */
  readonly needs?: Skill
  /** How the connection is asked for. */
  readonly wishes?: PairWishes
  /** Does it; the connection is closed afterwards, where it is still open. */
  run(pair: Pair, habits: Habits): Promise<void>
}

const MIB = 1_048_576
const MANY = Array.from({ length: 1_000 }, (_, i) => `message ${i}`)
const COMPRESSIBLE = ['again and '.repeat(1_000), '再来 '.repeat(50_000)]
/** Compression makes nothing of it smaller. */
const NOISE = randomBytes(102_400)
const REASON = 'enough, 够了 👋'

/** All that is tried with each program, in either role. */
export const EXCHANGES: readonly Exchange[] = [
  text_goes_both_ways('text', 'hello'),
  text_goes_both_ways('text that is not ASCII', 'ñandú, 你好, 𝄞 👩‍🚀, \u0000 and \u{10ffff}'),
  text_goes_both_ways('an empty text', ''),
  text_goes_both_ways('a text of 1 MiB', 'é'.repeat(MIB / 2)),
  bytes_go_both_ways(
    'bytes',
    Uint8Array.from({ length: 256 }, (_, i) => i),
  ),
  bytes_go_both_ways('no bytes', new Uint8Array()),
  bytes_go_both_ways(
    'bytes of 1 MiB',
    Uint8Array.from({ length: MIB }, (_, i) => i % 251),
  ),
  {
    name: '1,000 messages go both ways at once, in order',
    run: async ({ ours, theirs }) => {
      for (const text of MANY) {
        theirs.send(text)
        ours.handle.send(text)
      }
      expect(await ours.messages.take(MANY.length)).toEqual(MANY)
      const told: string[] = []
      while (told.length < MANY.length) told.push(await theirs.next_text())
      expect(told).toEqual(MANY)
    },
  },
  {
    name: 'binary that our side does not take ends with 1003 on both sides',
    run: async ({ ours, theirs }, { answers_with: code = 1003 }) => {
      theirs.send(Uint8Array.of(0, 255))
      expect(await ours.closed).toMatchObject({ code, cause: 'protocol', clean: true })
      expect(ours.errors).toEqual(['unexpected_binary'])
      expect(await theirs.next()).toMatchObject({ event: 'close', code: 1003 })
    },
  },
  {
    name: 'a text larger than our side takes ends with 1009 on both sides',
    run: async ({ ours, theirs }, { may_miss_close = false, lost_is = 1006 }) => {
      theirs.send('x'.repeat(MIB + 1))
      expect(await ours.closed).toMatchObject({ code: 1009, cause: 'protocol' })
      expect(ours.errors).toEqual(['message_too_large'])
      const told = await theirs.next()
      if (!may_miss_close) expect(told).toMatchObject({ event: 'close', code: 1009 })
      else expect(told).toMatchObject({ event: 'close', code: expect.toBeOneOf([1009, lost_is]) })
    },
  },
  {
    name: 'a ping of theirs is answered by our side',
    needs: 'ping',
    run: async ({ theirs, wire, our_end, their_end }) => {
      theirs.ping()
      await wire.until(their_end, PING, 1)
      await wire.until(our_end, PONG, 1)
    },
  },
  {
    name: 'a heartbeat of our side is answered by theirs',
    wishes: { heartbeat: 1_500 },
    run: async ({ ours, theirs, wire, our_end, their_end }) => {
      await wire.until(our_end, PING, 1)
      await wire.until(their_end, PONG, 1)
      theirs.send('alive')
      expect(await ours.messages.next()).toBe('alive')
    },
  },
  {
    name: 'a text in fragments reaches our side as one',
    needs: 'fragment',
    run: async ({ ours, theirs, wire, their_end }) => {
      theirs.send_fragments('one ', '二 ', 'three')
      expect(await ours.messages.next()).toBe('one 二 three')
      const pieces = wire.frames(their_end).map(({ opcode, is_final }) => ({ opcode, is_final }))
      expect(pieces.slice(0, 2)).toEqual([
        { opcode: TEXT, is_final: false },
        { opcode: 0, is_final: false },
      ])
      expect(pieces.at(-1)).toEqual({ opcode: 0, is_final: true })
    },
  },
  {
    name: 'what our side compresses reaches theirs',
    needs: 'inflate',
    wishes: { compression: true },
    run: async ({ ours, theirs, wire, our_end }) => {
      const texts = [...COMPRESSIBLE, 'short']
      for (const text of texts) ours.handle.send(text)
      for (const text of texts) expect(await theirs.next_text()).toBe(text)
      expect(wire.frames(our_end).map(frame => frame.is_compressed)).toEqual([true, true, false])
    },
  },
  {
    name: 'what their side compresses reaches ours',
    needs: 'deflate',
    wishes: { compression: true },
    run: async ({ ours, theirs, wire, their_end }) => {
      for (const text of COMPRESSIBLE) theirs.send(text)
      expect(await ours.messages.take(COMPRESSIBLE.length)).toEqual(COMPRESSIBLE)
      expect(wire.frames(their_end)[0]?.is_compressed).toBe(true)
    },
  },
  {
    name: 'messages of any size, more than once, go both ways with compression',
    needs: 'deflate',
    wishes: { compression: true, binary: true },
    run: pair => exchange_compressed(pair),
  },
  {
    name: 'both sides know the subprotocol that they agreed on',
    wishes: { protocols: { ours: ['two', 'one'], theirs: ['zero', 'two'] } },
    run: async ({ ours }) => {
      expect(ours.protocol).toBe('two')
    },
  },
  {
    name: 'all that our side sent arrives before its Close',
    run: async ({ ours, theirs }) => {
      for (const text of MANY) ours.handle.send(text)
      ours.handle.close()
      for (const text of MANY) expect(await theirs.next_text()).toBe(text)
      expect(await theirs.next()).toMatchObject({ event: 'close', code: 1000 })
      expect(await ours.closed).toMatchObject({ code: 1000, cause: 'local', clean: true, unsent: 0 })
    },
  },
  {
    name: 'code and reason of our Close reach their side, and its answer ours',
    run: async ({ ours, theirs }, { answers_with: code = 4001 }) => {
      ours.handle.close(4001, REASON)
      expect(await theirs.next()).toEqual({ event: 'close', code: 4001, reason: REASON })
      expect(await ours.closed).toMatchObject({ code, cause: 'local', clean: true })
      expect(ours.errors).toEqual([])
    },
  },
  {
    name: 'code and reason of their Close reach our side, and our answer theirs',
    run: async ({ ours, theirs }) => {
      theirs.close(4002, REASON)
      expect(await ours.closed).toMatchObject({ code: 4002, reason: REASON, cause: 'peer', clean: true })
      expect(await theirs.next()).toMatchObject({ event: 'close', code: 4002 })
      expect(ours.errors).toEqual([])
    },
  },
  {
    name: 'both sides tell that their connection was cut',
    run: async ({ ours, theirs, wire }, { lost_is: code = 1006 }) => {
      wire.cut()
      expect(await ours.closed).toMatchObject({ code: 1006, cause: 'network', clean: false })
      expect(await theirs.next()).toMatchObject({ event: 'close', code })
    },
  },
  {
    name: 'our side tells that their program was killed',
    run: async ({ ours, theirs, our_end }) => {
      ours.handle.send('to whom?')
      await theirs.next_text()
      await theirs.kill()
      expect(await ours.closed).toMatchObject({ code: 1006, cause: 'network', clean: false })
      expect(ours.errors).toEqual(our_end === 'client' ? ['connection_lost'] : [])
    },
  },
]

/** Each message twice, since a side that keeps its context refers to the first in the second. `between` is done between two messages of theirs. */
export async function exchange_compressed(pair: Pair, between: () => unknown = () => {}): Promise<void> {
  const { ours, theirs, wire, our_end, their_end } = pair
  const messages = [
    ...COMPRESSIBLE,
    '',
    'x',
    new Uint8Array(),
    Uint8Array.of(0),
    new Uint8Array(65_536),
    NOISE,
  ]
  for (const message of messages.flatMap(each => [each, each])) {
    theirs.send(message)
    expect_same(await ours.messages.next(), message)
    between()
    ours.handle.send(message)
    expect_same(await theirs.next_data(), message)
  }
  const text_frames = (end: 'client' | 'server'): boolean[] =>
    wire
      .frames(end)
      .filter(frame => frame.opcode === TEXT)
      .map(frame => frame.is_compressed)
  expect(text_frames(our_end)).toEqual([true, true, true, true, false, false, false, false])
  expect(text_frames(their_end).slice(0, 4)).toEqual([true, true, true, true])
}

function expect_same(actual: string | Uint8Array, expected: string | Uint8Array): void {
  if (typeof expected === 'string' || typeof actual === 'string') expect(actual === expected).toBe(true)
  else expect(bytes_equal(actual, expected)).toBe(true)
}

function text_goes_both_ways(what: string, text: string): Exchange {
  return {
    name: `${what} goes both ways`,
    run: async ({ ours, theirs }) => {
      theirs.send(text)
      expect(await ours.messages.next()).toBe(text)
      ours.handle.send(text)
      expect(await theirs.next_text()).toBe(text)
    },
  }
}

function bytes_go_both_ways(what: string, bytes: Uint8Array): Exchange {
  return {
    name: `${what}, in a binary message, go both ways`,
    wishes: { binary: true },
    run: async ({ ours, theirs }) => {
      theirs.send(bytes)
      const got = (await ours.messages.next()) as Uint8Array
      expect(got).toBeInstanceOf(Uint8Array)
      expect(bytes_equal(got, bytes)).toBe(true)
      ours.handle.send(bytes)
      expect(bytes_equal(await theirs.next_bytes(), bytes)).toBe(true)
    },
  }
}

/** At once: a test that fails would show a million numbers. */
function bytes_equal(some: Uint8Array, others: Uint8Array): boolean {
  return Buffer.compare(some, others) === 0
}
