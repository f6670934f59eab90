import { closed_after_each, thrown_to_nobody, with_socket } from '@bt/test-support/broker_trials'
import { type Broker, start_redis } from '@bt/test-support/brokers'
import { ClusterListener, received_after_throwing } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { redis } from '../src/index.js'
import { FakeRedis } from './fake_redis.js'
import { command } from './redis_cluster.js'

const close_after_test = closed_after_each()

async function start_broker(config = ''): Promise<Broker> {
  return close_after_test(await start_redis({ config }))
}

async function open_link(broker: Broker, user = ''): Promise<ClusterListener> {
  const link = await ClusterListener.connect(redis({ url: `redis://${user}${broker.address}` }))
  close_after_test({ close: () => link.destroy() })
  return link
}

const BYTES = Uint8Array.of(1, 2, 3)

describe('channels', () => {
  it('are sharded from Redis 7 on', async () => {
    const broker = await start_broker()
    const link = await open_link(broker)
    await link.subscribe('bt.one', 'bt.two')
    const sharded = (await command(broker, 'PUBSUB', 'SHARDCHANNELS')) as string[]
    expect(sharded.sort()).toEqual(['bt.one', 'bt.two'])
    expect(await command(broker, 'PUBSUB', 'CHANNELS')).toEqual([])
    link.unsubscribe('bt.one')
    await link.sync()
    expect(await command(broker, 'PUBSUB', 'SHARDCHANNELS')).toEqual(['bt.two'])
  })
})

describe('many channels', () => {
  it('are subscribed and unsubscribed within a small output buffer of Redis', async () => {
    const broker = await start_broker('client-output-buffer-limit pubsub 1mb 0 0')
    const [one, other] = [await open_link(broker), await open_link(broker)]
    const channels = Array.from({ length: 40_000 }, (_, index) => `bt.topic.${index}`)
    await one.subscribe(...channels)
    for (const channel of ['bt.topic.0', 'bt.topic.39999']) other.publish(channel, BYTES)
    await one.has(2)
    one.unsubscribe(...channels)
    await one.sync()
    expect(await command(broker, 'PUBSUB', 'SHARDCHANNELS')).toEqual([])
    expect([one.losses, one.refusals]).toEqual([[], []])
  })
})

describe('permissions', () => {
  const config =
    'user ada on >x resetchannels &bt.* -@all +spublish +ssubscribe +sunsubscribe +ping\nuser bob on >x resetchannels &bt.* -@all +ssubscribe'

  it('report a refused publish, and the connection stays open', async () => {
    const broker = await start_broker(config)
    const [one, other] = [await open_link(broker, 'ada:x@'), await open_link(broker, 'ada:x@')]
    await one.subscribe('bt.mine')
    other.publish('of.others', BYTES)
    other.publish('bt.mine', BYTES)
    await Promise.all([other.is_refused(), one.has(1)])
    expect(other.refusals.map(String)).toEqual([expect.stringMatching(/this user may not publish \(NOPERM/)])
    expect(other.losses).toEqual([])
  })

  it('reject a subscribe that names a forbidden channel, and leave no channel subscribed', async () => {
    const broker = await start_broker(config)
    const link = await open_link(broker, 'ada:x@')
    await expect(link.subscribe('of.others')).rejects.toThrow(
      /this user may not subscribe to of.others \(NOPERM/,
    )
    await expect(link.subscribe('bt.a', 'of.others')).rejects.toThrow('bt.a or one of 1 more')
    expect(await command(broker, 'PUBSUB', 'SHARDCHANNELS')).toEqual([])
    await link.subscribe('bt.a')
    expect([link.refusals, link.losses]).toEqual([[], []])
  })

  it('report a refused unsubscribe, and sync accepts a refusal as a reply', async () => {
    const broker = await start_broker(config)
    const link = await open_link(broker, 'bob:x@')
    await link.subscribe('bt.a')
    link.unsubscribe('bt.a')
    link.publish('bt.a', BYTES)
    await link.sync()
    await link.sync()
    await link.is_refused(2)
    expect(link.refusals.map(error => error.message.slice(0, 30)).sort()).toEqual([
      'this user may not publish (NOP',
      'this user may not unsubscribe ',
    ])
  })
})

describe('a connection is lost', () => {
  it('if an administrator closes it', async () => {
    const broker = await start_broker()
    const link = await open_link(broker)
    await link.subscribe('bt.a')
    await command(broker, 'CLIENT', 'KILL', 'TYPE', 'pubsub')
    await link.is_lost()
    await expect(link.sync()).rejects.toThrow('it closed the connection')
    expect(link.losses).toHaveLength(1)
  })

  it('if Redis becomes a replica, which keeps its connections', async () => {
    const [broker, other] = [await start_broker(), await start_broker()]
    const link = await open_link(broker)
    await command(broker, 'REPLICAOF', '127.0.0.1', String(other.port))
    const syncing = (async () => {
      for (;;) await link.sync()
    })()
    await expect(syncing).rejects.toThrow('it has become a replica')
    expect(link.losses).toHaveLength(1)
  })

  it('if it reads too slowly', async () => {
    const broker = await start_broker('client-output-buffer-limit pubsub 1mb 0 0')
    const [other, [slow, socket]] = [await open_link(broker), await with_socket(() => open_link(broker))]
    await slow.subscribe('bt.a')
    socket.pause()
    let is_cut_off = false
    const cut_off = broker.says(/output buffer limits/).then(() => {
      is_cut_off = true
    })
    while (!is_cut_off) {
      other.publish('bt.a', new Uint8Array(500_000))
      await other.sync()
    }
    await cut_off
    socket.resume()
    await slow.is_lost()
    await expect(slow.sync()).rejects.toThrow(/it (closed|cut) the connection/)
    expect(slow.losses).toHaveLength(1)
  })

  it.each([
    ['it is busy with a script', '-BUSY Redis is busy running a script.\r\n'],
    ['the cluster is down, or a part of it', '-CLUSTERDOWN The cluster is down\r\n'],
    ['it is still loading its data', '-LOADING Redis is loading the dataset in memory\r\n'],
  ])('if Redis replies that %s', async (reason, answer) => {
    const fake = close_after_test(
      await FakeRedis.start({ version: '7.0.15', mode: 'standalone' }, () => answer),
    )
    const link = await ClusterListener.connect(redis({ url: fake.url }))
    link.publish('bt.a', BYTES)
    await expect(link.sync()).rejects.toThrow(reason)
    expect([link.losses.map(error => error.message), link.refusals]).toEqual([[reason], []])
  })
})

describe('a message', () => {
  it('may have 8 MiB', async () => {
    const broker = await start_broker()
    const [one, other] = [await open_link(broker), await open_link(broker)]
    expect(one.max_bytes).toBe(8_388_608)
    await one.subscribe('bt.a')
    other.publish('bt.a', Buffer.alloc(8_388_608, 7))
    await one.has(1)
    expect(one.received_messages[0]?.bytes.length).toBe(8_388_608)
  })
})

describe('a callback that throws', () => {
  it('does not stop later messages', async () => {
    const { url } = await start_broker()
    const thrown = thrown_to_nobody()
    expect(await received_after_throwing(redis({ url }), thrown)).toEqual(['bt.here', 'bt.here'])
    expect(String((await thrown)[0])).toBe('Error: a bug')
  })
})
