import { describe, expect, test } from 'vitest'
import { ClusterOfNodes, KINDS, type Node } from './cluster_of_nodes.ts'
import { Wire } from './wire.ts'

const numbers_of = (count: number, from = 1): number[] => Array.from({ length: count }, (_, i) => from + i)

describe.concurrent.each(KINDS)('over %s', kind => {
  test('what each of three servers publishes reaches the members on each, once and in order', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 3)
    const members = await Promise.all(cluster.nodes.map(node => node.member('news')))
    for (let turn = 0; turn < 50; turn += 1)
      await Promise.all(cluster.nodes.map(node => node.publish('news', 20)))
    for (const member of members) {
      for (const { name } of cluster.nodes) {
        await member.has_got(name, 1_000)
        expect(member.numbers(name)).toEqual(numbers_of(1_000))
      }
    }
    for (const node of cluster.nodes) {
      const { stats } = await node.stats_are(({ stats }) => stats.published === 1_000 && stats.nodes === 3)
      expect(stats).toMatchObject({ received: 2_000, refused: 0, lost: 0, outages: 0, queued_bytes: 0 })
    }
  })

  test('who says something to a topic does not get it back, and all others do', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 3)
    const members = await Promise.all(cluster.nodes.map(node => node.member('news')))
    for (const [i, member] of members.entries()) member.send(`say news from ${i}`)
    for (const [i, member] of members.entries()) {
      const others = [0, 1, 2].filter(other => other !== i).map(other => `from ${other}`)
      for (const text of others) await member.hears(heard => heard === text)
      // Behind what was said, in the same topic, by each server.
      await Promise.all(
        cluster.nodes.map(async node =>
          member.has_got(node.name, (await node.publish('news', 1))[0]?.number ?? 0),
        ),
      )
      expect(member.texts.entries.filter(text => text.startsWith('from')).sort()).toEqual(others)
    }
  })

  test('10,000 topics: each gets what is its own, on the servers that have it', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 3)
    const [a, b, c] = cluster.nodes as [Node, Node, Node]
    const all = Array.from({ length: 10_000 }, (_, i) => `t${i}`)
    const [even, every] = [await b.member(), await c.member()]
    await even.ask(`join ${all.filter((_, i) => i % 2 === 0).join(',')}`, text => text === 'joined: 5000')
    await every.ask(`join ${all.join(',')}`, text => text === 'joined: 10000')
    expect((await b.stats()).stats.subscriptions).toBe(5_000)
    expect((await c.stats()).stats.subscriptions).toBe(10_000)
    await a.ask({ do: 'publish_to_each', topics: 10_000 }, 'published')
    await Promise.all([even.has_got('a', 9_999), every.has_got('a', 10_000)])
    // What is behind them in the same topics has come: then nothing is missing before it.
    await a.ask({ do: 'publish_to_each', topics: 10_000 }, 'published')
    await Promise.all([even.has_got('a', 19_999), every.has_got('a', 20_000)])
    const sorted = (numbers: number[]): number[] =>
      numbers.filter(number => number <= 10_000).sort((x, y) => x - y)
    expect(sorted(every.numbers('a'))).toEqual(numbers_of(10_000))
    expect(sorted(even.numbers('a'))).toEqual(numbers_of(10_000).filter(number => number % 2 === 1))
  })

  test('a server without a member of a topic receives no byte of it', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 2)
    const [a, c] = cluster.nodes as [Node, Node]
    await using wire = await Wire.to(cluster.broker.url)
    const b = await cluster.add('b', { url: wire.url })
    const [with_others, with_all] = [await b.member('other'), await c.member('news', 'other')]
    for (let turn = 0; turn < 100; turn += 1) await a.publish('news', 100, 200)
    await with_all.has_got('a', 10_000)
    // What comes behind it has come.
    await a.publish('other', 1)
    await with_others.has_got('a', 10_001)
    const bytes = Buffer.concat(wire.from_broker)
    expect([bytes.includes('topic.other'), bytes.includes('a 10001 ')]).toEqual([true, true])
    expect([bytes.includes('topic.news'), bytes.includes('....')]).toEqual([false, false])
    console.log(
      `${kind}: 10,000 messages of 200 bytes were published, and ${bytes.length} bytes came, of all else`,
    )
    expect((await b.stats()).stats.received).toBe(1)
  })

  test('a topic that is joined and left in a storm ends as it was left, and what is published after a join arrives', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 2)
    const [a, b] = cluster.nodes as [Node, Node]
    const member = await b.member()
    for (let round = 0; round < 300; round += 1) {
      for (let topic = 0; topic < 10; topic += 1)
        member.send(`${(round * 7 + topic * 3) % 5 < 2 ? 'leave' : 'join'} t${topic}`)
    }
    for (let round = 0; round < 20; round += 1) {
      await member.ask('join storm', text => text === 'joined: storm')
      const [published] = await a.publish('storm', 1)
      await member.has_got('a', published?.number ?? 0)
      await member.ask('leave storm', text => text === 'left: storm')
      await a.publish('storm', 1)
    }
    // What was published while it was out may come, where it has joined again by then.
    const odd = member.numbers('a').filter(number => number % 2 === 1)
    expect(odd).toEqual(numbers_of(20).map(i => 2 * i - 1))
    const joined = numbers_of(10, 0).filter(topic => (299 * 7 + topic * 3) % 5 >= 2)
    expect(
      (await b.stats_are(({ stats }) => stats.subscriptions === joined.length)).stats.subscriptions,
    ).toBe(joined.length)
    await a.ask({ do: 'publish_to_each', topics: 10 }, 'published')
    await member.has_got('a', 40 + (joined.at(-1) ?? 0) + 1)
    expect(member.numbers('a').filter(number => number > 40)).toEqual(joined.map(topic => 41 + topic))
  })

  test('a broadcast to the cluster reaches all sockets of all servers', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 3)
    const members = await Promise.all(cluster.nodes.flatMap(node => [node.member(), node.member()]))
    cluster.nodes[1]?.order({ do: 'broadcast' })
    for (const member of members) await member.has_got('b', 1)
  })

  test('servers know each other, with how many sockets each has, and who closes is gone', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 2)
    await cluster.nodes[0]?.member()
    const late = await cluster.add('late')
    const { nodes } = await late.stats_are(({ nodes }) => nodes.length === 3)
    expect(nodes.map(({ is_self }) => is_self)).toEqual([true, false, false])
    expect(nodes.reduce((sum, { sockets }) => sum + sockets, 0)).toBe(1)
    await late.ask({ do: 'close' }, 'closed')
    for (const node of cluster.nodes.slice(0, 2)) await node.stats_are(told => told.nodes.length === 2)
  })

  test('60,000 joins and leaves over 10,000 topics leave neither memory nor subscriptions behind', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 1)
    const [a] = cluster.nodes as [Node]
    await a.member()
    const { heap_bytes } = await a.ask({ do: 'churn', topics: 10_000, times: 60_000 }, 'churned')
    const [before = 0, halfway = 0, after = 0] = heap_bytes
    console.log(`${kind}: heap of ${before} bytes before, ${halfway} halfway, ${after} after`)
    // Ten bytes for each join and leave of the second half: less than anything takes that is kept.
    expect(after - halfway).toBeLessThan(300_000)
    await a.stats_are(({ stats }) => stats.subscriptions === 0)
    expect(a.errors).toEqual([])
  })

  test('a server that closes while others publish hands on all up to the Close of its sockets, and nothing fails', async () => {
    await using cluster = await ClusterOfNodes.start(kind, 3)
    const [a, b, c] = cluster.nodes as [Node, Node, Node]
    const [leaving, staying] = [await b.member('news'), await c.member('news')]
    a.order({ do: 'stream', topic: 'news', size: 200, every_ms: 1 })
    await leaving.has_got('a', 100)
    await b.ask({ do: 'close' }, 'closed')
    expect(leaving.numbers('a')).toEqual(numbers_of(leaving.numbers('a').length))
    const { messages } = await a.ask({ do: 'stop_stream' }, 'published')
    await staying.has_got('a', messages.length)
    expect(staying.numbers('a')).toEqual(numbers_of(messages.length))
    for (const node of cluster.nodes) expect(node.errors).toEqual([])
    expect((await a.stats()).stats).toMatchObject({ lost: 0, outages: 0 })
  })

  test('a message above the limit of the broker is refused before it is sent', async () => {
    await using cluster = await ClusterOfNodes.start(
      kind,
      2,
      kind === 'nats' ? { config: 'max_payload: 65536' } : {},
    )
    const [a, b] = cluster.nodes as [Node, Node]
    const member = await b.member('news')
    const limit = kind === 'nats' ? 65_536 : 8 * 1_048_576
    await a.stats_are(({ stats }) => stats.is_connected)
    const [too_large] = await a.publish('news', 1, limit)
    const [largest] = await a.publish('news', 1, limit - 28)
    expect([too_large?.result, largest?.result]).toEqual(['too_large', 'taken'])
    await member.has_got('a', 2)
    expect(member.numbers('a')).toEqual([2])
    const { stats } = await a.stats_are(told => told.stats.published === 1)
    expect(stats).toMatchObject({ refused: 1, lost: 0, outages: 0 })
    expect([a.errors, b.errors]).toEqual([[], []])
  })
})
