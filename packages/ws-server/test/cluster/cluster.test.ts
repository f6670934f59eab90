import type { NetError } from '@bt/ws-protocol'
import { FakeBroker, flaws_in, HOSTILE_TEXT } from '@bt/ws-protocol/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Topics } from '../../src/sockets/topics.js'
import { heap_bytes } from '../sockets/heap.js'
import { ClusterMember, settled } from './cluster_member.js'

let broker: FakeBroker

beforeEach(() => {
  broker = new FakeBroker()
})

describe('a message that one server publishes', () => {
  test('reaches the other servers with members of the topic, and not itself', async () => {
    const [a, b, c] = [await start(), await start(), await start()]
    for (const member of [a, b]) expect(await member.topics.join('x', 'news')).toBe(true)
    expect(a.publish('news', 'hello')).toBe(true)
    expect(a.publish('news', Uint8Array.of(0, 255))).toBe(true)
    await settled()
    expect([a.deliveries, b.deliveries, c.deliveries]).toEqual([
      [],
      [{ topic: 'news', messages: ['hello', [0, 255]] }],
      [],
    ])
  })

  test('is sent to the broker together with the others of the same turn and topic, in order', async () => {
    const [a, b] = [await start(), await start()]
    for (const topic of ['x', 'y']) await b.topics.join('somebody', topic)
    broker.carried.length = 0
    for (let i = 0; i < 10; i += 1) for (const topic of ['x', 'y']) a.publish(topic, `${topic}${i}`)
    await settled()
    expect(broker.carried.map(({ channel }) => channel)).toEqual(['bt.topic.x', 'bt.topic.y'])
    expect(b.received('y')).toEqual(Array.from({ length: 10 }, (_, i) => `y${i}`))
  })

  test('is sent in envelopes of at most about 64 KiB', async () => {
    const [a, b] = [await start(), await start()]
    await b.topics.join('somebody', 'x')
    broker.carried.length = 0
    const texts = Array.from({ length: 3_000 }, (_, i) => `${i} `.padEnd(100, 'x'))
    for (const text of texts) a.publish('x', text)
    await settled()
    expect(b.received('x')).toEqual(texts)
    expect(broker.carried.length).toBe(5)
    for (const { bytes } of broker.carried) expect(bytes.length).toBeLessThanOrEqual(65_536 + 18)
  })

  test('to all sockets reaches all other servers', async () => {
    const [a, b, c] = [await start(), await start(), await start()]
    a.publish(undefined, 'to all')
    await settled()
    expect([a.received(), b.received(), c.received()]).toEqual([[], ['to all'], ['to all']])
  })

  test('does not reach servers with another prefix', async () => {
    const [a, b] = [await start(), await ClusterMember.start(broker, { prefix: 'other' })]
    await b.topics.join('x', 'news')
    a.publish('news', 'hello')
    a.publish(undefined, 'hello')
    await settled()
    expect(b.deliveries).toEqual([])
  })

  test('to a topic called all does not reach servers whose prefix is that of topics', async () => {
    const [a, b, c] = [
      await start(),
      await ClusterMember.start(broker, { prefix: 'bt.topic' }),
      await start(),
    ]
    await c.topics.join('x', 'all')
    a.publish('all', 'hello')
    await settled()
    expect([b.deliveries, b.errors, c.received('all')]).toEqual([[], [], ['hello']])
  })

  test.each(['a.b', '*', '>', 'with space', '中文', '%2E', 'a{b}', "!~'()", '𝄞', 'bt.all', 'x'.repeat(255)])(
    'to the topic %j arrives there, through a channel without special characters',
    async topic => {
      const [a, b] = [await start(), await start()]
      await b.topics.join('x', topic)
      broker.carried.length = 0
      a.publish(topic, 'hello')
      await settled()
      expect(b.deliveries).toEqual([{ topic, messages: ['hello'] }])
      expect(broker.carried[0]?.channel).toMatch(/^bt\.topic\.[A-Za-z0-9_%-]+$/)
    },
  )

  test('that exceeds the limit of the broker is refused before it is sent', async () => {
    broker.max_bytes = 1_000
    const [a, b] = [await start(), await start()]
    await b.topics.join('x', 'news')
    const [fits, too_large] = ['x'.repeat(1_000 - 18 - 4), 'x'.repeat(1_000 - 18 - 3)]
    expect(a.publish('news', fits)).toBe(true)
    expect(a.publish('news', too_large)).toMatchObject({
      code: 'too_large',
      message:
        'publish got a message of 983 bytes with its header, more than the 982 that Fake at 127.0.0.1:1 takes; send smaller pieces, or raise its limit',
    })
    await settled()
    expect(b.received('news')).toEqual([fits])
    expect(a.cluster.stats()).toMatchObject({ published: 1, refused: 1, lost: 0 })
  })

  test('arrives whole if the limit of the broker is less than all messages of a turn', async () => {
    broker.max_bytes = 100
    const [a, b] = [await start(), await start()]
    await b.topics.join('x', 'news')
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(30, '.'))
    for (const text of texts) a.publish('news', text)
    await settled()
    expect(b.received('news')).toEqual(texts)
  })
})

describe('a subscription', () => {
  test('lasts while the topic has members, and is made once', async () => {
    const a = await start()
    broker.subscriptions.length = 0
    await Promise.all(['x', 'y', 'z'].map(name => a.topics.join(name, 'news')))
    expect(a.cluster.stats().subscriptions).toBe(1)
    for (const name of ['x', 'y']) a.topics.leave(name, 'news')
    await settled()
    expect(broker.subscriptions).toEqual(['+bt.topic.news'])
    a.topics.leave('z', 'news')
    await settled()
    expect(broker.subscriptions).toEqual(['+bt.topic.news', '-bt.topic.news'])
    expect(a.cluster.stats().subscriptions).toBe(0)
  })

  test('is confirmed when join resolves, and not before', async () => {
    const [a, b] = [await start(), await start()]
    broker.hold()
    let is_joined = false
    const joined = b.topics.join('x', 'news').then(result => {
      is_joined = true
      return result
    })
    await settled()
    expect(is_joined).toBe(false)
    broker.release()
    expect(await joined).toBe(true)
    a.publish('news', 'after')
    await settled()
    expect(b.received('news')).toEqual(['after'])
  })

  test('is not requested if the last member leaves in the same turn', async () => {
    const a = await start()
    broker.subscriptions.length = 0
    const joined = a.topics.join('x', 'news')
    a.topics.leave('x', 'news')
    expect(await joined).toBe(true)
    expect(broker.subscriptions).toEqual([])
  })

  test('causes one request at a time during many joins and leaves, and ends in the right state', async () => {
    const a = await start()
    broker.subscriptions.length = 0
    const results: Promise<unknown>[] = []
    for (let round = 0; round < 100; round += 1) {
      for (let topic = 0; topic < 50; topic += 1) {
        if ((round + topic) % 3 === 0) a.topics.leave('x', `t${topic}`)
        else results.push(a.topics.join('x', `t${topic}`))
      }
      if (round % 10 === 0) await settled()
    }
    expect(new Set(await Promise.all(results))).toEqual(new Set([true]))
    await settled()
    const standing = new Set<string>()
    for (const change of broker.subscriptions) {
      if (change.startsWith('+')) standing.add(change.slice(1))
      else standing.delete(change.slice(1))
    }
    expect([...standing].sort()).toEqual([...a.topics.names()].map(topic => `bt.topic.${topic}`).sort())
    expect(broker.subscriptions.length).toBeLessThan(2 * 50 * 12)
  })

  test('is made for as many topics as the broker allows', async () => {
    broker.max_channels = 6
    const a = await start()
    const results = await Promise.all(Array.from({ length: 8 }, (_, i) => a.topics.join('x', `t${i}`)))
    expect(results.filter(result => result === true).length).toBe(5)
    expect([a.cluster.stats().subscriptions, a.errors.length]).toEqual([5, 3])
  })

  test('that the broker refuses is reported to join and on_error, and others are made', async () => {
    broker.forbidden.add('bt.topic.secret')
    const a = await start()
    const [secret, open] = await Promise.all([a.topics.join('x', 'secret'), a.topics.join('x', 'open')])
    expect(open).toBe(true)
    expect(secret).toMatchObject({
      code: 'permission_denied',
      message:
        'Fake at 127.0.0.1:1 refused: no permission to subscribe to bt.topic.secret; allow this user to publish and subscribe to bt.*',
    })
    expect(a.errors).toEqual([secret])
    broker.forbidden.clear()
    expect(await a.topics.join('y', 'secret')).toBe(true)
  })
})

describe('while the broker is unavailable', () => {
  test('messages wait, and are sent in order after the subscriptions when it is back', async () => {
    const [a, b] = [await start(), await start()]
    await b.topics.join('x', 'news')
    broker.connect_error = new Error('connection refused')
    broker.lose_all()
    for (const text of ['1', '2']) a.publish('news', text)
    await settled()
    a.publish('news', '3')
    expect(a.cluster.stats()).toMatchObject({ is_connected: false, outages: 1, published: 0, lost: 0 })
    expect(a.cluster.stats().queued_bytes).toBe(3 * 3 + 2 * 256)
    broker.subscriptions.length = broker.carried.length = 0
    await reconnect(b, a)
    expect(b.received('news')).toEqual(['1', '2', '3'])
    expect(broker.subscriptions).toEqual(['+bt.all', '+bt.topic.news', '+bt.all'])
    expect(a.cluster.stats()).toMatchObject({ is_connected: true, published: 3, queued_bytes: 0 })
  })

  test('messages wait until the servers from before the outage are back', async () => {
    const [a, b, c] = [await start(), await start(), await start()]
    for (const member of [b, c]) await member.topics.join('x', 'news')
    broker.connect_error = new Error('connection refused')
    broker.lose_all()
    a.publish('news', '1')
    broker.connect_error = undefined
    await pass_retry_delay(a)
    await pass_retry_delay(b)
    a.publish('news', '2')
    for (const member of [a, b]) member.clock.advance(250)
    await settled()
    expect([a.cluster.stats().is_connected, b.received('news'), c.received('news')]).toEqual([false, [], []])
    await pass_retry_delay(c)
    expect(a.cluster.stats()).toMatchObject({ is_connected: true, published: 2, outages: 1 })
    expect([b.received('news'), c.received('news')]).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
  })

  test('messages are sent after 10 seconds if a server does not come back, and it is dropped', async () => {
    const [a, b, c] = [await start(), await start(), await start()]
    await b.topics.join('x', 'news')
    broker.connect_error = new Error('connection refused')
    broker.lose_all()
    a.publish('news', '1')
    await reconnect(b, a)
    expect([b.received('news'), a.cluster.nodes().length]).toEqual([[], 3])
    a.clock.advance(9_750)
    await settled()
    expect([b.received('news'), a.cluster.nodes().length]).toEqual([['1'], 2])
    await c.cluster.leave()
  })

  test('messages are sent at once if the missing server leaves', async () => {
    const [a, b, c] = [await start(), await start(), await start()]
    await b.topics.join('x', 'news')
    const links = [...broker.links]
    links[0]?.lose(new Error('connection reset'))
    a.publish('news', '1')
    broker.hold()
    a.clock.advance(100)
    await settled()
    const left = c.cluster.leave()
    broker.release()
    await left
    b.clock.advance(250)
    await settled()
    expect(b.received('news')).toEqual(['1'])
  })

  test('on_error gets each problem once', async () => {
    const a = await start()
    broker.connect_error = new Error('connection refused')
    broker.lose_all(new Error('connection reset'))
    for (let i = 0; i < 10; i += 1) await pass_retry_delay(a)
    broker.connect_error = new Error('wrong credentials')
    await pass_retry_delay(a)
    expect(a.errors.map(({ code, message }) => [code, message.split('. ')[0]])).toEqual([
      ['cluster_unavailable', 'Fake at 127.0.0.1:1 was lost: connection reset'],
      ['cluster_unavailable', 'Fake at 127.0.0.1:1 cannot be reached: connection refused'],
      ['cluster_unavailable', 'Fake at 127.0.0.1:1 cannot be reached: wrong credentials'],
    ])
    expect(broker.attempts).toBe(12)
  })

  test('no error shows hostile text of a broker', async () => {
    const a = await start()
    broker.connect_error = new Error(`no: ${HOSTILE_TEXT}${'x'.repeat(10_000)}`)
    broker.lose_all(new Error(HOSTILE_TEXT))
    await pass_retry_delay(a)
    expect(a.errors).toHaveLength(2)
    for (const { message } of a.errors) expect(flaws_in(message)).toEqual([])
  })

  test('on_error gets no problem twice in the same outage', async () => {
    const a = await start()
    broker.lose_all(new Error('connection reset'))
    for (let i = 0; i < 10; i += 1) {
      broker.connect_error = new Error(i % 2 === 0 ? 'one does not answer' : 'the other does not answer')
      await pass_retry_delay(a)
    }
    expect(a.errors.length).toBe(3)
    broker.connect_error = undefined
    await pass_retry_delay(a)
    broker.lose_all(new Error('connection reset'))
    expect(a.errors.length).toBe(4)
  })

  test('attempts to connect are at most 5 seconds apart, and the first follows within 100 ms', async () => {
    const a = await start()
    broker.connect_error = new Error('connection refused')
    broker.lose_all()
    a.clock.advance(100)
    await settled()
    expect(broker.attempts).toBe(2)
    for (let i = 0; i < 20; i += 1) await pass_retry_delay(a)
    expect(broker.attempts).toBe(22)
  })

  test('messages beyond max_cluster_queue are refused, and all earlier ones are sent when it is back', async () => {
    const [a, b] = [await ClusterMember.start(broker, { max_cluster_queue: 10_000 }), await start()]
    await b.topics.join('x', 'news')
    broker.connect_error = new Error('connection refused')
    broker.lose_all()
    const taken: string[] = []
    let refusal: unknown
    for (let i = 0; refusal === undefined; i += 1) {
      const text = `${i}`.padEnd(98, '.')
      const result = a.publish('news', text)
      if (result === true) taken.push(text)
      else refusal = result
    }
    expect(taken.length).toBe(Math.floor((10_000 - 256) / 100))
    expect(refusal).toMatchObject({ code: 'cluster_unavailable' })
    expect((refusal as Error).message).toBe(
      'publish found 9956 bytes waiting for Fake at 127.0.0.1:1, as many as max_cluster_queue (10000) allows: the message went to no other server',
    )
    await reconnect(b, a)
    expect(b.received('news')).toEqual(taken)
    expect(a.cluster.stats()).toMatchObject({ published: taken.length, refused: 1 })
  })

  test('join resolves at once with cluster_unavailable, and the topic is subscribed when it is back', async () => {
    const [a, b] = [await start(), await start()]
    broker.connect_error = new Error('connection refused')
    broker.lose_all()
    expect(await b.topics.join('x', 'news')).toMatchObject({ code: 'cluster_unavailable' })
    await reconnect(b, a)
    expect(await b.topics.join('y', 'news')).toBe(true)
    a.publish('news', 'hello')
    await settled()
    expect(b.received('news')).toEqual(['hello'])
  })

  test('a pending join resolves with cluster_unavailable', async () => {
    const a = await start()
    broker.hold()
    const joined = a.topics.join('x', 'news')
    await settled()
    broker.lose_all()
    const error = await joined
    expect(error).toMatchObject({ code: 'cluster_unavailable' })
    expect(a.errors).toEqual([(error as NetError).cause])
  })

  test('a join whose socket leaves during the reconnect resolves, even if no topic has members', async () => {
    const a = await start()
    broker.lose_all()
    broker.hold()
    await pass_retry_delay(a)
    const joined = a.topics.join('x', 'news')
    a.topics.leave('x', 'news')
    broker.release()
    expect(await joined).toBe(true)
  })

  test('names of topics without members take no memory', async () => {
    const a = await start()
    broker.hold()
    void a.topics.join('x', 'held')
    await settled()
    const before_bytes = heap_bytes()
    const come_and_go = (names: string): void => {
      for (let i = 0; i < 10_000; i += 1) {
        const topic = `${names} ${i}`.padEnd(200, '.')
        void a.topics.join('x', topic)
        a.topics.leave('x', topic)
      }
    }
    come_and_go('before it is lost')
    broker.connect_error = new Error('connection refused')
    broker.lose_all()
    come_and_go('when it is lost')
    await settled()
    expect(heap_bytes() - before_bytes).toBeLessThan(500_000)
    expect([...a.topics.names()]).toEqual(['held'])
  })

  test('unconfirmed messages are counted and reported as lost, and never sent again', async () => {
    const [a, b] = [await start(), await start()]
    await b.topics.join('x', 'news')
    broker.hold()
    for (const text of ['1', '2', '3']) a.publish('news', text)
    await settled()
    broker.lose_all()
    broker.release()
    expect(a.errors[0]?.message).toContain(
      'connection reset; 3 messages had gone there and may not have arrived',
    )
    expect(a.cluster.stats()).toMatchObject({ published: 0, lost: 3, queued_bytes: 0 })
    a.publish('news', '4')
    await reconnect(b, a)
    expect(b.received('news')).toEqual(['4'])
  })

  test('a message that exceeds the new limit of the broker is reported, and later ones are sent', async () => {
    broker.connect_error = new Error('connection refused')
    broker.max_bytes = 200
    const [a, b] = [await start(), await start()]
    for (const text of ['before', 'x'.repeat(300), 'after']) {
      a.publish('news', text)
      await settled()
    }
    await b.topics.join('x', 'news')
    await reconnect(b, a)
    expect(b.received('news')).toEqual(['before', 'after'])
    expect(a.errors.at(-1)).toMatchObject({ code: 'too_large' })
    expect(a.cluster.stats()).toMatchObject({ published: 2, lost: 1, queued_bytes: 0 })
  })
})

describe('a broker that is lost again', () => {
  test.each([
    ['while the first subscription is made', 0],
    ['while topics are subscribed to', 1],
  ])('%s is connected again, with all subscriptions', async (_, answered) => {
    const [a, b] = [await start(), await start()]
    await b.topics.join('x', 'news')
    broker.lose_all()
    broker.hold()
    b.clock.advance(100)
    await settled()
    for (let i = 0; i < answered; i += 1) {
      broker.release()
      broker.hold()
      await settled()
    }
    broker.lose_all(new Error('lost again'))
    broker.release()
    expect(b.errors.at(-1)?.message).toContain('was lost: lost again')
    expect(b.cluster.stats()).toMatchObject({ is_connected: false, outages: 1, subscriptions: 0 })
    await reconnect(b, a)
    a.publish('news', 'hello')
    await settled()
    expect([b.received('news'), b.cluster.stats().subscriptions]).toEqual([['hello'], 1])
  })

  test('while the server waits for other servers keeps the queue', async () => {
    const [a, b] = [await start(), await start()]
    await b.topics.join('x', 'news')
    broker.lose_all()
    a.publish('news', '1')
    await pass_retry_delay(a)
    expect(a.cluster.stats()).toMatchObject({ is_connected: false, queued_bytes: 3 + 256 })
    broker.lose_all()
    await reconnect(b, a)
    expect([b.received('news'), a.cluster.stats().outages]).toEqual([['1'], 1])
  })
})

describe('at the start', () => {
  test('join waits for the first attempt to connect', async () => {
    const a = new ClusterMember(broker)
    a.cluster.start()
    expect(await a.topics.join('x', 'news')).toBe(true)
    expect(broker.subscriptions).toEqual(['+bt.all', '+bt.topic.news'])
  })

  test('join resolves with cluster_unavailable if the first attempt fails', async () => {
    broker.connect_error = new Error('connection refused')
    const a = new ClusterMember(broker)
    a.cluster.start()
    const error = await a.topics.join('x', 'news')
    expect(error).toMatchObject({ code: 'cluster_unavailable' })
    expect(a.errors).toEqual([(error as NetError).cause])
  })

  test.each([
    ['leaves', (topics: Topics<string>) => topics.leave('x', 'news')],
    ['ends', (topics: Topics<string>) => topics.ended('x')],
  ])(
    'a join whose socket %s before it is connected settles, though nobody is in any topic',
    async (_, go) => {
      const a = new ClusterMember(broker)
      a.cluster.start()
      const joined = a.topics.join('x', 'news')
      go(a.topics)
      expect(await joined).toBe(true)
      expect(broker.subscriptions).toEqual(['+bt.all'])
    },
  )

  test('a connection that is lost at once is reported as lost', async () => {
    const port = broker.port()
    const a = new ClusterMember({
      port: () => ({
        ...port,
        connect: async events => {
          const link = await port.connect(events)
          queueMicrotask(() => broker.lose_all(new Error('connection reset')))
          return link
        },
      }),
    })
    a.cluster.start()
    await settled()
    expect(a.errors.map(({ message }) => message.split('. ')[0])).toEqual([
      'Fake at 127.0.0.1:1 was lost: connection reset',
    ])
  })

  test('messages are sent even while topics change all the time', async () => {
    const b = await start()
    await b.topics.join('x', 'news')
    const a = new ClusterMember(broker)
    a.publish('news', 'hello')
    broker.hold()
    a.cluster.start()
    await settled()
    for (let i = 0; i < 5; i += 1) {
      a.topics.join('x', `t${i}`)
      broker.release()
      broker.hold()
      await settled()
    }
    expect(b.received('news')).toEqual(['hello'])
  })

  test('messages published before the connection are sent', async () => {
    const b = await start()
    await b.topics.join('x', 'news')
    const a = new ClusterMember(broker)
    a.publish('news', 'early')
    a.cluster.start()
    await settled()
    expect(b.received('news')).toEqual(['early'])
  })
})

describe('a broker that is slow', () => {
  test('gets 1 MiB at a time, and the rest waits in the queue', async () => {
    const [a, b] = [await ClusterMember.start(broker, { max_cluster_queue: 10_000_000 }), await start()]
    await b.topics.join('x', 'news')
    broker.hold()
    const texts = Array.from({ length: 30 }, (_, i) => `${i}`.padEnd(100_000, '.'))
    for (const text of texts) expect(a.publish('news', text)).toBe(true)
    await settled()
    broker.lose_all()
    expect(a.cluster.stats()).toMatchObject({ lost: 11 })
    broker.release()
    await reconnect(b, a)
    expect(b.received('news')).toEqual(texts.slice(11))
  })

  test('is given up if it does not reply for 10 seconds', async () => {
    const a = await start()
    const [link] = broker.links
    broker.hold()
    a.publish('news', 'hello')
    await settled()
    a.clock.advance(9_999)
    expect(a.errors).toEqual([])
    a.clock.advance(1)
    expect(a.errors[0]?.message).toContain('was lost: no answer for 10 seconds; 1 message had gone there')
    expect(broker.links).not.toContain(link)
  })

  test('is given up if it does not reply for 10 seconds while subscriptions are restored', async () => {
    const a = await start()
    await a.topics.join('x', 'news')
    broker.lose_all()
    broker.hold()
    await pass_retry_delay(a)
    const joined = a.topics.join('y', 'more')
    const attempts = broker.attempts
    a.clock.advance(10_000)
    expect(a.errors.at(-1)?.message).toContain('was lost: no answer for 10 seconds. ')
    expect(await joined).toMatchObject({ code: 'cluster_unavailable' })
    broker.release()
    await pass_retry_delay(a)
    expect(broker.attempts).toBe(attempts + 1)
    expect(await a.topics.join('z', 'more')).toBe(true)
  })

  test('is not given up while it replies, however many subscriptions are restored', async () => {
    const a = await start()
    broker.lose_all()
    for (let i = 0; i < 25_000; i += 1) a.topics.join('x', `t${i}`)
    broker.hold()
    await pass_retry_delay(a)
    for (let i = 0; i < 4; i += 1) {
      a.clock.advance(9_000)
      broker.release()
      broker.hold()
      await settled()
    }
    expect([a.cluster.stats().subscriptions, a.errors.length]).toEqual([25_000, 1])
  })

  test('is not given up by a suspended process before it has read the replies', async () => {
    const a = await start()
    broker.hold()
    a.publish('news', 'hello')
    await settled()
    a.clock.advance(5_000)
    broker.release()
    await settled()
    a.clock.advance(5_000)
    expect([a.errors, a.cluster.stats().published]).toEqual([[], 1])
  })
})

describe('the servers of a cluster', () => {
  test('know each other at once, with the number of sockets of each', async () => {
    const a = await start()
    a.size = 3
    const b = await start()
    a.clock.advance(250)
    await settled()
    expect(b.cluster.nodes().map(({ is_self, sockets }) => [is_self, sockets])).toEqual([
      [true, 0],
      [false, 3],
    ])
    expect(a.cluster.nodes().map(({ id }) => id)).toEqual(
      b.cluster
        .nodes()
        .map(({ id }) => id)
        .reverse(),
    )
    expect(a.cluster.stats().nodes).toBe(2)
  })

  test('announce themselves every 5 seconds, and are dropped after 3 missed heartbeats', async () => {
    const [a, b] = [await start(), await start()]
    a.clock.advance(250)
    await settled()
    for (let i = 0; i < 10; i += 1) await pass_heartbeat(a, b)
    expect([a.cluster.nodes().length, b.cluster.nodes().length]).toEqual([2, 2])
    for (let i = 0; i < 3; i += 1) await pass_heartbeat(a)
    expect(a.cluster.nodes().length).toBe(2)
    await pass_heartbeat(a)
    expect(a.cluster.nodes().length).toBe(1)
    await pass_heartbeat(b)
    expect(a.cluster.nodes().length).toBe(2)
  })

  test('are gone at once when they leave', async () => {
    const [a, b] = [await start(), await start()]
    expect(a.cluster.nodes().length).toBe(2)
    await b.cluster.leave()
    await settled()
    expect(a.cluster.nodes().length).toBe(1)
  })

  test('answer all requests within 250 ms with one reply', async () => {
    const a = await start()
    broker.carried.length = 0
    await Promise.all([start(), start(), start()])
    a.clock.advance(250)
    await settled()
    expect(broker.carried.length).toBe(3 + 1)
  })
})

describe('leaving', () => {
  test('sends the queue first, and neither sends nor receives afterwards', async () => {
    const [a, b] = [await start(), await start()]
    for (const member of [a, b]) await member.topics.join('x', 'news')
    a.publish('news', 'last words')
    await a.cluster.leave()
    b.publish('news', 'for nobody')
    await settled()
    expect([a.received('news'), b.received('news')]).toEqual([[], ['last words']])
    expect(a.publish('news', 'too late')).toMatchObject({ code: 'closed' })
    expect(await a.topics.join('y', 'other')).toMatchObject({ code: 'closed' })
    expect([broker.links.size, a.clock.timers]).toEqual([1, 0])
  })

  test('while the broker is unavailable is done at once, and unsent messages are reported', async () => {
    const a = await start()
    broker.connect_error = new Error('connection refused')
    broker.lose_all()
    for (const text of ['1', '2']) a.publish('news', text)
    await a.cluster.leave()
    expect(a.errors.at(-1)).toMatchObject({
      code: 'cluster_unavailable',
      message:
        'the server closed, and 2 messages for other servers never went out; 0 more had gone to Fake at 127.0.0.1:1, and may not have arrived',
    })
    expect([a.clock.timers, a.cluster.stats().lost]).toEqual([0, 2])
  })

  test('waits 5 seconds at most for a broker that does not answer', async () => {
    const a = await start()
    broker.hold()
    a.publish('news', '1')
    const left = a.cluster.leave()
    await settled()
    a.clock.advance(5_000)
    await left
    expect(a.errors.at(-1)?.message).toContain('0 messages for other servers never went out; 1 more had gone')
    expect([broker.links.size, a.clock.timers]).toEqual([0, 0])
  })

  test('cancels a pending attempt to connect', async () => {
    const a = new ClusterMember(broker)
    a.cluster.start()
    await a.cluster.leave()
    await settled()
    expect([broker.links.size, a.clock.timers, a.errors]).toEqual([0, 0, []])
  })

  test('is done if the broker is lost in the meantime', async () => {
    const a = await start()
    broker.hold()
    a.publish('news', '1')
    const left = a.cluster.leave()
    await settled()
    broker.lose_all()
    broker.release()
    await left
    expect(a.errors.at(-1)?.message).toContain('1 more had gone')
    expect(a.clock.timers).toBe(0)
  })
})

test('a server without permission for the channel of all sockets reports that, and gets its topics', async () => {
  broker.forbidden.add('bt.all')
  const [a, b] = [await start(), await start()]
  await b.topics.join('x', 'news')
  a.publish('news', 'hello')
  await settled()
  expect(b.received('news')).toEqual(['hello'])
  expect(a.errors).toEqual([expect.objectContaining({ code: 'permission_denied' })])
})

describe('an unreadable message', () => {
  test('is dropped and counted, and only the first is reported', async () => {
    const a = await start()
    const [link] = broker.links
    const strange = await broker.port().connect({ received() {}, lost() {}, refused() {} })
    const of_a_version = (version: number, kind: number, ...body: number[]): Buffer =>
      Buffer.from([version, kind, ...Array(16).fill(7), ...body])
    const strange_ones = [
      Buffer.from(''),
      Buffer.from('x'),
      Buffer.from('a text of some length, longer than a header'),
      of_a_version(2, 1, 0x81, 0),
      of_a_version(1, 1, 0x89, 0),
      of_a_version(1, 1),
      of_a_version(1, 2, 0, 0),
      of_a_version(1, 9),
    ]
    for (const bytes of strange_ones) strange.publish('bt.all', bytes)
    await settled()
    expect([a.cluster.stats().unreadable, a.deliveries]).toEqual([8, []])
    expect(a.errors.map(({ code }) => code)).toEqual(['protocol_error'])
    expect(a.errors[0]?.message).toBe(
      '0 bytes on the channel bt.all are from no server of this version: they were dropped, as is whatever follows of that kind; give each version, and whatever else publishes there, a prefix of its own',
    )
    expect(link).toBeDefined()
  })

  test('may be the announcement of more than 10,000 servers: it is dropped and counted, and known ones stay', async () => {
    const a = await start()
    const strange = await broker.port().connect({ received() {}, lost() {}, refused() {} })
    const announce = (server: number): void => {
      const bytes = Buffer.from([1, 2, ...Array(16).fill(7), 0, 0, 0, 1, 0])
      bytes.writeUInt32BE(server, 2)
      strange.publish('bt.all', bytes)
    }
    for (let server = 0; server < 10_100; server += 1) announce(server)
    announce(0)
    await settled()
    expect([a.cluster.nodes().length, a.cluster.stats().unreadable]).toEqual([10_000, 101])
    expect(a.errors.map(({ code }) => code)).toEqual(['protocol_error'])
    for (let round = 0; round < 5; round += 1) {
      announce(0)
      await settled()
      a.clock.advance(5_000)
    }
    announce(10_099)
    await settled()
    expect([a.cluster.nodes().length, a.cluster.stats().unreadable]).toEqual([3, 101])
  })

  const messages = (...frames: number[]): Buffer => Buffer.from([1, 1, ...Array(16).fill(7), ...frames])

  test('may be text that is not UTF-8: it is dropped and counted, the first is reported, and the rest arrives', async () => {
    const a = await start()
    await a.topics.join('x', 'news')
    const strange = await broker.port().connect({ received() {}, lost() {}, refused() {} })
    strange.publish('bt.topic.news', messages(0x81, 1, 97, 0x81, 2, 0xff, 0xfe, 0x82, 1, 0xff, 0x81, 1, 98))
    strange.publish('bt.topic.news', messages(0x81, 1, 0xff, 0x81, 1, 0xff))
    strange.publish('bt.topic.news', Buffer.from('x'))
    await settled()
    expect(a.received('news')).toEqual(['a', [0xff], 'b'])
    expect(a.cluster.stats()).toMatchObject({ received: 3, unreadable: 4 })
    expect(a.errors.map(({ code }) => code)).toEqual(['invalid_utf8', 'protocol_error'])
    expect(a.errors[0]?.message).toMatch(
      /^a message on the channel bt.topic.news is text that is not UTF-8: it was/,
    )
  })

  test.each(['bt.topic.%ZZ', 'bt.topic.%FF', 'bt.topics.news', 'news'])(
    'is dropped and counted if it comes on the channel %s',
    async channel => {
      const a = await start()
      const [link] = broker.links
      await link?.subscribe([channel])
      const strange = await broker.port().connect({ received() {}, lost() {}, refused() {} })
      strange.publish(channel, messages(0x81, 1, 97))
      await settled()
      expect([a.cluster.stats().unreadable, a.deliveries]).toEqual([1, []])
      expect(a.errors.map(({ code }) => code)).toEqual(['protocol_error'])
    },
  )
})

test('a later refusal of the broker is reported once for each of at most 100 reasons', async () => {
  const a = await start()
  const [link] = broker.links
  for (let i = 0; i < 3; i += 1) link?.refuse(new Error('no permission to publish on bt.topic.news'))
  expect(a.errors).toEqual([expect.objectContaining({ code: 'permission_denied' })])
  for (let i = 0; i < 200; i += 1) link?.refuse(new Error(`no permission to publish on bt.topic.${i}`))
  expect(a.errors.length).toBe(100)
})

test('the delay grows if connections are lost at once, and stays short after a stable one', async () => {
  const a = await start()
  const gaps = async (lasting_ms: number): Promise<number> => {
    let longest_ms = 0
    for (let i = 0; i < 12; i += 1) {
      a.clock.advance(lasting_ms)
      const before = a.clock.now_ms()
      const attempts = broker.attempts
      broker.lose_all()
      while (broker.attempts === attempts) a.clock.advance(1)
      await settled()
      longest_ms = Math.max(longest_ms, a.clock.now_ms() - before)
    }
    return longest_ms
  }
  expect(await gaps(5_000)).toBeLessThanOrEqual(100)
  expect(await gaps(0)).toBeGreaterThan(100)
})

function start(): Promise<ClusterMember> {
  return ClusterMember.start(broker)
}

/** Lets the time between two heartbeats pass. */
async function pass_heartbeat(...members: ClusterMember[]): Promise<void> {
  for (const member of members) member.clock.advance(5_000)
  await settled()
}

/** Lets the longest delay before the next attempt pass. */
async function pass_retry_delay(member: ClusterMember): Promise<void> {
  member.clock.advance(5_000)
  await settled()
}

/** Makes the broker available again, and lets the members connect in this order. */
async function reconnect(...members: ClusterMember[]): Promise<void> {
  broker.connect_error = undefined
  for (const member of members) await pass_retry_delay(member)
  // The earlier members answer the request of the later ones.
  for (const member of members) member.clock.advance(250)
  await settled()
}
