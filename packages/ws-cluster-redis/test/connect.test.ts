import { closed_after_each, mute_server } from '@bt/test-support/broker_trials'
import { type Broker, start_redis } from '@bt/test-support/brokers'
import { make_authority } from '@bt/test-support/certificates'
import { ClusterListener, carries, failure_of, messages_of } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { type RedisOptions, redis } from '../src/index.js'
import { FakeRedis, type ServerInfo } from './fake_redis.js'
import { command } from './redis_cluster.js'

const authority = await make_authority()
const [identity, foreign_identity, client_identity] = await Promise.all([
  authority.issue({ hosts: ['127.0.0.1'] }),
  authority.issue({ hosts: ['elsewhere.test'] }),
  authority.issue({ name: 'client' }),
])
const secure = { tls: true, ca: authority.cert } as const
const close_after_test = closed_after_each()

async function start_broker(options: Parameters<typeof start_redis>[0] = {}): Promise<Broker> {
  return close_after_test(await start_redis(options))
}

function connects(options: RedisOptions): Promise<boolean> {
  return carries(redis(options))
}

/** Returns the message with which connecting fails, and checks that it shows no credentials. */
async function connect_failure(options: RedisOptions): Promise<string> {
  const error = await failure_of(redis(options))
  expect(messages_of(error)).not.toContain('secret')
  return error.message
}

async function fake_peer(
  says: string,
): Promise<{ readonly url: string; readonly hung_up: Promise<unknown> }> {
  const { port, hung_up } = close_after_test(await mute_server({ says, when_asked: true }))
  return { url: `redis://127.0.0.1:${port}`, hung_up }
}

async function fake_redis(
  info: ServerInfo,
  answer: (words: readonly string[]) => string = () => '+OK\r\n',
): Promise<FakeRedis> {
  return close_after_test(await FakeRedis.start(info, answer))
}

describe('connecting', () => {
  it('fails at once if nothing listens at the address', async () => {
    const broker = await start_broker()
    await broker.stop()
    expect(await connect_failure({ url: broker.url })).toBe(
      'nobody listens there: start it, or check the address',
    )
  })

  it('fails if the host does not exist', async () => {
    // Without a network the DNS does not answer either, and the error says so instead.
    expect(await connect_failure({ url: 'redis://nobody.invalid' })).toMatch(
      /no host of that name|the DNS does not answer/,
    )
  })

  it('times out while the broker is suspended, and succeeds once it runs again', async () => {
    const broker = await start_broker()
    await broker.pause()
    expect(await connect_failure({ url: broker.url, connect_timeout: 200 })).toContain(
      'did not answer within 200 ms',
    )
    broker.resume()
    expect(await connects({ url: broker.url })).toBe(true)
  })

  it('shows no password if Redis rejects the command that contains it as unknown', async () => {
    const { url } = await fake_redis({ version: '', mode: '' }, ([name, ...words]) => {
      expect(words).toContain('secret')
      return `-ERR unknown command '${name}', with args beginning with: '${words.join("' '")}'\r\n`
    })
    expect(await connect_failure({ url: url.replace('//', '//ada:secret@') })).toBe(
      'it is older than Redis 6, or not Redis',
    )
  })

  it('reports the reason for each of several servers', async () => {
    const [stopped, suspended] = [await start_broker(), await start_broker()]
    await Promise.all([stopped.stop(), suspended.pause()])
    const message = await connect_failure({
      url: [stopped.url, suspended.url, stopped.url],
      connect_timeout: 200,
    })
    expect(message).toContain(`${stopped.address}: nobody listens there`)
    expect(message).toContain(`${suspended.address}: it did not answer within 67 ms:`)
  })

  it.each([
    ['nothing', ''],
    ['a part of an answer', '%7\r\n$6\r\nserver\r\n'],
  ])('times out and closes its socket if the peer sends %s', async (_, says) => {
    const { url, hung_up } = await fake_peer(says)
    expect(await connect_failure({ url, connect_timeout: 100 })).toContain('did not answer within 100 ms')
    await hung_up
  })

  it.each([
    ['what answers there is not Redis', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['it is older than Redis 6', '-ERR unknown command `HELLO`, with args beginning with: `3`\r\n'],
    ['it is still loading its data', '-LOADING Redis is loading the dataset in memory\r\n'],
    ['it has as many clients as it takes', '-ERR max number of clients reached\r\n'],
    ['NOTREADY for whatever reason', '-NOTREADY for whatever reason\r\n'],
  ])('fails with the reason: %s', async (message, says) => {
    const { url, hung_up } = await fake_peer(says)
    expect(await connect_failure({ url })).toContain(message)
    await hung_up
  })

  it('fails if the broker has reached its limit of connections', async () => {
    const broker = await start_broker({ config: 'maxclients 1' })
    const only = await ClusterListener.connect(redis({ url: broker.url }))
    expect(await connect_failure({ url: broker.url })).toMatch(
      /as many clients as it takes|closed the connection/,
    )
    await only.close()
  })

  it('fails at a Sentinel', async () => {
    const { url } = await fake_redis({ version: '7.0.15', mode: 'sentinel' })
    expect(await connect_failure({ url })).toContain('it is a Sentinel')
  })

  it('fails at a replica, because subscribers at its primary would miss messages', async () => {
    const [primary, replica] = [await start_broker(), await start_broker()]
    await command(replica, 'REPLICAOF', '127.0.0.1', String(primary.port))
    expect(await connect_failure({ url: replica.url })).toContain('it is a replica')
    await command(replica, 'REPLICAOF', 'NO', 'ONE')
    expect(await connects({ url: replica.url })).toBe(true)
  })

  it('fails if url lists several servers that are not a cluster', async () => {
    const [one, other] = [await start_broker(), await start_broker()]
    expect(await connect_failure({ url: [one.url, other.url] })).toContain(
      'it is not a node of a Redis Cluster',
    )
  })

  it('uses ordinary channels before Redis 7', async () => {
    const push = (kind: string, channel: string): string =>
      `>3\r\n$${kind.length}\r\n${kind}\r\n$${channel.length}\r\n${channel}\r\n:1\r\n`
    const old = await fake_redis({ version: '6.2.7', mode: 'cluster' }, ([name = '', channel = '']) =>
      name.toLowerCase().endsWith('subscribe') ? push(name.toLowerCase(), channel) : ':1\r\n',
    )
    const link = await ClusterListener.connect(redis({ url: [old.url, old.url] }))
    await link.subscribe('bt.all')
    link.publish('bt.all', Uint8Array.of(65))
    link.unsubscribe('bt.all')
    await link.sync()
    await link.close()
    expect([...new Set(old.commands)]).toEqual([
      'subscribe bt.all',
      'PUBLISH bt.all A',
      'unsubscribe bt.all',
      'PING',
    ])
  })
})

describe('credentials', () => {
  const config = 'user ada on >secret ~* &* +@all'

  it('are accepted in the URL and in options', async () => {
    const broker = await start_broker({ config: `${config}\nuser default off` })
    expect(await connects({ url: `redis://ada:secret@${broker.address}` })).toBe(true)
    expect(await connects({ url: broker.url, options: { username: 'ada', password: 'secret' } })).toBe(true)
  })

  it('may be a password without a user', async () => {
    const broker = await start_broker({ config: 'requirepass secret' })
    expect(await connects({ url: `redis://:secret@${broker.address}` })).toBe(true)
  })

  it('are rejected if wrong or missing, and no error shows them', async () => {
    const broker = await start_broker({ config: `${config}\nrequirepass secret` })
    const expected = 'it does not know these credentials'
    expect(await connect_failure({ url: `redis://ada:secrets@${broker.address}` })).toContain(expected)
    expect(await connect_failure({ url: broker.url })).toContain(expected)
  })

  it('need only the permissions to publish and to subscribe', async () => {
    const user = 'user ada on >secret resetchannels &bt.* -@all +spublish +ssubscribe +sunsubscribe'
    const broker = await start_broker({ config: user })
    expect(await connects({ url: `redis://ada:secret@${broker.address}` })).toBe(true)
  })
})

describe('TLS', () => {
  it('trusts the authority in options', async () => {
    const broker = await start_broker({ tls: identity })
    expect(await connects({ url: broker.url, options: { socket: secure } })).toBe(true)
  })

  it('presents a client certificate if the broker requires one', async () => {
    const broker = await start_broker({ tls: { ...identity, ca: authority.cert } })
    expect(await connects({ url: broker.url, options: { socket: { ...secure, ...client_identity } } })).toBe(
      true,
    )
    // The broker sends an alert and resets the connection; either may be noticed first.
    const message = await connect_failure({ url: broker.url, options: { socket: secure } })
    expect(message).toMatch(/not take the certificate|cut the connection|closed the connection/)
  })

  it('fails if the authority is unknown or the certificate is for another host', async () => {
    const broker = await start_broker({ tls: identity })
    expect(await connect_failure({ url: broker.url })).toContain('an authority that is not known here')
    const elsewhere = await start_broker({ tls: foreign_identity })
    const options = { socket: secure }
    expect(await connect_failure({ url: elsewhere.url, options })).toContain(
      'its certificate is not for that host',
    )
  })

  it('fails if only one side uses it', async () => {
    const [plain, with_tls] = [await start_broker(), await start_broker({ tls: identity })]
    const tls_to_plain = { url: `rediss://${plain.address}`, connect_timeout: 200 }
    expect(await connect_failure(tls_to_plain)).toContain('whether it is at work, and speaks TLS')
    expect(await connect_failure({ url: `redis://${with_tls.address}` })).toMatch(
      /it expects TLS|cut the connection/,
    )
  })
})

describe('a Unix socket', () => {
  it('is accepted as the address', async () => {
    const broker = await start_broker({ config: 'unixsocket redis.sock' })
    const { dir } = (await command(broker, 'CONFIG', 'GET', 'dir')) as { readonly dir: string }
    expect(await connects({ url: `unix://${dir}/redis.sock` })).toBe(true)
  })
})
