import { beforeAll, describe, expect, it } from 'vitest'
import { NetworkLink, require_link, SERVER_IP } from '../src/network_link.ts'
import { dispose_after_test } from './endpoints.ts'
import { run_client, run_server, type TestProcess } from './test_process.ts'

const HEARTBEAT_MS = 500
const SIZE = 100

const numbers_of = (program: TestProcess<never>): readonly number[] =>
  program.events('message').map(({ data }) => Number.parseInt(data, 10))

async function connect_over(link: NetworkLink, options: object = {}) {
  const { program: server, addr } = await run_server(
    { bind: `${SERVER_IP}:0`, heartbeat: HEARTBEAT_MS },
    link.server_end,
  )
  const client = await run_client(
    {
      url: `ws://${addr}/ws`,
      heartbeat: HEARTBEAT_MS,
      connect_timeout: 1_000,
      reconnect: { min_delay: 50, max_delay: 500 },
      ...options,
    },
    link.client_end,
  )
  client.send({ command: 'connect' })
  await Promise.all([client.event('open'), server.event('open')])
  return { server, client }
}

describe('a client and a server', () => {
  beforeAll(require_link)

  it('deliver what was sent during a cut once, in order, after the heartbeat failed and the client reconnected', async () => {
    const link = dispose_after_test(await NetworkLink.create())
    const { server, client } = await connect_over(link)
    await link.cut()
    const [{ info: client_info }, { info: server_info }] = await Promise.all([
      client.event('reconnecting'),
      server.event('close'),
    ])
    expect(client_info).toMatchObject({ cause: 'heartbeat', code: 1006, unsent: 0 })
    expect(server_info).toMatchObject({ cause: 'heartbeat', code: 1006, unsent: 0 })
    client.send({ command: 'send', from: 0, to: 1_000, size: SIZE })
    await client.event('reconnecting', ({ code }) => code === 'connect_timeout')
    await link.restore()
    await client.times('open', 2)
    await server.times('message', 1_000)
    await client.times('message', 1_000)
    const in_order = Array.from({ length: 1_000 }, (_, index) => index)
    expect(numbers_of(server as never)).toEqual(in_order)
    expect(numbers_of(client as never)).toEqual(in_order)
    expect(client.events('close')).toEqual([])
    // The loss is reported once, and not again while the client keeps trying.
    expect(client.events('error').map(({ code }) => code)).toEqual(['connection_lost'])
  })

  it('deliver what was sent during a cut that is shorter than the heartbeat, without reconnecting', async () => {
    const link = dispose_after_test(await NetworkLink.create())
    const { server, client } = await connect_over(link, { heartbeat: 10_000 })
    await link.cut()
    client.send({ command: 'send', from: 0, to: 10, size: SIZE })
    await client.event('sent')
    await link.restore()
    await server.times('message', 10)
    expect(numbers_of(server as never)).toEqual(Array.from({ length: 10 }, (_, index) => index))
    expect([server.events('close'), client.events('reconnecting')]).toEqual([[], []])
  })

  it('deliver each message at most once, and those not yet handed to the network, after a cut under load', async () => {
    const link = dispose_after_test(await NetworkLink.create())
    const { server, client } = await connect_over(link)
    await link.cut()
    const count = 3_000
    client.send({ command: 'send', from: 0, to: count, size: 1_000 })
    const { info } = await client.event('reconnecting')
    expect(info).toMatchObject({ cause: 'heartbeat' })
    await link.restore()
    await server.event('message', ({ data }) => Number.parseInt(data, 10) === count - 1)
    const messages = server
      .events('message')
      .map(({ id, data }) => ({ id, number: Number.parseInt(data, 10) }))
    expect(new Set(messages.map(({ number }) => number)).size).toBe(messages.length)
    // Messages in flight on the old connection may arrive after the link is restored, when the new one is
    // already open.
    for (const id of new Set(messages.map(message => message.id))) {
      const numbers = messages.filter(message => message.id === id).map(({ number }) => number)
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    }
    expect(client.events('error').map(({ code }) => code)).toEqual(['connection_lost'])
  })

  it('deliver 10,000 messages each way in order over a slow link that loses and reorders packets', async () => {
    const link = dispose_after_test(await NetworkLink.create())
    const { server, client } = await connect_over(link, { max_queue: 64_000_000 })
    await link.impair(25, 0.02, 0.02)
    for (let from = 0; from < 10_000; from += 1_000)
      client.send({ command: 'send', from, to: from + 1_000, size: SIZE })
    await Promise.all([server.times('message', 10_000), client.times('message', 10_000)])
    const in_order = Array.from({ length: 10_000 }, (_, index) => index)
    expect(numbers_of(server as never)).toEqual(in_order)
    expect(numbers_of(client as never)).toEqual(in_order)
    expect([server.events('close'), client.events('reconnecting')]).toEqual([[], []])
  })
})
