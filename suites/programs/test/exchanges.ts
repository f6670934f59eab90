import { randomBytes } from 'node:crypto'
import { PING, PONG, TEXT } from '@bt/test-support/frames'
import { expect } from 'vitest'
import type { Endpoint } from './frame_relay.ts'
import type { Pair, PairOptions } from './pair.ts'

/** Something that not every program can do. */
export type Capability = 'fragment' | 'ping' | 'inflate' | 'deflate'

/** How a program differs from others, where the standard leaves it open or the program deviates from it. */
export interface Quirks {
  /** The code of its reply to a Close, if that is not the code of the Close itself. */
  readonly close_reply_code?: number
  /** The code that it reports for a lost connection, if that is not 1006. */
  readonly lost_connection_code?: number
  /** Whether its client gives up if a server selects none of its subprotocols. */
  readonly requires_subprotocol?: boolean
  /**
   * Whether a Close may not reach it while it is still sending, because a proxy has ended both directions. It
   * reports a lost connection then.
   */
  readonly may_miss_close?: boolean
}

/** A test of what the two sides of a connection do together. */
export interface Exchange {
  readonly name: string
  /** The capability that the program needs. */
  readonly requires?: Capability
  readonly options?: PairOptions
  /** Runs the test; the caller closes the connection afterwards if it is still open. */
  run(pair: Pair, quirks: Quirks): Promise<void>
}

const MIB = 1_048_576
const MANY = Array.from({ length: 1_000 }, (_, i) => `message ${i}`)
const COMPRESSIBLE = ['again and '.repeat(1_000), '再来 '.repeat(50_000)]
const INCOMPRESSIBLE = randomBytes(102_400)
const REASON = 'enough, 够了 👋'

/** The exchanges with each program, in either role. */
export const EXCHANGES: readonly Exchange[] = [
  exchange_text('text', 'hello'),
  exchange_text('non-ASCII text', 'ñandú, 你好, 𝄞 👩‍🚀, \u0000 and \u{10ffff}'),
  exchange_text('an empty text', ''),
  exchange_text('a text of 1 MiB', 'é'.repeat(MIB / 2)),
  exchange_bytes(
    'a binary message',
    Uint8Array.from({ length: 256 }, (_, i) => i),
  ),
  exchange_bytes('an empty binary message', new Uint8Array()),
  exchange_bytes(
    'a binary message of 1 MiB',
    Uint8Array.from({ length: MIB }, (_, i) => i % 251),
  ),
  {
    name: '1,000 messages go both ways at once, in order',
    run: async ({ ours, peer }) => {
      for (const text of MANY) {
        peer.send(text)
        ours.handle.send(text)
      }
      expect(await ours.messages.take(MANY.length)).toEqual(MANY)
      const received: string[] = []
      while (received.length < MANY.length) received.push(await peer.next_text())
      expect(received).toEqual(MANY)
    },
  },
  {
    name: 'both sides report 1003 after a binary message that our side does not accept',
    run: async ({ ours, peer }, { close_reply_code: code = 1003 }) => {
      peer.send(Uint8Array.of(0, 255))
      expect(await ours.closed).toMatchObject({ code, cause: 'protocol', clean: true })
      expect(ours.errors).toEqual(['unexpected_binary'])
      expect(await peer.next()).toMatchObject({ event: 'close', code: 1003 })
    },
  },
  {
    name: 'both sides report 1009 after a text above the limit of our side',
    run: async ({ ours, peer }, { may_miss_close = false, lost_connection_code = 1006 }) => {
      peer.send('x'.repeat(MIB + 1))
      expect(await ours.closed).toMatchObject({ code: 1009, cause: 'protocol' })
      expect(ours.errors).toEqual(['message_too_large'])
      const event = await peer.next()
      if (!may_miss_close) expect(event).toMatchObject({ event: 'close', code: 1009 })
      else
        expect(event).toMatchObject({
          event: 'close',
          code: expect.toBeOneOf([1009, lost_connection_code]),
        })
    },
  },
  {
    name: 'our side answers a ping of the peer',
    requires: 'ping',
    run: async ({ peer, relay, our_endpoint, peer_endpoint }) => {
      peer.ping()
      await relay.wait_for_frames(peer_endpoint, PING, 1)
      await relay.wait_for_frames(our_endpoint, PONG, 1)
    },
  },
  {
    name: 'the peer answers a heartbeat of our side',
    options: { heartbeat: 1_500 },
    run: async ({ ours, peer, relay, our_endpoint, peer_endpoint }) => {
      await relay.wait_for_frames(our_endpoint, PING, 1)
      await relay.wait_for_frames(peer_endpoint, PONG, 1)
      peer.send('alive')
      expect(await ours.messages.next()).toBe('alive')
    },
  },
  {
    name: 'a text in fragments reaches our side as one message',
    requires: 'fragment',
    run: async ({ ours, peer, relay, peer_endpoint }) => {
      peer.send_fragments('one ', '二 ', 'three')
      expect(await ours.messages.next()).toBe('one 二 three')
      const frames = relay.frames_from(peer_endpoint).map(({ opcode, is_final }) => ({ opcode, is_final }))
      expect(frames.slice(0, 2)).toEqual([
        { opcode: TEXT, is_final: false },
        { opcode: 0, is_final: false },
      ])
      expect(frames.at(-1)).toEqual({ opcode: 0, is_final: true })
    },
  },
  {
    name: 'messages that our side compresses reach the peer',
    requires: 'inflate',
    options: { compression: true },
    run: async ({ ours, peer, relay, our_endpoint }) => {
      const texts = [...COMPRESSIBLE, 'short']
      for (const text of texts) ours.handle.send(text)
      for (const text of texts) expect(await peer.next_text()).toBe(text)
      expect(relay.frames_from(our_endpoint).map(frame => frame.is_compressed)).toEqual([true, true, false])
    },
  },
  {
    name: 'messages that the peer compresses reach our side',
    requires: 'deflate',
    options: { compression: true },
    run: async ({ ours, peer, relay, peer_endpoint }) => {
      for (const text of COMPRESSIBLE) peer.send(text)
      expect(await ours.messages.take(COMPRESSIBLE.length)).toEqual(COMPRESSIBLE)
      expect(relay.frames_from(peer_endpoint)[0]?.is_compressed).toBe(true)
    },
  },
  {
    name: 'compressed messages of any size, sent twice, go both ways',
    requires: 'deflate',
    options: { compression: true, binary: true },
    run: pair => exchange_compressed(pair),
  },
  {
    name: 'a connection has the subprotocol that both sides support',
    options: { protocols: { ours: ['two', 'one'], peer: ['zero', 'two'] } },
    run: async ({ ours }) => {
      expect(ours.protocol).toBe('two')
    },
  },
  {
    name: 'messages that our side sends before its Close arrive',
    run: async ({ ours, peer }) => {
      for (const text of MANY) ours.handle.send(text)
      ours.handle.close()
      for (const text of MANY) expect(await peer.next_text()).toBe(text)
      expect(await peer.next()).toMatchObject({ event: 'close', code: 1000 })
      expect(await ours.closed).toMatchObject({ code: 1000, cause: 'local', clean: true, unsent: 0 })
    },
  },
  {
    name: 'the code and reason of our Close reach the peer, and its reply reaches our side',
    run: async ({ ours, peer }, { close_reply_code: code = 4001 }) => {
      ours.handle.close(4001, REASON)
      expect(await peer.next()).toEqual({ event: 'close', code: 4001, reason: REASON })
      expect(await ours.closed).toMatchObject({ code, cause: 'local', clean: true })
      expect(ours.errors).toEqual([])
    },
  },
  {
    name: "the code and reason of the peer's Close reach our side, and our reply reaches the peer",
    run: async ({ ours, peer }) => {
      peer.close(4002, REASON)
      expect(await ours.closed).toMatchObject({ code: 4002, reason: REASON, cause: 'peer', clean: true })
      expect(await peer.next()).toMatchObject({ event: 'close', code: 4002 })
      expect(ours.errors).toEqual([])
    },
  },
  {
    name: 'both sides report a connection that is reset',
    run: async ({ ours, peer, relay }, { lost_connection_code: code = 1006 }) => {
      relay.reset()
      expect(await ours.closed).toMatchObject({ code: 1006, cause: 'network', clean: false })
      expect(await peer.next()).toMatchObject({ event: 'close', code })
    },
  },
  {
    name: 'our side reports a lost connection when the peer is killed',
    run: async ({ ours, peer, our_endpoint }) => {
      ours.handle.send('last message')
      await peer.next_text()
      await peer.kill()
      expect(await ours.closed).toMatchObject({ code: 1006, cause: 'network', clean: false })
      expect(ours.errors).toEqual(our_endpoint === 'client' ? ['connection_lost'] : [])
    },
  },
]

/**
 * Sends each message twice, since a side that keeps its context refers to the first in the second. Calls
 * `after_receiving` after each message of the peer.
 */
export async function exchange_compressed(
  pair: Pair,
  after_receiving: () => unknown = () => {},
): Promise<void> {
  const { ours, peer, relay, our_endpoint, peer_endpoint } = pair
  const messages = [
    ...COMPRESSIBLE,
    '',
    'x',
    new Uint8Array(),
    Uint8Array.of(0),
    new Uint8Array(65_536),
    INCOMPRESSIBLE,
  ]
  for (const message of messages.flatMap(each => [each, each])) {
    peer.send(message)
    expect_same(await ours.messages.next(), message)
    after_receiving()
    ours.handle.send(message)
    expect_same(await peer.next_data(), message)
  }
  const are_texts_compressed = (endpoint: Endpoint): boolean[] =>
    relay
      .frames_from(endpoint)
      .filter(frame => frame.opcode === TEXT)
      .map(frame => frame.is_compressed)
  expect(are_texts_compressed(our_endpoint)).toEqual([true, true, true, true, false, false, false, false])
  expect(are_texts_compressed(peer_endpoint).slice(0, 4)).toEqual([true, true, true, true])
}

function expect_same(actual: string | Uint8Array, expected: string | Uint8Array): void {
  if (typeof expected === 'string' || typeof actual === 'string') expect(actual === expected).toBe(true)
  else expect(are_bytes_equal(actual, expected)).toBe(true)
}

function exchange_text(description: string, text: string): Exchange {
  return {
    name: `${description} goes both ways`,
    run: async ({ ours, peer }) => {
      peer.send(text)
      expect(await ours.messages.next()).toBe(text)
      ours.handle.send(text)
      expect(await peer.next_text()).toBe(text)
    },
  }
}

function exchange_bytes(description: string, bytes: Uint8Array): Exchange {
  return {
    name: `${description} goes both ways`,
    options: { binary: true },
    run: async ({ ours, peer }) => {
      peer.send(bytes)
      const received = (await ours.messages.next()) as Uint8Array
      expect(received).toBeInstanceOf(Uint8Array)
      expect(are_bytes_equal(received, bytes)).toBe(true)
      ours.handle.send(bytes)
      expect(are_bytes_equal(await peer.next_bytes(), bytes)).toBe(true)
    },
  }
}

/** Compares bytes without `toEqual`, which would print a million numbers if it failed. */
function are_bytes_equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
