import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { ClusterListener, received_after_throwing } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
// @boundaries-ignore what the tests of all brokers need is in one place
import { closed_after_each, thrown_to_nobody, with_socket } from '../../../scripts/broker_trials.mjs'
// @boundaries-ignore brokers for tests are started in one place
import { type Broker, start_nats } from '../../../scripts/brokers.mjs'
import { type NatsClientOptions, nats } from '../src/index.js'

const kept = closed_after_each()

async function started(config = ''): Promise<Broker> {
  return kept(await start_nats({ config }))
}

async function linked(
  broker: { readonly url: string },
  options: NatsClientOptions = {},
): Promise<ClusterListener> {
  const link = await ClusterListener.connect(nats({ servers: broker.url, options }))
  kept({ close: () => link.destroy() })
  return link
}

/** Somebody who greets as NATS does, and answers so when it is asked something. */
async function answering(answer: string): Promise<{ readonly url: string }> {
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
  kept(server)
  return { url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const SOME = Uint8Array.of(1, 2, 3)

describe('permissions', () => {
  const config = `authorization { users: [
    { user: ada, password: x, permissions: { publish: ["bt.>"], subscribe: ["bt.>"] } } ] }`
  const options = { user: 'ada', pass: 'x' }

  it('that lack for publishing are told, and the connection goes on', async () => {
    const broker = await started(config)
    const [one, other] = [await linked(broker, options), await linked(broker, options)]
    await one.subscribe('bt.mine')
    other.publish('of.others', SOME)
    other.publish('bt.mine', SOME)
    await Promise.all([other.is_refused(), one.has(1)])
    expect(other.refusals.map(String)).toEqual(['Error: this user may not publish on of.others'])
    expect(other.losses).toEqual([])
  })

  it('that lack for subscribing reject, with the channel, and none is subscribed', async () => {
    const broker = await started(config)
    const [one, other] = [await linked(broker, options), await linked(broker, options)]
    const asked = one.subscribe('bt.a', 'of.others', 'bt.b')
    await expect(asked).rejects.toThrow('this user may not subscribe to of.others')
    await one.sync()
    other.publish('bt.a', SOME)
    await other.sync()
    await one.subscribe('bt.a', 'bt.b')
    other.publish('bt.b', SOME)
    await one.has(1)
    await one.sync()
    expect(one.received_messages.map(({ channel }) => channel)).toEqual(['bt.b'])
    expect([one.refusals, one.losses]).toEqual([[], []])
  })
})

describe('what this user may do, when that changes,', () => {
  const users = (...users: readonly string[]): string => `authorization { users: [ ${users.join(',\n')} ] }`
  const bob = '{ user: bob, password: x }'
  const ada = (denied: string): string =>
    `{ user: ada, password: x, permissions: { subscribe: { allow: ["bt.>"], deny: ["${denied}"] } } }`

  it('ends the connection where a subscription stands no more', async () => {
    const broker = await started(users(bob, ada('of.others')))
    const link = await linked(broker, { user: 'ada', pass: 'x' })
    await link.subscribe('bt.a', 'bt.b')
    await broker.reload(users(bob, ada('bt.a')))
    await link.is_lost()
    expect(link.losses.map(String)).toEqual(['Error: this user may not subscribe to bt.a any more'])
    await expect(link.sync()).rejects.toThrow('bt.a')
    expect(link.refusals).toEqual([])
  })
})

describe('limits', () => {
  it('of subscriptions reject who asks for more', async () => {
    const link = await linked(await started('max_subscriptions: 3'))
    await expect(link.subscribe('a', 'b', 'c', 'd')).rejects.toThrow('maximum subscriptions exceeded')
    await link.subscribe('a', 'b', 'c')
  })

  it('of payloads are told as max_bytes, also when the connection is gone', async () => {
    const broker = await started('max_payload: 1000')
    const [one, other] = [await linked(broker), await linked(broker)]
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
  it('where it reads too slowly, and that is told', async () => {
    const broker = await started('max_payload: 60000, max_pending: 65536')
    const [other, [slow, socket]] = [await linked(broker), await with_socket(() => linked(broker))]
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

  it('where the broker answers no ping, though what was written to it is not taken', async () => {
    const broker = await started()
    const link = await linked(broker, { pingInterval: 20, maxPingOut: 1 })
    await broker.pause()
    for (let count = 0; count < 40; count += 1) link.publish('a', new Uint8Array(1_000_000))
    await link.is_lost()
    expect(link.losses.map(String)).toEqual([expect.stringContaining('Error: it answers no pings')])
  })

  it('where the credentials have expired, and that is told', async () => {
    const link = await linked(await answering("-ERR 'User Authentication Expired'\r\n"))
    await expect(link.sync()).rejects.toThrow('the credentials have expired')
    expect(link.losses.map(String)).toEqual([expect.stringContaining('Error: the credentials have expired')])
  })

  it('and what it could not send is not sent', async () => {
    const broker = await started()
    const link = await linked(broker)
    await broker.stop()
    // It may not have heard of it yet.
    link.publish('a', SOME)
    const asked = link.subscribe('a')
    await expect(asked).rejects.toThrow(/the connection/)
    await link.is_lost()
  })
})

describe('a callback that throws', () => {
  it('ends nothing but itself', async () => {
    const { url } = await started()
    const thrown = thrown_to_nobody()
    expect(await received_after_throwing(nats({ servers: url }), thrown)).toEqual(['bt.here', 'bt.here'])
    expect(String((await thrown)[0])).toBe('Error: a bug')
  })
})
