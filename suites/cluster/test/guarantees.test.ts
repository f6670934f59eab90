import { describe, expect, test } from 'vitest'
import { leaked_bytes } from '../src/churn.ts'
import { BrokerProxy } from './broker_proxy.ts'
import { BROKER_KINDS, type Node, TestCluster } from './test_cluster.ts'

/** Returns `count` consecutive integers. */
const integers = (count: number, from = 1): number[] => Array.from({ length: count }, (_, i) => from + i)

describe.concurrent.each(BROKER_KINDS)('over %s', kind => {
  test('a message from any of three servers reaches the members on each, once and in order', async () => {
    await using cluster = await TestCluster.start(kind, 3)
    const members = await Promise.all(cluster.nodes.map(node => node.connect_member('news')))
    for (let turn = 0; turn < 50; turn += 1)
      await Promise.all(cluster.nodes.map(node => node.publish('news', 20)))
    for (const member of members) {
      for (const { name } of cluster.nodes) {
        await member.wait_for_number(name, 1_000)
        expect(member.numbers_from(name)).toEqual(integers(1_000))
      }
    }
    for (const node of cluster.nodes) {
      const { stats } = await node.wait_for_stats(
        ({ stats }) => stats.published === 1_000 && stats.nodes === 3,
      )
      expect(stats).toMatchObject({ received: 2_000, refused: 0, lost: 0, outages: 0, queued_bytes: 0 })
    }
  })

  test('a message published with except reaches all members but its sender', async () => {
    await using cluster = await TestCluster.start(kind, 3)
    const members = await Promise.all(cluster.nodes.map(node => node.connect_member('news')))
    for (const [i, member] of members.entries()) member.send(`say news from ${i}`)
    for (const [i, member] of members.entries()) {
      const others = [0, 1, 2].filter(other => other !== i).map(other => `from ${other}`)
      for (const expected of others) await member.wait_for_text(text => text === expected)
      // A later message in the same topic from each server: anything before it has arrived by then.
      await Promise.all(
        cluster.nodes.map(async node =>
          member.wait_for_number(node.name, (await node.publish('news', 1))[0]?.number ?? 0),
        ),
      )
      expect(member.texts.entries.filter(text => text.startsWith('from')).sort()).toEqual(others)
    }
  })

  test('each of 10,000 topics delivers its messages to the servers that subscribe to it', async () => {
    await using cluster = await TestCluster.start(kind, 3)
    const [a, b, c] = cluster.nodes as [Node, Node, Node]
    const topics = Array.from({ length: 10_000 }, (_, i) => `t${i}`)
    const [even, all] = [await b.connect_member(), await c.connect_member()]
    await even.request(
      `join ${topics.filter((_, i) => i % 2 === 0).join(',')}`,
      text => text === 'joined: 5000',
    )
    await all.request(`join ${topics.join(',')}`, text => text === 'joined: 10000')
    expect((await b.stats()).stats.subscriptions).toBe(5_000)
    expect((await c.stats()).stats.subscriptions).toBe(10_000)
    await a.request({ command: 'publish_to_each', topics: 10_000 }, 'published')
    await Promise.all([even.wait_for_number('a', 9_999), all.wait_for_number('a', 10_000)])
    // Once later messages in the same topics have arrived, no earlier one is still on its way.
    await a.request({ command: 'publish_to_each', topics: 10_000 }, 'published')
    await Promise.all([even.wait_for_number('a', 19_999), all.wait_for_number('a', 20_000)])
    const sorted = (numbers: number[]): number[] =>
      numbers.filter(number => number <= 10_000).sort((x, y) => x - y)
    expect(sorted(all.numbers_from('a'))).toEqual(integers(10_000))
    expect(sorted(even.numbers_from('a'))).toEqual(integers(10_000).filter(number => number % 2 === 1))
  })

  test('a server without a member of a topic receives no byte of it', async () => {
    await using cluster = await TestCluster.start(kind, 2)
    const [a, c] = cluster.nodes as [Node, Node]
    await using proxy = await BrokerProxy.start(cluster.broker.url)
    const b = await cluster.add('b', { url: proxy.url })
    const [in_other, in_both] = [await b.connect_member('other'), await c.connect_member('news', 'other')]
    for (let turn = 0; turn < 100; turn += 1) await a.publish('news', 100, 200)
    await in_both.wait_for_number('a', 10_000)
    // Once this later message has arrived, no earlier one is still on its way.
    await a.publish('other', 1)
    await in_other.wait_for_number('a', 10_001)
    const bytes = Buffer.concat(proxy.from_broker)
    expect([bytes.includes('topic.other'), bytes.includes('a 10001 ')]).toEqual([true, true])
    expect([bytes.includes('topic.news'), bytes.includes('....')]).toEqual([false, false])
    console.log(
      `${kind}: of 10,000 messages of 200 bytes none arrived, only ${bytes.length} bytes of other traffic`,
    )
    expect((await b.stats()).stats.received).toBe(1)
  })

  test('rapid joins and leaves of a topic end in the state of the last one, and a message published after a join arrives', async () => {
    await using cluster = await TestCluster.start(kind, 2)
    const [a, b] = cluster.nodes as [Node, Node]
    const member = await b.connect_member()
    for (let round = 0; round < 300; round += 1) {
      for (let topic = 0; topic < 10; topic += 1)
        member.send(`${(round * 7 + topic * 3) % 5 < 2 ? 'leave' : 'join'} t${topic}`)
    }
    for (let round = 0; round < 20; round += 1) {
      await member.request('join storm', text => text === 'joined: storm')
      const [published] = await a.publish('storm', 1)
      await member.wait_for_number('a', published?.number ?? 0)
      await member.request('leave storm', text => text === 'left: storm')
      await a.publish('storm', 1)
    }
    // Even numbers were published after a leave: those may arrive if the member has joined again by then.
    const odd = member.numbers_from('a').filter(number => number % 2 === 1)
    expect(odd).toEqual(integers(20).map(i => 2 * i - 1))
    const joined = integers(10, 0).filter(topic => (299 * 7 + topic * 3) % 5 >= 2)
    expect(
      (await b.wait_for_stats(({ stats }) => stats.subscriptions === joined.length)).stats.subscriptions,
    ).toBe(joined.length)
    await a.request({ command: 'publish_to_each', topics: 10 }, 'published')
    await member.wait_for_number('a', 40 + (joined.at(-1) ?? 0) + 1)
    expect(member.numbers_from('a').filter(number => number > 40)).toEqual(joined.map(topic => 41 + topic))
  })

  test('a broadcast to the cluster reaches all sockets of all servers', async () => {
    await using cluster = await TestCluster.start(kind, 3)
    const members = await Promise.all(
      cluster.nodes.flatMap(node => [node.connect_member(), node.connect_member()]),
    )
    cluster.nodes[1]?.send({ command: 'broadcast' })
    for (const member of members) await member.wait_for_number('b', 1)
  })

  test('nodes() lists each server with its number of sockets, and drops a server that closes', async () => {
    await using cluster = await TestCluster.start(kind, 2)
    await cluster.nodes[0]?.connect_member()
    const late = await cluster.add('late')
    const { nodes } = await late.wait_for_stats(({ nodes }) => nodes.length === 3)
    expect(nodes.map(({ is_self }) => is_self)).toEqual([true, false, false])
    expect(nodes.reduce((sum, { sockets }) => sum + sockets, 0)).toBe(1)
    await late.request({ command: 'close' }, 'closed')
    for (const node of cluster.nodes.slice(0, 2)) await node.wait_for_stats(({ nodes }) => nodes.length === 2)
  })

  test('60,000 joins and leaves over 10,000 topics leak neither memory nor subscriptions', async () => {
    await using cluster = await TestCluster.start(kind, 1)
    const [a] = cluster.nodes as [Node]
    await a.connect_member()
    const { heap_bytes } = await a.request({ command: 'churn', topics: 10_000, times: 60_000 }, 'churned')
    console.log(`${kind}: heap before and after each quarter, in bytes: ${heap_bytes.join(', ')}`)
    // Ten bytes for each join and leave of a quarter: less than anything that leaked would take.
    expect(leaked_bytes(heap_bytes)).toBeLessThan(150_000)
    await a.wait_for_stats(({ stats }) => stats.subscriptions === 0)
    expect(a.errors).toEqual([])
  })

  test('a server that closes while others publish delivers every message before the Close frame, without an error', async () => {
    await using cluster = await TestCluster.start(kind, 3)
    const [a, b, c] = cluster.nodes as [Node, Node, Node]
    const [leaving, staying] = [await b.connect_member('news'), await c.connect_member('news')]
    a.send({ command: 'stream', topic: 'news', size: 200, every_ms: 1 })
    await leaving.wait_for_number('a', 100)
    await b.request({ command: 'close' }, 'closed')
    expect(leaving.numbers_from('a')).toEqual(integers(leaving.numbers_from('a').length))
    const { messages } = await a.request({ command: 'stop_stream' }, 'published')
    await staying.wait_for_number('a', messages.length)
    expect(staying.numbers_from('a')).toEqual(integers(messages.length))
    for (const node of cluster.nodes) expect(node.errors).toEqual([])
    expect((await a.stats()).stats).toMatchObject({ lost: 0, outages: 0 })
  })

  test('a message above the limit of the broker is refused before it is sent', async () => {
    await using cluster = await TestCluster.start(
      kind,
      2,
      kind === 'nats' ? { config: 'max_payload: 65536' } : {},
    )
    const [a, b] = cluster.nodes as [Node, Node]
    const member = await b.connect_member('news')
    const limit = kind === 'nats' ? 65_536 : 8 * 1_048_576
    await a.wait_for_stats(({ stats }) => stats.is_connected)
    const [too_large] = await a.publish('news', 1, limit)
    const [largest] = await a.publish('news', 1, limit - 28)
    expect([too_large?.result, largest?.result]).toEqual(['too_large', 'accepted'])
    await member.wait_for_number('a', 2)
    expect(member.numbers_from('a')).toEqual([2])
    const { stats } = await a.wait_for_stats(({ stats }) => stats.published === 1)
    expect(stats).toMatchObject({ refused: 1, lost: 0, outages: 0 })
    expect([a.errors, b.errors]).toEqual([[], []])
  })
})
