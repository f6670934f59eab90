import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { closed_after_each, thrown_to_nobody, with_socket } from '@bt/test-support/broker_trials'
import { type Broker, start_nats } from '@bt/test-support/brokers'
import { ClusterListener, received_after_throwing } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { type NatsClientOptions, nats } from '../src/index.js'

const close_after_test = closed_after_each()

async function start_broker(config = ''): Promise<Broker> {
  return close_after_test(await start_nats({ config }))
}

async function open_link(
  broker: { readonly url: string },
  options: NatsClientOptions = {},
): Promise<ClusterListener> {
  const link = await ClusterListener.connect(nats({ servers: broker.url, options }))
  close_after_test({ close: () => link.destroy() })
  return link
}

/**
 * Starts a server that accepts a connection as NATS does, and sends `answer` to each PING after the first.
 */
async function fake_broker(answer: string): Promise<{ readonly url: string }> {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.write('INFO {"server_id":"x","version":"2.10.0","proto":1,"max_payload":1000,"headers":true}\r\n')
    let pings = 0
    socket.on('data', data => {
      if (!String(data).includes('PING')) return
      pings += 1
      socket.write(pings === 1 ? 'PONG\r\n' : answer)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  close_after_test(server)
  return { url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const BYTES = Uint8Array.of(1, 2, 3)

describe('permissions', () => {
  const config = `authorization { users: [
    { user: ada, password: x, permissions: { publish: ["bt.>"], subscribe: ["bt.>"] } } ] }`
  const options = { user: 'ada', pass: 'x' }

  it('report a refused publish, and the connection stays open', async () => {
    const broker = await start_broker(config)
    const [one, other] = [await open_link(broker, options), await open_link(broker, options)]
    await one.subscribe('bt.mine')
    other.publish('of.others', BYTES)
    other.publish('bt.mine', BYTES)
    await Promise.all([other.is_refused(), one.has(1)])
    expect(other.refusals.map(String)).toEqual(['Error: this user may not publish on of.others'])
    expect(other.losses).toEqual([])
  })

  it('reject a subscribe that names a forbidden channel, and leave no channel subscribed', async () => {
    const broker = await start_broker(config)
    const [one, other] = [await open_link(broker, options), await open_link(broker, options)]
    const subscribed = one.subscribe('bt.a', 'of.others', 'bt.b')
    await expect(subscribed).rejects.toThrow('this user may not subscribe to of.others')
    await one.sync()
    other.publish('bt.a', BYTES)
    await other.sync()
    await one.subscribe('bt.a', 'bt.b')
    other.publish('bt.b', BYTES)
    await one.has(1)
    await one.sync()
    expect(one.received_messages.map(({ channel }) => channel)).toEqual(['bt.b'])
    expect([one.refusals, one.losses]).toEqual([[], []])
  })
})

describe('a change of permissions', () => {
  const users = (...users: readonly string[]): string => `authorization { users: [ ${users.join(',\n')} ] }`
  const bob = '{ user: bob, password: x }'
  const ada = (denied: string): string =>
    `{ user: ada, password: x, permissions: { subscribe: { allow: ["bt.>"], deny: ["${denied}"] } } }`

  it('ends the connection if it revokes a subscription', async () => {
    const broker = await start_broker(users(bob, ada('of.others')))
    const link = await open_link(broker, { user: 'ada', pass: 'x' })
    await link.subscribe('bt.a', 'bt.b')
    await broker.reload(users(bob, ada('bt.a')))
    await link.is_lost()
    expect(link.losses.map(String)).toEqual(['Error: this user may not subscribe to bt.a any more'])
    await expect(link.sync()).rejects.toThrow('bt.a')
    expect(link.refusals).toEqual([])
  })
})

describe('limits', () => {
  it('on subscriptions reject a subscribe beyond them', async () => {
    const link = await open_link(await start_broker('max_subscriptions: 3'))
    await expect(link.subscribe('a', 'b', 'c', 'd')).rejects.toThrow('maximum subscriptions exceeded')
    await link.subscribe('a', 'b', 'c')
  })

  it('of other versions reject a subscribe that they refuse, if the connection stays open', async () => {
    const link = await open_link(await fake_broker("-ERR 'Too Many Subjects'\r\nPONG\r\n"))
    await expect(link.subscribe('a')).rejects.toThrow('Too Many Subjects')
    expect(link.losses).toEqual([])
  })

  it('on payloads are reported as max_bytes, even after the connection has ended', async () => {
    const broker = await start_broker('max_payload: 1000')
    const [one, other] = [await open_link(broker), await open_link(broker)]
    await one.subscribe('a')
    other.publish('a', new Uint8Array(other.max_bytes))
    await one.has(1)
    await other.close()
    expect([one.max_bytes, other.max_bytes, one.received_messages[0]?.bytes.length]).toEqual([
      1_000, 1_000, 1_000,
    ])
  })
})

describe('a connection is lost', () => {
  it('if it reads too slowly', async () => {
    const broker = await start_broker('max_payload: 60000, max_pending: 65536')
    const [other, [slow, socket]] = [await open_link(broker), await with_socket(() => open_link(broker))]
    await slow.subscribe('a')
    socket.pause()
    let is_cut_off = false
    const cut_off = broker.says(/Slow Consumer/i).then(() => {
      is_cut_off = true
    })
    while (!is_cut_off) {
      other.publish('a', new Uint8Array(other.max_bytes))
      await other.sync()
    }
    await cut_off
    socket.resume()
    await slow.is_lost()
    await expect(slow.sync()).rejects.toThrow(/it (closed|cut) the connection/)
    expect(slow.losses).toHaveLength(1)
  })

  it('if the broker answers no ping, even while writes are pending', async () => {
    const broker = await start_broker()
    const link = await open_link(broker, { pingInterval: 20, maxPingOut: 1 })
    await broker.pause()
    for (let count = 0; count < 40; count += 1) link.publish('a', new Uint8Array(1_000_000))
    await link.is_lost()
    expect(link.losses.map(String)).toEqual([expect.stringContaining('Error: it answers no pings')])
  })

  it('if the credentials expire', async () => {
    const link = await open_link(await fake_broker("-ERR 'User Authentication Expired'\r\n"))
    await expect(link.sync()).rejects.toThrow('the credentials have expired')
    expect(link.losses.map(String)).toEqual([expect.stringContaining('Error: the credentials have expired')])
  })

  it('if the broker stops, and pending calls are rejected', async () => {
    const broker = await start_broker()
    const link = await open_link(broker)
    await broker.stop()
    // The client may not have noticed the loss yet.
    link.publish('a', BYTES)
    const subscribed = link.subscribe('a')
    await expect(subscribed).rejects.toThrow(/the connection/)
    await link.is_lost()
  })
})

describe('a callback that throws', () => {
  it('does not stop later messages', async () => {
    const { url } = await start_broker()
    const thrown = thrown_to_nobody()
    expect(await received_after_throwing(nats({ servers: url }), thrown)).toEqual(['bt.here', 'bt.here'])
    expect(String((await thrown)[0])).toBe('Error: a bug')
  })
})
