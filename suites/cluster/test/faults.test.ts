import { describe, expect, test } from 'vitest'
import type { Published } from '../src/words.ts'
import { ClusterOfNodes, KINDS, type Member, type Node } from './cluster_of_nodes.ts'
import { Wire } from './wire.ts'

/** What became of the messages of one server at the member of another. */
interface Account {
  readonly published: number
  readonly refused: number
  readonly delivered: number
  /** Numbers that were taken and did not arrive. */
  readonly missing: readonly Published[]
}

/** Draws up the account, and fails where something was doubled, came out of order, or came though it was refused. */
function account_of(published: readonly Published[], from: Node, member: Member): Account {
  const numbers = member.numbers(from.name)
  const delivered = new Set(numbers)
  expect(numbers).toEqual([...delivered].sort((a, b) => a - b))
  const taken = published.filter(({ result }) => result === 'taken')
  const known = new Set(taken.map(({ number }) => number))
  expect(numbers.filter(number => !known.has(number))).toEqual([])
  return {
    published: published.length,
    refused: published.length - taken.length,
    delivered: delivered.size,
    missing: taken.filter(({ number }) => !delivered.has(number)),
  }
}

function show(fault: string, { published, refused, delivered, missing }: Account, lost: number): void {
  console.log(
    `${fault}: ${published} published, ${refused} refused, ${delivered} delivered, ${missing.length} missing, ${lost} told to be lost`,
  )
}

/** Stops a stream, and settles with all that was published, when the members have got the end of it. */
async function end_stream(node: Node, members: readonly Member[]): Promise<readonly Published[]> {
  const { messages } = await node.ask({ do: 'stop_stream' }, 'published')
  const last = await node.publish('news', 1)
  await Promise.all(members.map(member => member.has_got(node.name, last[0]?.number ?? 0)))
  return [...messages, ...last]
}

describe.concurrent.each(KINDS)('over %s', kind => {
  // First, since it takes the longest.
  test('a broker that stands still for good is given up, and found again when it goes on', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 2)
    const [a, b] = cluster.nodes as [Node, Node]
    const member = await b.member('news')
    await a.stats_are(({ stats }) => stats.nodes === 2)
    await cluster.broker.pause()
    await a.publish('news', 1)
    const { message } = await a.next('error')
    expect(message).toContain(
      'was lost: no answer for 10 seconds; 1 message had gone there and may not have arrived',
    )
    await b.next('error')
    const [kept] = await a.publish('news', 1)
    cluster.broker.resume()
    await member.has_got('a', kept?.number ?? 0)
    expect((await a.stats()).stats).toMatchObject({ lost: 1, outages: 1 })
  })

  test('a server that is killed while it publishes: what the others got is what it sent up to then, and they go on', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 3)
    const [a, b, c] = cluster.nodes as [Node, Node, Node]
    const members = [await b.member('news'), await c.member('news')] as const
    a.order({ do: 'stream', topic: 'news', size: 200, every_ms: 1 })
    await Promise.all(members.map(member => member.has_got('a', 200)))
    await a.kill()
    for (const node of [b, c]) await node.publish('news', 100)
    for (const member of members) {
      for (const name of ['b', 'c']) await member.has_got(name, 100)
      const numbers = member.numbers('a')
      expect(numbers).toEqual(numbers.map((_, i) => i + 1))
      expect([member.numbers('b').length, member.numbers('c').length]).toEqual([100, 100])
    }
    for (const node of [b, c]) expect((await node.stats()).stats).toMatchObject({ lost: 0, outages: 0 })
  })

  test('a server that stands still for 3 seconds: it gets all of it then, and the others notice nothing', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 3)
    const [a, b, c] = cluster.nodes as [Node, Node, Node]
    const [stopped, running] = [await a.member('news'), await b.member('news')]
    c.order({ do: 'stream', topic: 'news', size: 200, every_ms: 1 })
    await stopped.has_got('c', 50)
    a.signal('SIGSTOP')
    const since = running.numbers('c').at(-1) ?? 0
    await after(3_000)
    await running.has_got('c', since + 100)
    a.signal('SIGCONT')
    const published = await end_stream(c, [stopped, running])
    for (const member of [stopped, running]) {
      const account = account_of(published, c, member)
      expect(account.missing).toEqual([])
      show(`${kind}, a server stands still`, account, 0)
    }
    for (const node of cluster.nodes) expect(node.errors).toEqual([])
  })

  test.each(['stop', 'kill'] as const)(
    'the broker ends by %s and starts again: sockets are served, all that was published after it was noticed arrives, and the rest was told',
    async end => {
      await using cluster = await ClusterOfNodes.start(kind, 3)
      const [a, b, c] = cluster.nodes as [Node, Node, Node]
      const members = [await b.member('news'), await c.member('news')] as const
      const local = await a.member('news')
      a.order({ do: 'stream', topic: 'news', size: 200, every_ms: 1 })
      await Promise.all(members.map(member => member.has_got('a', 100)))
      await cluster.broker[end]()
      const noticed = await Promise.all(cluster.nodes.map(node => node.next('error')))
      for (const { code } of noticed) expect(code).toBe('cluster_unavailable')
      const during = local.numbers('a').at(-1) ?? 0
      await local.has_got('a', during + 500)
      expect((await b.stats()).stats.is_connected).toBe(false)
      await cluster.broker.start()
      const published = await end_stream(a, [...members, local])
      expect(account_of(published, a, local)).toMatchObject({ refused: 0, missing: [] })
      const { lost } = (await a.stats()).stats
      const noticed_by_all_ms = Math.max(...noticed.map(({ at_ms }) => at_ms))
      for (const member of members) {
        const account = account_of(published, a, member)
        show(`${kind}, ${end} of the broker`, account, lost)
        expect(account.refused).toBe(0)
        expect(account.missing.filter(({ at_ms }) => at_ms > noticed_by_all_ms)).toEqual([])
      }
      for (const node of cluster.nodes) expect((await node.stats()).stats).toMatchObject({ outages: 1 })
      // All of it works as before.
      const late = await c.member('later')
      await b.publish('later', 10)
      await late.has_got('b', 10)
    },
  )

  test('one server is cut off: it misses no more than it was told of, and the others miss nothing', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 2)
    const [a, c] = cluster.nodes as [Node, Node]
    await using wire = await Wire.to(cluster.broker.url)
    const b = await cluster.add('b', { url: wire.url })
    const [cut_off, other] = [await b.member('news'), await c.member('news')]
    a.order({ do: 'stream', topic: 'news', size: 200, every_ms: 1 })
    await cut_off.has_got('a', 100)
    const arrived = cut_off.numbers('a').length
    wire.cut()
    const { code } = await b.next('error')
    expect(code).toBe('cluster_unavailable')
    const own = await b.publish('news', 100)
    await other.has_got('a', (other.numbers('a').at(-1) ?? 0) + 100)
    wire.mend()
    await b.stats_are(({ stats }) => stats.is_connected)
    const back_ms = Date.now()
    const published = await end_stream(a, [cut_off, other])
    const account = account_of(published, a, cut_off)
    show(`${kind}, one server is cut off`, account, 0)
    expect(account.missing.length).toBeGreaterThan(0)
    expect(account.missing.filter(({ number, at_ms }) => number <= arrived || at_ms > back_ms)).toEqual([])
    expect(account_of(published, a, other)).toMatchObject({ refused: 0, missing: [] })
    await other.has_got('b', 100)
    expect(account_of(own, b, other)).toMatchObject({ refused: 0, missing: [] })
    for (const node of [a, c]) expect([node.errors, (await node.stats()).stats.lost]).toEqual([[], 0])
    expect((await b.stats()).stats).toMatchObject({ outages: 1, lost: 0 })
  })

  test('a broker that stands still while more is published than may wait: what was taken arrives, and the rest was refused', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 1)
    const [b] = cluster.nodes as [Node]
    const a = await cluster.add('a', { max_cluster_queue: 2_000_000 })
    const [member, local] = [await b.member('news'), await a.member('news')]
    await a.stats_are(({ stats }) => stats.is_connected)
    await cluster.broker.pause()
    const published: Published[] = []
    for (let turn = 0; turn < 40; turn += 1) published.push(...(await a.publish('news', 10, 10_000)))
    const { stats } = await a.stats()
    expect(stats.queued_bytes).toBeGreaterThan(1_900_000)
    cluster.broker.resume()
    await a.stats_are(told => told.stats.queued_bytes === 0)
    published.push(...(await a.publish('news', 1)))
    await Promise.all([member, local].map(each => each.has_got('a', published.length)))
    const account = account_of(published, a, member)
    show(`${kind}, the broker stands still`, account, 0)
    expect(account.missing).toEqual([])
    expect(Math.abs(account.refused - 200)).toBeLessThan(10)
    expect(new Set(published.map(({ result }) => result))).toEqual(new Set(['taken', 'cluster_unavailable']))
    expect(local.numbers('a').length).toBe(401)
    expect([a.errors, b.errors]).toEqual([[], []])
  })

  test('wrong credentials: the server serves its own sockets, says why, and shows no password', async () => {
    const config = kind === 'nats' ? 'authorization { user: u, password: right }' : 'requirepass right'
    await using cluster = await ClusterOfNodes.start(kind, 0, { config })
    const user = kind === 'nats' ? 'u' : 'default'
    const url = (password: string): string => cluster.broker.url.replace('//', `//${user}:${password}@`)
    const [right, wrong] = [
      await cluster.add('right', { url: url('right') }),
      await cluster.add('wrong', { url: url('s3cret') }),
    ]
    const { code, message } = await wrong.next('error')
    expect(code).toBe('cluster_unavailable')
    expect(message).toMatch(/credentials|password/)
    expect(message).not.toContain('s3cret')
    const member = await wrong.member()
    expect(await member.ask('join news', text => text.endsWith(': news'))).toBe('cluster_unavailable: news')
    await wrong.publish('news', 1)
    await member.has_got('wrong', 1)
    await right.stats_are(({ stats }) => stats.is_connected)
    expect(right.errors).toEqual([])
  })
})

/** Time that is the fault itself. */
function after(time_ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, time_ms))
}
