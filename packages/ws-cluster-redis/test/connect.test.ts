import { ClusterListener, carries, failure_of, messages_of } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
// @boundaries-ignore what the tests of all brokers need is in one place
import { closed_after_each, mute_server } from '../../../scripts/broker_trials.mjs'
// @boundaries-ignore brokers for tests are started in one place
import { type Broker, start_redis } from '../../../scripts/brokers.mjs'
// @boundaries-ignore certificates for tests are made in one place
import { make_authority } from '../../../scripts/certificates.mjs'
import { type RedisOptions, redis } from '../src/index.js'
import { FakeRedis, type Greeting } from './fake_redis.js'
import { command } from './redis_cluster.js'

const authority = await make_authority()
const [identity, of_another_host, of_client] = await Promise.all([
  authority.issue({ hosts: ['127.0.0.1'] }),
  authority.issue({ hosts: ['elsewhere.test'] }),
  authority.issue({ name: 'client' }),
])
const secure = { tls: true, ca: authority.cert } as const
const kept = closed_after_each()

async function started(options: Parameters<typeof start_redis>[0] = {}): Promise<Broker> {
  return kept(await start_redis(options))
}

function works(options: RedisOptions): Promise<boolean> {
  return carries(redis(options))
}

/** Says why connecting fails. */
async function failure(options: RedisOptions): Promise<string> {
  const error = await failure_of(redis(options))
  expect(messages_of(error)).not.toContain('secret')
  return error.message
}

async function mute(says: string): Promise<{ readonly url: string; readonly hung_up: Promise<unknown> }> {
  const { port, hung_up } = kept(await mute_server({ says, when_asked: true }))
  return { url: `redis://127.0.0.1:${port}`, hung_up }
}

async function fake(
  greeting: Greeting,
  answer: (words: readonly string[]) => string = () => '+OK\r\n',
): Promise<FakeRedis> {
  return kept(await FakeRedis.start(greeting, answer))
}

describe('connecting', () => {
  it('fails at once where nobody listens', async () => {
    const broker = await started()
    await broker.stop()
    expect(await failure({ url: broker.url })).toBe('nobody listens there: start it, or check the address')
  })

  it('fails where there is no such host', async () => {
    // Without a network no DNS answers, which is another reason.
    expect(await failure({ url: 'redis://nobody.invalid' })).toMatch(
      /no host of that name|the DNS does not answer/,
    )
  })

  it('fails in time where the broker stands still, and takes it when it goes on', async () => {
    const broker = await started()
    await broker.pause()
    expect(await failure({ url: broker.url, connect_timeout: 200 })).toContain('did not answer within 200 ms')
    broker.resume()
    expect(await works({ url: broker.url })).toBe(true)
  })

  it('shows no password where Redis does not know the command that has it', async () => {
    const { url } = await fake({ version: '', mode: '' }, ([name, ...words]) => {
      expect(words).toContain('secret')
      return `-ERR unknown command '${name}', with args beginning with: '${words.join("' '")}'\r\n`
    })
    expect(await failure({ url: url.replace('//', '//ada:secret@') })).toBe(
      'it is older than Redis 6, or not Redis',
    )
  })

  it('says of each of several servers why it fails', async () => {
    const [gone, silent] = [await started(), await started()]
    await Promise.all([gone.stop(), silent.pause()])
    const message = await failure({ url: [gone.url, silent.url, gone.url], connect_timeout: 200 })
    expect(message).toContain(`${gone.address}: nobody listens there`)
    expect(message).toContain(`${silent.address}: it did not answer within 67 ms:`)
  })

  it.each([
    ['nothing', ''],
    ['a part of an answer', '%7\r\n$6\r\nserver\r\n'],
  ])('fails in time, and leaves nothing open, where somebody says %s', async (_, says) => {
    const { url, hung_up } = await mute(says)
    expect(await failure({ url, connect_timeout: 100 })).toContain('did not answer within 100 ms')
    await hung_up
  })

  it.each([
    ['what answers there is not Redis', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['it is older than Redis 6', '-ERR unknown command `HELLO`, with args beginning with: `3`\r\n'],
    ['it is still loading its data', '-LOADING Redis is loading the dataset in memory\r\n'],
    ['it has as many clients as it takes', '-ERR max number of clients reached\r\n'],
    ['NOTREADY for whatever reason', '-NOTREADY for whatever reason\r\n'],
  ])('fails, and says that %s', async (message, says) => {
    const { url, hung_up } = await mute(says)
    expect(await failure({ url })).toContain(message)
    await hung_up
  })

  it('fails where too many have connected', async () => {
    const broker = await started({ config: 'maxclients 1' })
    const only = await ClusterListener.connect(redis({ url: broker.url }))
    expect(await failure({ url: broker.url })).toMatch(/as many clients as it takes|closed the connection/)
    await only.close()
  })

  it('fails at a Sentinel', async () => {
    const { url } = await fake({ version: '7.0.15', mode: 'sentinel' })
    expect(await failure({ url })).toContain('it is a Sentinel')
  })

  it('fails at a replica, since nobody else would hear what is published there', async () => {
    const [primary, replica] = [await started(), await started()]
    await command(replica, 'REPLICAOF', '127.0.0.1', String(primary.port))
    expect(await failure({ url: replica.url })).toContain('it is a replica')
    await command(replica, 'REPLICAOF', 'NO', 'ONE')
    expect(await works({ url: replica.url })).toBe(true)
  })

  it('fails where several servers are named that are no cluster', async () => {
    const [one, other] = [await started(), await started()]
    expect(await failure({ url: [one.url, other.url] })).toContain('it is not a node of a Redis Cluster')
  })

  it('uses channels that are not sharded before Redis 7', async () => {
    const push = (kind: string, channel: string): string =>
      `>3\r\n$${kind.length}\r\n${kind}\r\n$${channel.length}\r\n${channel}\r\n:1\r\n`
    const old = await fake({ version: '6.2.7', mode: 'cluster' }, ([name = '', channel = '']) =>
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

  it('are taken from the URL, or from options', async () => {
    const broker = await started({ config: `${config}\nuser default off` })
    expect(await works({ url: `redis://ada:secret@${broker.address}` })).toBe(true)
    expect(await works({ url: broker.url, options: { username: 'ada', password: 'secret' } })).toBe(true)
  })

  it('are a password alone where there are no users', async () => {
    const broker = await started({ config: 'requirepass secret' })
    expect(await works({ url: `redis://:secret@${broker.address}` })).toBe(true)
  })

  it('that are wrong or missing fail, and are told nowhere', async () => {
    const broker = await started({ config: `${config}\nrequirepass secret` })
    const expected = 'it does not know these credentials'
    expect(await failure({ url: `redis://ada:secrets@${broker.address}` })).toContain(expected)
    expect(await failure({ url: broker.url })).toContain(expected)
  })

  it('need no more permissions than to publish and to subscribe', async () => {
    const user = 'user ada on >secret resetchannels &bt.* -@all +spublish +ssubscribe +sunsubscribe'
    const broker = await started({ config: user })
    expect(await works({ url: `redis://ada:secret@${broker.address}` })).toBe(true)
  })
})

describe('TLS', () => {
  it('is spoken with an authority of its own', async () => {
    const broker = await started({ tls: identity })
    expect(await works({ url: broker.url, options: { socket: secure } })).toBe(true)
  })

  it('is spoken with a certificate of the client where the broker asks for one', async () => {
    const broker = await started({ tls: { ...identity, ca: authority.cert } })
    expect(await works({ url: broker.url, options: { socket: { ...secure, ...of_client } } })).toBe(true)
    // It says so, and cuts the connection; either may be noticed first.
    const message = await failure({ url: broker.url, options: { socket: secure } })
    expect(message).toMatch(/not take the certificate|cut the connection|closed the connection/)
  })

  it('fails where the authority is not known, or the certificate is for another host', async () => {
    const broker = await started({ tls: identity })
    expect(await failure({ url: broker.url })).toContain('an authority that is not known here')
    const elsewhere = await started({ tls: of_another_host })
    const options = { socket: secure }
    expect(await failure({ url: elsewhere.url, options })).toContain('its certificate is not for that host')
  })

  it('fails where only one side speaks it', async () => {
    const [plain, with_tls] = [await started(), await started({ tls: identity })]
    const of_plain = { url: `rediss://${plain.address}`, connect_timeout: 200 }
    expect(await failure(of_plain)).toContain('whether it is at work, and speaks TLS')
    expect(await failure({ url: `redis://${with_tls.address}` })).toMatch(/it expects TLS|cut the connection/)
  })
})

describe('a socket in the file system', () => {
  it('is connected to', async () => {
    const broker = await started({ config: 'unixsocket redis.sock' })
    const { dir } = (await command(broker, 'CONFIG', 'GET', 'dir')) as { readonly dir: string }
    expect(await works({ url: `unix://${dir}/redis.sock` })).toBe(true)
  })
})
