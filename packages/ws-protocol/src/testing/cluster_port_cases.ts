import type { ClusterPort } from '../broker/cluster_port.js'
import { ClusterListener } from './cluster_listener.js'

/** A broker of one kind, for the cases: it runs, and does so again when a case is over. */
export interface ClusterHarness {
  /** A port to it. */
  readonly port: ClusterPort
  /** Whether what a link publishes comes back to it. */
  readonly echoes: boolean
  /** The largest payload to be tried, in bytes; `max_bytes` where that is less. */
  readonly most_bytes: number
  /** Ends the broker in order. */
  stop(): Promise<void>
  /** Ends it without a word. */
  kill(): Promise<void>
  /** Lets it stand still with its connections open. */
  pause(): Promise<void>
  /** Starts it again where it was. */
  start(): Promise<void>
}

/** One thing that every cluster port must do. */
export interface ClusterCase {
  /** What holds, as a fact. */
  readonly name: string
  /** Tries it; rejects where it does not hold. */
  run(harness: ClusterHarness): Promise<void>
}

/** Three links to one broker. */
type Links = readonly [ClusterListener, ClusterListener, ClusterListener]

let made = 0

/** The name of a channel that no other case has. */
function channel(): string {
  made += 1
  return `bt.case.${made}`
}

function numbered(index: number): Uint8Array {
  // Sizes of all kinds, among them some that do not fit into what is read at a time.
  const bytes = new Uint8Array(4 + ((index * index * 37) % (index % 97 === 0 ? 150_000 : 500)))
  new DataView(bytes.buffer).setUint32(0, index)
  return bytes.fill(index % 251, 4)
}

/** The number that bytes were made with; throws when they are not as they were made. */
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

/** A case of three links, which are destroyed after it, and were told nothing at a wrong time. */
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
          links.map(link => link.told_within_call),
          [0, 0, 0],
          'how often something was told from within a call',
        )
      } finally {
        for (const link of links) link.destroy()
      }
    },
  }
}

/** As {@link with_links}, and the broker is back after it. */
function with_faults(
  name: string,
  run: (links: Links, harness: ClusterHarness) => Promise<void>,
): ClusterCase {
  const { run: run_links } = with_links(name, run)
  return { name, run: harness => run_links(harness).finally(() => harness.start()) }
}

/** What a link does that has lost its connection. */
async function is_over(link: ClusterListener): Promise<void> {
  const on = channel()
  await rejects(link.subscribe(on), 'subscribe on a link that is over')
  await rejects(link.sync(), 'sync on a link that is over')
  link.publish(on, text('nobody hears this'))
  link.unsubscribe(on)
  await link.close()
  link.destroy()
}

/** What every cluster port must do, tried on a real broker of every kind. Each case names a fact and fails by rejecting. */
export const cluster_port_cases: readonly ClusterCase[] = [
  with_links('what a link publishes comes to every link that has subscribed', async (links, { echoes }) => {
    const [common, of_first, of_nobody] = [channel(), channel(), channel()]
    await Promise.all(links.map(link => link.subscribe(common)))
    await links[0].subscribe(of_first)
    for (const [index, link] of links.entries()) {
      link.publish(of_nobody, text('nobody'))
      link.publish(of_first, text(`for first from ${index}`))
      link.publish(common, text(`from ${index}`))
    }
    for (const [index, link] of links.entries()) {
      const others = [0, 1, 2].filter(other => echoes || other !== index)
      const expected = others.map(other => `from ${other}`)
      await link.has(expected.length * (index === 0 ? 2 : 1))
      await link.sync()
      same(words_of(link, common).sort(), expected, `what link ${index} got`)
      const for_first = index === 0 ? expected.map(word => `for first ${word}`) : []
      same(words_of(link, of_first).sort(), for_first, `what link ${index} got that is for the first`)
      same(words_of(link, of_nobody), [], `what link ${index} got that is for nobody`)
    }
  }),
  with_links(
    'what each link publishes on a channel comes whole and in order, and stays as it is',
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
    'every byte, nothing at all, and as much as there may be comes as it was',
    async ([a, b], { most_bytes }) => {
      const on = channel()
      await b.subscribe(on)
      const most = Math.min(most_bytes, a.max_bytes)
      const payloads = [
        Uint8Array.from({ length: 256 }, (_, byte) => byte),
        new Uint8Array(0),
        text('\r\n$5\r\nMSG x 1 5\r\n'),
        Uint8Array.from({ length: most }, (_, index) => index % 251),
        // A view into something larger.
        Uint8Array.from({ length: 1_000 }, (_, index) => index % 256).subarray(100, 900),
      ]
      for (const payload of payloads) a.publish(on, payload)
      await b.has(payloads.length)
      for (const [index, { channel: named, bytes }] of b.received_messages.entries()) {
        same(named, on, 'the channel')
        same(
          bytes instanceof Uint8Array && equal(bytes, payloads[index] as Uint8Array),
          true,
          `payload ${index} as it was`,
        )
      }
    },
  ),
  with_links('what is published once subscribe has settled arrives', async ([a, b]) => {
    const channels = Array.from({ length: 200 }, channel)
    for (const on of channels) {
      await a.subscribe(on)
      b.publish(on, text(on))
    }
    await a.has(channels.length)
    same(words_of(a).sort(), [...channels].sort(), 'what came')
  }),
  with_links('10,000 channels are subscribed in one call, and end in one', async ([a, b, c]) => {
    const channels = Array.from({ length: 10_000 }, channel)
    await Promise.all([a.subscribe(...channels), c.subscribe(...channels)])
    for (const on of channels) b.publish(on, text(on))
    await a.has(channels.length)
    same(
      a.received_messages.every(({ channel: on, bytes }) => equal(bytes, text(on))),
      true,
      'each came on its channel',
    )
    a.unsubscribe(...channels)
    await a.sync()
    for (const on of channels) b.publish(on, text(on))
    await c.has(channels.length * 2)
    await a.sync()
    same(a.received_messages.length, channels.length, 'messages in all')
  }),
  with_links('subscribing again right after unsubscribing delivers once', async ([a, b]) => {
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
    for (const on of [settled, at_once]) same(words_of(a, on), ['once', 'last'], 'what came')
  }),
  with_links('what is subscribed to again while its end is under way stands', async ([a, b]) => {
    const channels = Array.from({ length: 3_000 }, channel)
    const first = a.subscribe(...channels)
    // More than is answered at once.
    a.unsubscribe(...channels)
    await Promise.allSettled([first])
    await a.subscribe(...channels)
    await a.sync()
    for (const on of channels) b.publish(on, text(on))
    await b.sync()
    await a.sync()
    same(words_of(a).length, channels.length, 'how many came')
  }),
  with_links('a storm of subscribing and unsubscribing ends as was asked last', async ([a, b, c]) => {
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
      // Now and then, part of it has been answered.
      if (step % 40 === 39) await b.sync()
    }
    await Promise.allSettled(subscriptions)
    await a.sync()
    for (const on of channels) b.publish(on, text('still there'))
    await c.has(channels.length)
    await a.sync()
    const heard = new Set(a.received_messages.map(({ channel: on }) => on))
    same([...heard].sort(), [...subscribed].sort(), 'channels that were heard')
    same(a.received_messages.length, subscribed.size, 'how often')
  }),
  with_links(
    'what was published before sync arrives though the link is destroyed after it',
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
  with_links('close sends what was published, and nothing is told after it', async ([a, b, c]) => {
    const on = channel()
    await Promise.all([a.subscribe(on), b.subscribe(on), c.subscribe(on)])
    for (let index = 0; index < 1_000; index += 1) a.publish(on, numbered(index))
    const closing = a.close()
    const told = a.received_messages.length
    await closing
    await b.has(1_000)
    c.publish(on, text('late'))
    await b.has(1_001)
    same(words_of(b).at(-1), 'late', 'what came last')
    await is_over(a)
    same([a.received_messages.length - told, a.losses.length, a.refusals.length], [0, 0, 0], 'what was told')
  }),
  with_links('destroy rejects what waits, and nothing is told after it', async ([a, b, c]) => {
    const on = channel()
    await Promise.all([a.subscribe(on), b.subscribe(on)])
    a.unsubscribe(on)
    const waiting = [a.sync(), a.subscribe(channel()), a.subscribe(on), a.sync()].map(promise =>
      rejects(promise, 'what waited'),
    )
    const told = a.received_messages.length
    a.destroy()
    await Promise.all(waiting)
    c.publish(on, text('late'))
    await b.has(1)
    await is_over(a)
    same([a.received_messages.length - told, a.losses.length, a.refusals.length], [0, 0, 0], 'what was told')
  }),
  with_faults(
    'a broker that stops is told once to each link, and every call fails then',
    async (links, { stop }) => {
      const on = channel()
      await Promise.all(links.map(link => link.subscribe(on)))
      await stop()
      await Promise.all(links.map(link => link.is_lost()))
      await Promise.all(links.map(is_over))
      same(
        links.map(link => [link.losses.length, link.losses[0]?.message !== '']),
        links.map(() => [1, true]),
        'losses',
      )
    },
  ),
  with_faults(
    'what waits for a broker that stands still and dies is rejected',
    async ([a, b, c], { pause, kill }) => {
      await pause()
      a.publish(channel(), text('who knows'))
      const closing = b.close()
      // Who waits hears of it after the sink has.
      const on = channel()
      const first = a.subscribe(on)
      a.unsubscribe(on)
      const waiting = [a.sync(), first, a.subscribe(on)].map(promise =>
        rejects(promise, 'what waited').then(() => same(a.losses.length, 1, 'losses by then')),
      )
      await kill()
      await Promise.all(waiting)
      await closing
      await Promise.all([a.is_lost(), c.is_lost()])
      same([a.losses.length, b.losses.length, c.losses.length], [1, 0, 1], 'losses')
    },
  ),
  with_faults(
    'a port connects anew when the broker is back, and not before',
    async ([a, b], { port, stop, start }) => {
      await stop()
      await Promise.all([a.is_lost(), b.is_lost()])
      await rejects(ClusterListener.connect(port), 'connecting to a broker that is away')
      await start()
      const [one, other] = [await ClusterListener.connect(port), await ClusterListener.connect(port)]
      const on = channel()
      await one.subscribe(on)
      other.publish(on, text('back'))
      await one.has(1)
      same(words_of(one), ['back'], 'what came')
      await Promise.all([one.close(), other.close()])
    },
  ),
]
