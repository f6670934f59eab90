import { describe, expect, test } from 'vitest'
import type { Published } from '../src/node_protocol.ts'
import { BrokerProxy } from './broker_proxy.ts'
import { BROKER_KINDS, type Member, type Node, TestCluster } from './test_cluster.ts'

/** What happened to one server's messages on their way to a member of another server. */
interface DeliveryTally {
  readonly published: number
  readonly refused: number
  readonly delivered: number
  /** Messages that were accepted but did not arrive. */
  readonly missing: readonly Published[]
}

/** Tallies deliveries; fails if a message arrived twice, out of order, or despite being refused. */
function tally_deliveries(published: readonly Published[], from: Node, member: Member): DeliveryTally {
  const numbers = member.numbers_from(from.name)
  const delivered = new Set(numbers)
  expect(numbers).toEqual([...delivered].sort((a, b) => a - b))
  const accepted = published.filter(({ result }) => result === 'accepted')
  const accepted_numbers = new Set(accepted.map(({ number }) => number))
  expect(numbers.filter(number => !accepted_numbers.has(number))).toEqual([])
  return {
    published: published.length,
    refused: published.length - accepted.length,
    delivered: delivered.size,
    missing: accepted.filter(({ number }) => !delivered.has(number)),
  }
}

function log_tally(fault: string, tally: DeliveryTally, reported_lost: number): void {
  const { published, refused, delivered, missing } = tally
  console.log(
    `${fault}: ${published} published, ${refused} refused, ${delivered} delivered, ${missing.length} missing, ${reported_lost} reported as lost`,
  )
}

/** Stops a stream, waits until the members have received its end, and returns all published messages. */
async function end_stream(node: Node, members: readonly Member[]): Promise<readonly Published[]> {
  const { messages } = await node.request({ command: 'stop_stream' }, 'published')
  const last = await node.publish('news', 1)
  await Promise.all(members.map(member => member.wait_for_number(node.name, last[0]?.number ?? 0)))
  return [...messages, ...last]
}

describe.concurrent.each(BROKER_KINDS)('over %s', kind => {
  // First, since it takes the longest.
  test('a paused broker counts as lost after 10 seconds, and is used again when it resumes', async () => {
    await using cluster = await TestCluster.start(kind, 2)
    const [a, b] = cluster.nodes as [Node, Node]
    const member = await b.connect_member('news')
    await a.wait_for_stats(({ stats }) => stats.nodes === 2)
    await cluster.broker.pause()
    await a.publish('news', 1)
    const { message } = await a.next('error')
    expect(message).toContain(
      'was lost: no answer for 10 seconds; 1 message had gone there and may not have arrived',
    )
    await b.next('error')
    const [queued] = await a.publish('news', 1)
    cluster.broker.resume()
    await member.wait_for_number('a', queued?.number ?? 0)
    expect((await a.stats()).stats).toMatchObject({ lost: 1, outages: 1 })
  })

  test('when a server is killed while it publishes, the others have all its messages up to one, and keep working', async () => {
    await using cluster = await TestCluster.start(kind, 3)
    const [a, b, c] = cluster.nodes as [Node, Node, Node]
    const members = [await b.connect_member('news'), await c.connect_member('news')] as const
    a.send({ command: 'stream', topic: 'news', size: 200, every_ms: 1 })
    await Promise.all(members.map(member => member.wait_for_number('a', 200)))
    await a.kill()
    for (const node of [b, c]) await node.publish('news', 100)
    for (const member of members) {
      for (const name of ['b', 'c']) await member.wait_for_number(name, 100)
      const numbers = member.numbers_from('a')
      expect(numbers).toEqual(numbers.map((_, i) => i + 1))
      expect([member.numbers_from('b').length, member.numbers_from('c').length]).toEqual([100, 100])
    }
    for (const node of [b, c]) expect((await node.stats()).stats).toMatchObject({ lost: 0, outages: 0 })
  })

  test('a server that is stopped for 3 seconds receives everything when it continues, and no server reports an error', async () => {
    await using cluster = await TestCluster.start(kind, 3)
    const [a, b, c] = cluster.nodes as [Node, Node, Node]
    const [stopped, running] = [await a.connect_member('news'), await b.connect_member('news')]
    c.send({ command: 'stream', topic: 'news', size: 200, every_ms: 1 })
    await stopped.wait_for_number('c', 50)
    a.signal('SIGSTOP')
    const last_number = running.numbers_from('c').at(-1) ?? 0
    await sleep(3_000)
    await running.wait_for_number('c', last_number + 100)
    a.signal('SIGCONT')
    const published = await end_stream(c, [stopped, running])
    for (const member of [stopped, running]) {
      const tally = tally_deliveries(published, c, member)
      expect(tally.missing).toEqual([])
      log_tally(`${kind}, a server is stopped`, tally, 0)
    }
    for (const node of cluster.nodes) expect(node.errors).toEqual([])
  })

  test.each(['stop', 'kill'] as const)(
    'after a %s and restart of the broker, local delivery was never interrupted, and messages published after the outage was reported arrive',
    async end => {
      await using cluster = await TestCluster.start(kind, 3)
      const [a, b, c] = cluster.nodes as [Node, Node, Node]
      const members = [await b.connect_member('news'), await c.connect_member('news')] as const
      const local = await a.connect_member('news')
      a.send({ command: 'stream', topic: 'news', size: 200, every_ms: 1 })
      await Promise.all(members.map(member => member.wait_for_number('a', 100)))
      await cluster.broker[end]()
      const errors = await Promise.all(cluster.nodes.map(node => node.next('error')))
      for (const { code } of errors) expect(code).toBe('cluster_unavailable')
      const last_number = local.numbers_from('a').at(-1) ?? 0
      await local.wait_for_number('a', last_number + 500)
      expect((await b.stats()).stats.is_connected).toBe(false)
      await cluster.broker.start()
      const published = await end_stream(a, [...members, local])
      expect(tally_deliveries(published, a, local)).toMatchObject({ refused: 0, missing: [] })
      const { lost } = (await a.stats()).stats
      const reported_by_all_ms = Math.max(...errors.map(({ at_ms }) => at_ms))
      for (const member of members) {
        const tally = tally_deliveries(published, a, member)
        log_tally(`${kind}, ${end} of the broker`, tally, lost)
        expect(tally.refused).toBe(0)
        expect(tally.missing.filter(({ at_ms }) => at_ms > reported_by_all_ms)).toEqual([])
      }
      for (const node of cluster.nodes) expect((await node.stats()).stats).toMatchObject({ outages: 1 })
      // New topics work as well.
      const late = await c.connect_member('later')
      await b.publish('later', 10)
      await late.wait_for_number('b', 10)
    },
  )

  test('a server that is cut off from the broker misses only messages of its reported outage, and other servers miss none', async () => {
    await using cluster = await TestCluster.start(kind, 2)
    const [a, c] = cluster.nodes as [Node, Node]
    await using proxy = await BrokerProxy.start(cluster.broker.url)
    const b = await cluster.add('b', { url: proxy.url })
    const [cut_off, other] = [await b.connect_member('news'), await c.connect_member('news')]
    a.send({ command: 'stream', topic: 'news', size: 200, every_ms: 1 })
    await cut_off.wait_for_number('a', 100)
    const arrived = cut_off.numbers_from('a').length
    proxy.cut()
    const { code } = await b.next('error')
    expect(code).toBe('cluster_unavailable')
    const own = await b.publish('news', 100)
    await other.wait_for_number('a', (other.numbers_from('a').at(-1) ?? 0) + 100)
    proxy.restore()
    await b.wait_for_stats(({ stats }) => stats.is_connected)
    const reconnected_ms = Date.now()
    const published = await end_stream(a, [cut_off, other])
    const tally = tally_deliveries(published, a, cut_off)
    log_tally(`${kind}, one server is cut off`, tally, 0)
    expect(tally.missing.length).toBeGreaterThan(0)
    expect(tally.missing.filter(({ number, at_ms }) => number <= arrived || at_ms > reconnected_ms)).toEqual(
      [],
    )
    expect(tally_deliveries(published, a, other)).toMatchObject({ refused: 0, missing: [] })
    await other.wait_for_number('b', 100)
    expect(tally_deliveries(own, b, other)).toMatchObject({ refused: 0, missing: [] })
    for (const node of [a, c]) expect([node.errors, (await node.stats()).stats.lost]).toEqual([[], 0])
    expect((await b.stats()).stats).toMatchObject({ outages: 1, lost: 0 })
  })

  test('while the broker is paused, a server refuses what exceeds its queue, and delivers every accepted message later', async () => {
    await using cluster = await TestCluster.start(kind, 1)
    const [b] = cluster.nodes as [Node]
    const a = await cluster.add('a', { max_cluster_queue: 2_000_000 })
    const [member, local] = [await b.connect_member('news'), await a.connect_member('news')]
    await a.wait_for_stats(({ stats }) => stats.is_connected)
    await cluster.broker.pause()
    const published: Published[] = []
    for (let turn = 0; turn < 40; turn += 1) published.push(...(await a.publish('news', 10, 10_000)))
    const { stats } = await a.stats()
    expect(stats.queued_bytes).toBeGreaterThan(1_900_000)
    cluster.broker.resume()
    await a.wait_for_stats(({ stats }) => stats.queued_bytes === 0)
    published.push(...(await a.publish('news', 1)))
    await Promise.all([member, local].map(each => each.wait_for_number('a', published.length)))
    const tally = tally_deliveries(published, a, member)
    log_tally(`${kind}, the broker is paused`, tally, 0)
    expect(tally.missing).toEqual([])
    expect(Math.abs(tally.refused - 200)).toBeLessThan(10)
    expect(new Set(published.map(({ result }) => result))).toEqual(
      new Set(['accepted', 'cluster_unavailable']),
    )
    expect(local.numbers_from('a').length).toBe(401)
    expect([a.errors, b.errors]).toEqual([[], []])
  })

  test('a server with wrong credentials serves its own sockets, and reports the reason without the password', async () => {
    const config = kind === 'nats' ? 'authorization { user: u, password: right }' : 'requirepass right'
    await using cluster = await TestCluster.start(kind, 0, { config })
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
    const member = await wrong.connect_member()
    expect(await member.request('join news', text => text.endsWith(': news'))).toBe(
      'cluster_unavailable: news',
    )
    await wrong.publish('news', 1)
    await member.wait_for_number('wrong', 1)
    await right.wait_for_stats(({ stats }) => stats.is_connected)
    expect(right.errors).toEqual([])
  })
})

/** Waits for time to pass; used only where the delay itself is the fault. */
function sleep(time_ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, time_ms))
}
