import { ClusterListener } from '@bt/ws-protocol/testing'
import { createClient } from '@redis/client'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
// @boundaries-ignore brokers for tests are started in one place
import { type Broker, start_redis } from '../../../scripts/brokers.mjs'
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

async function linked(url: string | string[] = first.url): Promise<ClusterListener> {
  const link = await ClusterListener.connect(redis({ url }))
  links.push(link)
  return link
}

/** Channels of which some are on either node. */
const CHANNELS = Array.from({ length: 20 }, (_, index) => `bt.topic.${index}`)
const OF_FIRST = CHANNELS.filter(channel => slot_of(channel) < 8_192)
const OF_SECOND = CHANNELS.filter(channel => slot_of(channel) >= 8_192)
const SOME = Uint8Array.of(1)

describe('the channels of a cluster', () => {
  it('are each on the node that has their slot, and on no other', async () => {
    const link = await linked()
    await link.subscribe(...CHANNELS)
    const [of_first, of_second] = await Promise.all(
      cluster.nodes.map(node => command(node, 'PUBSUB', 'SHARDCHANNELS') as Promise<string[]>),
    )
    expect([of_first?.sort(), of_second?.sort()]).toEqual([[...OF_FIRST].sort(), [...OF_SECOND].sort()])
    expect(OF_FIRST.length * OF_SECOND.length).toBeGreaterThan(0)
  })

  it('are the same for whoever has connected to another node first', async () => {
    const [one, other] = [await linked(first.url), await linked([second.url, first.url])]
    await one.subscribe(...CHANNELS)
    for (const channel of CHANNELS) other.publish(channel, SOME)
    await one.has(CHANNELS.length)
    expect(one.received_messages.map(({ channel }) => channel).sort()).toEqual([...CHANNELS].sort())
  })

  it('are none where one of those asked for is refused', async () => {
    const [forbidden = ''] = OF_FIRST
    const allowed = CHANNELS.filter(channel => channel !== forbidden)
    const rules = ['on', '>x', 'resetchannels', '-@all', '+@pubsub', '+cluster|slots', '+ping']
    await cluster.each(node =>
      command(node, 'ACL', 'SETUSER', 'ada', ...rules, ...allowed.map(channel => `&${channel}`)),
    )
    const link = await linked(first.url.replace('//', '//ada:x@'))
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
  ])('where one connection ends that %s', async (_, type) => {
    const [one, other] = [await linked(), await linked()]
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
    ['publishes on a channel whose', (link: ClusterListener, on: string) => link.publish(on, SOME)],
    ['has a channel whose', undefined],
  ])('where it %s slot has moved to another node', async (_, use) => {
    const link = await linked()
    const channel = `bt.moving.${Math.random()}{first}`
    const slot = slot_of(channel)
    const [from, to] = slot < 8_192 ? [first, second] : [second, first]
    if (use === undefined) await link.subscribe(channel)
    await move(slot, from, to)
    use?.(link, channel)
    await link.is_lost()
    expect(link.losses.map(String)).toEqual([`Error: ${from.address}: slots have moved to another node`])
    const again = await linked()
    await again.subscribe(channel)
    again.publish(channel, SOME)
    await again.has(1)
    await move(slot, to, from)
  })
})

describe('a link to a cluster that is busy is lost', () => {
  it.each([
    ['asks whether all was taken', (link: ClusterListener) => link.sync()],
    [
      'subscribes to other channels',
      async (link: ClusterListener, others: readonly string[]) => {
        await link.subscribe(...others)
        link.unsubscribe(...others)
      },
    ],
  ])('where it %s while the slot of one that it has moves to another node', async (_, work) => {
    const slot = slot_of('moving')
    const [from, to, others] = slot < 8_192 ? [first, second, OF_FIRST] : [second, first, OF_SECOND]
    const links = await Promise.all(Array.from({ length: 3 }, () => linked()))
    await Promise.all(links.map(link => link.subscribe('moving')))
    const lost = Promise.allSettled(
      links.map(async link => {
        for (;;) await work(link, others)
      }),
    )
    await move(slot, from, to)
    await lost
    expect(links.map(({ losses }) => losses.map(String))).toEqual(
      links.map(() => [`Error: ${from.address}: slots have moved to another node`]),
    )
    await move(slot, to, from)
  })
})

/** Moves a slot from node to node. */
async function move(slot: number, from: Broker, to: Broker): Promise<void> {
  const [old_id, id] = (await Promise.all(
    [from, to].map(node => command(node, 'CLUSTER', 'MYID')),
  )) as string[]
  // Who imports a slot has the last word on whose it is.
  await command(to, 'CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', old_id ?? '')
  // The new owner first, so that the old one can point to it.
  for (const node of [to, from]) await command(node, 'CLUSTER', 'SETSLOT', String(slot), 'NODE', id ?? '')
  // If the slot moved on before that, what a node still says of the time before could take it back.
  await cluster.is_agreed()
}

describe('a cluster', () => {
  it('that does not serve all slots is not connected to', async () => {
    const broker = await start_redis({ cluster: true })
    try {
      await command(broker, 'CLUSTER', 'ADDSLOTSRANGE', '0', '99')
      const error = await ClusterListener.connect(redis({ url: broker.url })).catch(String)
      expect(error).toContain('serves only 100 of its 16384 slots')
    } finally {
      await broker.close()
    }
  })

  it('whose slots may not be asked for is not connected to', async () => {
    await command(first, 'ACL', 'SETUSER', 'bob', 'on', '>x', '&*', '-@all', '+@pubsub')
    const error = await ClusterListener.connect(redis({ url: first.url.replace('//', '//bob:x@') })).catch(
      String,
    )
    expect(error).toMatch(/did not tell its slots \(NOPERM/)
  })

  it('of which a node is away is not connected to, and what was opened is closed', async () => {
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
      await cluster.is_whole()
    }
  })
})
