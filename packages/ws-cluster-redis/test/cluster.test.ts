import { type Broker, start_redis } from '@bt/test-support/brokers'
import { ClusterListener } from '@bt/ws-protocol/testing'
import { createClient } from '@redis/client'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { redis } from '../src/index.js'
import { slot_of } from '../src/slot.js'
import { command, RedisCluster } from './redis_cluster.js'

const cluster = await RedisCluster.start(2)
const [first, second] = cluster.nodes as [Broker, Broker]
const links: ClusterListener[] = []

afterEach(() => {
  for (const link of links.splice(0)) link.destroy()
})
afterAll(() => cluster.each(node => node.close()))

async function open_link(url: string | string[] = first.url): Promise<ClusterListener> {
  const link = await ClusterListener.connect(redis({ url }))
  links.push(link)
  return link
}

/** Channels with slots on both nodes. */
const CHANNELS = Array.from({ length: 20 }, (_, index) => `bt.topic.${index}`)
const FIRST_NODE_CHANNELS = CHANNELS.filter(channel => slot_of(channel) < 8_192)
const SECOND_NODE_CHANNELS = CHANNELS.filter(channel => slot_of(channel) >= 8_192)
const BYTES = Uint8Array.of(1)

describe('the channels of a cluster', () => {
  it('are subscribed only at the node that serves their slot', async () => {
    const link = await open_link()
    await link.subscribe(...CHANNELS)
    const [of_first, of_second] = await Promise.all(
      cluster.nodes.map(node => command(node, 'PUBSUB', 'SHARDCHANNELS') as Promise<string[]>),
    )
    expect([of_first?.sort(), of_second?.sort()]).toEqual([
      [...FIRST_NODE_CHANNELS].sort(),
      [...SECOND_NODE_CHANNELS].sort(),
    ])
    expect(FIRST_NODE_CHANNELS.length * SECOND_NODE_CHANNELS.length).toBeGreaterThan(0)
  })

  it('reach links that connected to another node first', async () => {
    const [one, other] = [await open_link(first.url), await open_link([second.url, first.url])]
    await one.subscribe(...CHANNELS)
    for (const channel of CHANNELS) other.publish(channel, BYTES)
    await one.has(CHANNELS.length)
    expect(one.received_messages.map(({ channel }) => channel).sort()).toEqual([...CHANNELS].sort())
  })

  it('are all unsubscribed if Redis refuses one of them', async () => {
    const [forbidden = ''] = FIRST_NODE_CHANNELS
    const allowed = CHANNELS.filter(channel => channel !== forbidden)
    const rules = ['on', '>x', 'resetchannels', '-@all', '+@pubsub', '+cluster|slots', '+ping']
    await cluster.each(node =>
      command(node, 'ACL', 'SETUSER', 'ada', ...rules, ...allowed.map(channel => `&${channel}`)),
    )
    const link = await open_link(first.url.replace('//', '//ada:x@'))
    await expect(link.subscribe(...CHANNELS)).rejects.toThrow(`may not subscribe to ${forbidden}`)
    await link.sync()
    await cluster.each(async node => expect(await command(node, 'PUBSUB', 'SHARDCHANNELS')).toEqual([]))
    await link.subscribe(...allowed)
  })
})

describe('a link to a cluster is lost', () => {
  it.each([
    ['publishes', 'normal'],
    ['subscribes', 'pubsub'],
  ])('if the connection that %s ends', async (_, type) => {
    const [one, other] = [await open_link(), await open_link()]
    await Promise.all([one.subscribe(...CHANNELS), other.subscribe(...CHANNELS)])
    await command(second, 'CLIENT', 'KILL', 'TYPE', type)
    await Promise.all([one.is_lost(), other.is_lost()])
    await expect(one.sync()).rejects.toThrow(`${second.address}: it closed the connection`)
    expect([one.losses.length, other.losses.length]).toEqual([1, 1])
    expect(await command(first, 'PUBSUB', 'SHARDCHANNELS')).toEqual([])
  })

  it.each([
    [
      'subscribes to a channel whose',
      (link: ClusterListener, on: string) => link.subscribe(on).catch(() => {}),
    ],
    ['publishes on a channel whose', (link: ClusterListener, on: string) => link.publish(on, BYTES)],
    ['has a channel whose', undefined],
  ])('if it %s slot has moved to another node', async (_, use_channel) => {
    const link = await open_link()
    const channel = `bt.moving.${Math.random()}{first}`
    const slot = slot_of(channel)
    const [from, to] = slot < 8_192 ? [first, second] : [second, first]
    if (use_channel === undefined) await link.subscribe(channel)
    await move(slot, from, to)
    use_channel?.(link, channel)
    await link.is_lost()
    expect(link.losses.map(String)).toEqual([`Error: ${from.address}: slots have moved to another node`])
    const again = await open_link()
    await again.subscribe(channel)
    again.publish(channel, BYTES)
    await again.has(1)
    await move(slot, to, from)
  })
})

describe('a link to a cluster that is busy is lost', () => {
  it.each([
    ['syncs', (link: ClusterListener) => link.sync()],
    [
      'subscribes to other channels',
      async (link: ClusterListener, others: readonly string[]) => {
        await link.subscribe(...others)
        link.unsubscribe(...others)
      },
    ],
  ])('if it %s while the slot of a subscribed channel moves to another node', async (_, work) => {
    const slot = slot_of('moving')
    const [from, to, others] =
      slot < 8_192 ? [first, second, FIRST_NODE_CHANNELS] : [second, first, SECOND_NODE_CHANNELS]
    const links = await Promise.all(Array.from({ length: 3 }, () => open_link()))
    await Promise.all(links.map(link => link.subscribe('moving')))
    const all_lost = Promise.allSettled(
      links.map(async link => {
        for (;;) await work(link, others)
      }),
    )
    await move(slot, from, to)
    await all_lost
    expect(links.map(({ losses }) => losses.map(String))).toEqual(
      links.map(() => [`Error: ${from.address}: slots have moved to another node`]),
    )
    await move(slot, to, from)
  })
})

/** Moves a slot to another node. */
async function move(slot: number, from: Broker, to: Broker): Promise<void> {
  const [old_id, id] = (await Promise.all(
    [from, to].map(node => command(node, 'CLUSTER', 'MYID')),
  )) as string[]
  // A node that finishes an import takes a new epoch, so its claim to the slot prevails.
  await command(to, 'CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', old_id ?? '')
  // The new owner comes first, so that the old one can redirect to it.
  for (const node of [to, from]) await command(node, 'CLUSTER', 'SETSLOT', String(slot), 'NODE', id ?? '')
  // If the slot moved again before that, outdated gossip of another node could undo the move.
  await cluster.until_agreed()
}

describe('a cluster', () => {
  it('that does not serve all slots is rejected', async () => {
    const broker = await start_redis({ cluster: true })
    try {
      await command(broker, 'CLUSTER', 'ADDSLOTSRANGE', '0', '99')
      const error = await ClusterListener.connect(redis({ url: broker.url })).catch(String)
      expect(error).toContain('serves only 100 of its 16384 slots')
    } finally {
      await broker.close()
    }
  })

  it('is rejected if the user may not list its slots', async () => {
    await command(first, 'ACL', 'SETUSER', 'bob', 'on', '>x', '&*', '-@all', '+@pubsub')
    const error = await ClusterListener.connect(redis({ url: first.url.replace('//', '//bob:x@') })).catch(
      String,
    )
    expect(error).toMatch(/did not tell its slots \(NOPERM/)
  })

  it('with an unreachable node is rejected, and all opened connections are closed', async () => {
    await second.stop()
    try {
      const error = await ClusterListener.connect(redis({ url: first.url })).catch(String)
      expect(error).toBe(
        `Error: its node ${second.address}: nobody listens there: start it, or check the address`,
      )
      const client = await createClient({ url: first.url }).connect()
      const others = (await client.clientList()).filter(({ cmd }) => cmd !== 'client|list')
      client.destroy()
      expect(others).toEqual([])
    } finally {
      await second.start()
      await cluster.until_whole()
    }
  })
})
