import type { ClusterPort } from '../broker/cluster_port.js'
import { ClusterListener } from './cluster_listener.js'

/** A running broker for the cases. Each case leaves it running again. */
export interface ClusterHarness {
  /** A port that connects to the broker. */
  readonly port: ClusterPort
  /** Whether a link receives the messages that it publishes itself. */
  readonly echoes: boolean
  /** The largest payload to test, in bytes, if that is less than the link's `max_bytes`. */
  readonly max_payload_bytes: number
  /** Shuts the broker down in order. */
  stop(): Promise<void>
  /** Kills the broker. */
  kill(): Promise<void>
  /** Suspends the broker with its connections open. */
  pause(): Promise<void>
  /** Starts the broker again at the same address. */
  start(): Promise<void>
}

/** A requirement of every cluster port. */
export interface ClusterCase {
  /** The requirement, as a fact. */
  readonly name: string
  /** Tests the requirement; rejects if it is not met. */
  run(harness: ClusterHarness): Promise<void>
}

type Links = readonly [ClusterListener, ClusterListener, ClusterListener]

let channel_count = 0

/** Returns the name of a channel that no other case uses. */
function channel(): string {
  channel_count += 1
  return `bt.case.${channel_count}`
}

function numbered(index: number): Uint8Array {
  // The sizes vary, and some exceed one read of a socket.
  const bytes = new Uint8Array(4 + ((index * index * 37) % (index % 97 === 0 ? 150_000 : 500)))
  new DataView(bytes.buffer).setUint32(0, index)
  return bytes.fill(index % 251, 4)
}

/** Returns the index that `numbered` was called with; throws if the bytes have changed. */
function number_of(bytes: Uint8Array): number {
  const index = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  if (!equal(bytes, numbered(index))) throw new Error(`message ${index} is not as it was sent`)
  return index
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}

function same(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [actual, expected].map(value => JSON.stringify(value))
  if (got !== wanted) throw new Error(`${what}: got ${got?.slice(0, 200)}, expected ${wanted?.slice(0, 200)}`)
}

async function rejects(promise: Promise<unknown>, what: string): Promise<void> {
  const outcome = await promise.then(
    () => 'fulfilled',
    error => (error instanceof Error && error.message !== '' ? 'rejected' : 'rejected with no error'),
  )
  same(outcome, 'rejected', what)
}

function text(word: string): Uint8Array {
  return Uint8Array.from(word, character => character.charCodeAt(0))
}

function words_of(listener: ClusterListener, on?: string): string[] {
  return listener.received_messages
    .filter(({ channel }) => on === undefined || channel === on)
    .map(({ bytes }) => Array.from(bytes, byte => String.fromCharCode(byte)).join(''))
}

/**
 * Returns a case for three links, which are destroyed afterwards. It also checks that no event was raised
 * from within a call.
 */
function with_links(
  name: string,
  run: (links: Links, harness: ClusterHarness) => Promise<void>,
): ClusterCase {
  return {
    name,
    async run(harness) {
      const connect = () => ClusterListener.connect(harness.port)
      const links: Links = [await connect(), await connect(), await connect()]
      try {
        await run(links, harness)
        same(
          links.map(link => link.reentrant_events),
          [0, 0, 0],
          'events raised from within a call',
        )
      } finally {
        for (const link of links) link.destroy()
      }
    },
  }
}

/** Returns a case like {@link with_links}, and starts the broker again afterwards. */
function with_faults(
  name: string,
  run: (links: Links, harness: ClusterHarness) => Promise<void>,
): ClusterCase {
  const { run: run_links } = with_links(name, run)
  return { name, run: harness => run_links(harness).finally(() => harness.start()) }
}

/** Checks the behaviour of a link whose connection has ended. */
async function has_ended(link: ClusterListener): Promise<void> {
  const on = channel()
  await rejects(link.subscribe(on), 'subscribe on a link that has ended')
  await rejects(link.sync(), 'sync on a link that has ended')
  link.publish(on, text('dropped'))
  link.unsubscribe(on)
  await link.close()
  link.destroy()
}

/**
 * The requirements of every cluster port, to be tested with a real broker of each kind. Each case is named
 * after a fact, and fails by rejecting.
 */
export const cluster_port_cases: readonly ClusterCase[] = [
  with_links(
    'a message reaches every link that subscribes to its channel, and no other',
    async (links, { echoes }) => {
      const [common, of_first, unsubscribed] = [channel(), channel(), channel()]
      await Promise.all(links.map(link => link.subscribe(common)))
      await links[0].subscribe(of_first)
      for (const [index, link] of links.entries()) {
        link.publish(unsubscribed, text('nobody'))
        link.publish(of_first, text(`for first from ${index}`))
        link.publish(common, text(`from ${index}`))
      }
      for (const [index, link] of links.entries()) {
        const others = [0, 1, 2].filter(other => echoes || other !== index)
        const expected = others.map(other => `from ${other}`)
        await link.has(expected.length * (index === 0 ? 2 : 1))
        await link.sync()
        same(words_of(link, common).sort(), expected, `messages of link ${index}`)
        const for_first = index === 0 ? expected.map(word => `for first ${word}`) : []
        same(
          words_of(link, of_first).sort(),
          for_first,
          `messages of link ${index} on the channel of the first link`,
        )
        same(words_of(link, unsubscribed), [], `messages of link ${index} on a channel without subscribers`)
      }
    },
  ),
  with_links(
    'the messages of each link arrive whole and in order, and do not change afterwards',
    async ([a, b, c]) => {
      const on = channel()
      await c.subscribe(on)
      for (let index = 0; index < 2_000; index += 1) {
        a.publish(on, numbered(index * 2))
        b.publish(on, numbered(index * 2 + 1))
        if (index % 100 === 0) await Promise.all([a.sync(), b.sync()])
      }
      await c.has(4_000)
      const numbers = c.received_messages.map(({ bytes }) => number_of(bytes))
      for (const parity of [0, 1]) {
        const of_one = numbers.filter(number => number % 2 === parity)
        same(
          of_one,
          Array.from({ length: 2_000 }, (_, index) => index * 2 + parity),
          'the order',
        )
      }
    },
  ),
  with_links(
    'every byte value, an empty message and a message of the largest size arrive unchanged',
    async ([a, b], { max_payload_bytes }) => {
      const on = channel()
      await b.subscribe(on)
      const largest = Math.min(max_payload_bytes, a.max_bytes)
      const payloads = [
        Uint8Array.from({ length: 256 }, (_, byte) => byte),
        new Uint8Array(0),
        text('\r\n$5\r\nMSG x 1 5\r\n'),
        Uint8Array.from({ length: largest }, (_, index) => index % 251),
        // A view of a larger buffer.
        Uint8Array.from({ length: 1_000 }, (_, index) => index % 256).subarray(100, 900),
      ]
      for (const payload of payloads) a.publish(on, payload)
      await b.has(payloads.length)
      for (const [index, { channel: named, bytes }] of b.received_messages.entries()) {
        same(named, on, 'the channel')
        same(
          bytes instanceof Uint8Array && equal(bytes, payloads[index] as Uint8Array),
          true,
          `payload ${index} is unchanged`,
        )
      }
    },
  ),
  with_links('a message that is published after subscribe has resolved arrives', async ([a, b]) => {
    const channels = Array.from({ length: 200 }, channel)
    for (const on of channels) {
      await a.subscribe(on)
      b.publish(on, text(on))
    }
    await a.has(channels.length)
    same(words_of(a).sort(), [...channels].sort(), 'messages')
  }),
  with_links(
    'one call subscribes to 10,000 channels, and one call unsubscribes from them',
    async ([a, b, c]) => {
      const channels = Array.from({ length: 10_000 }, channel)
      await Promise.all([a.subscribe(...channels), c.subscribe(...channels)])
      for (const on of channels) b.publish(on, text(on))
      await a.has(channels.length)
      same(
        a.received_messages.every(({ channel: on, bytes }) => equal(bytes, text(on))),
        true,
        'each message came on its channel',
      )
      a.unsubscribe(...channels)
      await a.sync()
      for (const on of channels) b.publish(on, text(on))
      await c.has(channels.length * 2)
      await a.sync()
      same(a.received_messages.length, channels.length, 'messages in all')
    },
  ),
  with_links('subscribing again right after unsubscribing delivers each message once', async ([a, b]) => {
    const [settled, at_once] = [channel(), channel()]
    await a.subscribe(settled)
    a.unsubscribe(settled)
    const first = a.subscribe(at_once)
    a.unsubscribe(at_once)
    const again = a.subscribe(settled, at_once)
    await Promise.allSettled([first])
    await again
    for (const on of [settled, at_once]) for (const word of ['once', 'last']) b.publish(on, text(word))
    await a.has(4)
    await a.sync()
    for (const on of [settled, at_once]) same(words_of(a, on), ['once', 'last'], 'messages')
  }),
  with_links(
    'a channel that is subscribed to again while unsubscribing is pending stays subscribed',
    async ([a, b]) => {
      const channels = Array.from({ length: 3_000 }, channel)
      const first = a.subscribe(...channels)
      // The broker answers this many only in several pieces.
      a.unsubscribe(...channels)
      await Promise.allSettled([first])
      await a.subscribe(...channels)
      await a.sync()
      for (const on of channels) b.publish(on, text(on))
      await b.sync()
      await a.sync()
      same(words_of(a).length, channels.length, 'number of messages')
    },
  ),
  with_links(
    'after a storm of subscribing and unsubscribing, the last call for each channel counts',
    async ([a, b, c]) => {
      const channels = Array.from({ length: 50 }, channel)
      const subscribed = new Set<string>()
      const subscriptions: Promise<void>[] = []
      await c.subscribe(...channels)
      for (let step = 0; step < 2_000; step += 1) {
        const on = channels[(step * step * 31 + step * 7) % channels.length] as string
        if (subscribed.delete(on)) a.unsubscribe(on)
        else {
          subscribed.add(on)
          subscriptions.push(a.subscribe(on))
        }
        // From time to time, the broker gets to answer some of the calls.
        if (step % 40 === 39) await b.sync()
      }
      await Promise.allSettled(subscriptions)
      await a.sync()
      for (const on of channels) b.publish(on, text('still there'))
      await c.has(channels.length)
      await a.sync()
      const received_on = new Set(a.received_messages.map(({ channel: on }) => on))
      same([...received_on].sort(), [...subscribed].sort(), 'channels with a message')
      same(a.received_messages.length, subscribed.size, 'number of messages')
    },
  ),
  with_links(
    'messages that were published before sync arrive even if the link is then destroyed',
    async ([a, b]) => {
      const on = channel()
      await b.subscribe(on)
      for (let index = 0; index < 1_000; index += 1) a.publish(on, numbered(index))
      await a.sync()
      a.destroy()
      await b.has(1_000)
      same(
        b.received_messages.every(({ bytes }, index) => number_of(bytes) === index),
        true,
        'all in order',
      )
    },
  ),
  with_links('close sends all published messages, and no event follows the call', async ([a, b, c]) => {
    const on = channel()
    await Promise.all([a.subscribe(on), b.subscribe(on), c.subscribe(on)])
    for (let index = 0; index < 1_000; index += 1) a.publish(on, numbered(index))
    const closing = a.close()
    const received_before = a.received_messages.length
    await closing
    await b.has(1_000)
    c.publish(on, text('late'))
    await b.has(1_001)
    same(words_of(b).at(-1), 'late', 'the last message')
    await has_ended(a)
    same(
      [a.received_messages.length - received_before, a.losses.length, a.refusals.length],
      [0, 0, 0],
      'events',
    )
  }),
  with_links('destroy rejects pending calls, and no event follows it', async ([a, b, c]) => {
    const on = channel()
    await Promise.all([a.subscribe(on), b.subscribe(on)])
    a.unsubscribe(on)
    const waiting = [a.sync(), a.subscribe(channel()), a.subscribe(on), a.sync()].map(promise =>
      rejects(promise, 'a pending call'),
    )
    const received_before = a.received_messages.length
    a.destroy()
    await Promise.all(waiting)
    c.publish(on, text('late'))
    await b.has(1)
    await has_ended(a)
    same(
      [a.received_messages.length - received_before, a.losses.length, a.refusals.length],
      [0, 0, 0],
      'events',
    )
  }),
  with_faults(
    'when the broker stops, each link reports the loss once, and every later call fails',
    async (links, { stop }) => {
      const on = channel()
      await Promise.all(links.map(link => link.subscribe(on)))
      await stop()
      await Promise.all(links.map(link => link.is_lost()))
      await Promise.all(links.map(has_ended))
      same(
        links.map(link => [link.losses.length, link.losses[0]?.message !== '']),
        links.map(() => [1, true]),
        'losses',
      )
    },
  ),
  with_faults(
    'calls that wait for a suspended broker are rejected when it dies',
    async ([a, b, c], { pause, kill }) => {
      await pause()
      a.publish(channel(), text('unconfirmed'))
      const closing = b.close()
      // The sink is notified before pending calls are rejected.
      const on = channel()
      const first = a.subscribe(on)
      a.unsubscribe(on)
      const waiting = [a.sync(), first, a.subscribe(on)].map(promise =>
        rejects(promise, 'a pending call').then(() => same(a.losses.length, 1, 'losses by then')),
      )
      await kill()
      await Promise.all(waiting)
      await closing
      await Promise.all([a.is_lost(), c.is_lost()])
      same([a.losses.length, b.losses.length, c.losses.length], [1, 0, 1], 'losses')
    },
  ),
  with_faults(
    'a port connects again once the broker is back, and not before',
    async ([a, b], { port, stop, start }) => {
      await stop()
      await Promise.all([a.is_lost(), b.is_lost()])
      await rejects(ClusterListener.connect(port), 'connecting to a stopped broker')
      await start()
      const [one, other] = [await ClusterListener.connect(port), await ClusterListener.connect(port)]
      const on = channel()
      await one.subscribe(on)
      other.publish(on, text('back'))
      await one.has(1)
      same(words_of(one), ['back'], 'messages')
      await Promise.all([one.close(), other.close()])
    },
  ),
]
