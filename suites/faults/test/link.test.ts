import { beforeAll, describe, expect, it } from 'vitest'
import { Link, need_link, SERVER_IP } from './link.ts'
import { type Program, run_client, run_server } from './processes.ts'

const HEARTBEAT_MS = 500
const SIZE = 100

const numbers_of = (program: Program<never>): readonly number[] =>
  program.events('message').map(({ data }) => Number.parseInt(data, 10))

async function connect_over(link: Link, options: object = {}) {
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
  client.order({ do: 'connect' })
  await Promise.all([client.event('open'), server.event('open')])
  return { server, client }
}

describe('both sides ours survive a link', () => {
  beforeAll(need_link)

  it('that is cut without a word: both find out by heartbeat, the client comes back when it is mended, and what was sent meanwhile arrives once, in order', async () => {
    const link = await Link.make()
    const { server, client } = await connect_over(link)
    await link.cut()
    const [{ info: told_client }, { info: told_server }] = await Promise.all([
      client.event('reconnecting'),
      server.event('close'),
    ])
    expect(told_client).toMatchObject({ cause: 'heartbeat', code: 1006, unsent: 0 })
    expect(told_server).toMatchObject({ cause: 'heartbeat', code: 1006, unsent: 0 })
    client.order({ do: 'send', from: 0, to: 1_000, size: SIZE })
    await client.event('reconnecting', ({ code }) => code === 'connect_timeout')
    await link.mend()
    await client.times('open', 2)
    await server.times('message', 1_000)
    await client.times('message', 1_000)
    const in_order = Array.from({ length: 1_000 }, (_, index) => index)
    expect(numbers_of(server as never)).toEqual(in_order)
    expect(numbers_of(client as never)).toEqual(in_order)
    expect(client.events('close')).toEqual([])
    // Told the first time that it is lost, and no more while it stays so.
    expect(client.events('error').map(({ code }) => code)).toEqual(['connection_lost'])
  })

  it('that is cut for less than the heartbeat allows: nobody is told, and what was sent meanwhile arrives', async () => {
    const link = await Link.make()
    const { server, client } = await connect_over(link, { heartbeat: 10_000 })
    await link.cut()
    client.order({ do: 'send', from: 0, to: 10, size: SIZE })
    await client.event('sent')
    await link.mend()
    await server.times('message', 10)
    expect(numbers_of(server as never)).toEqual(Array.from({ length: 10 }, (_, index) => index))
    expect([server.events('close'), client.events('reconnecting')]).toEqual([[], []])
  })

  it('that is cut while much is on its way: each message arrives at most once, in order, and those that the network was not handed arrive later', async () => {
    const link = await Link.make()
    const { server, client } = await connect_over(link)
    await link.cut()
    const count = 3_000
    client.order({ do: 'send', from: 0, to: count, size: 1_000 })
    const { info } = await client.event('reconnecting')
    expect(info).toMatchObject({ cause: 'heartbeat' })
    await link.mend()
    await server.event('message', ({ data }) => Number.parseInt(data, 10) === count - 1)
    const messages = server
      .events('message')
      .map(({ id, data }) => ({ id, number: Number.parseInt(data, 10) }))
    expect(new Set(messages.map(({ number }) => number)).size).toBe(messages.length)
    // What the old connection had on its way may arrive once the link is mended, while the new one is there already.
    for (const id of new Set(messages.map(message => message.id))) {
      const numbers = messages.filter(message => message.id === id).map(({ number }) => number)
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    }
    expect(client.events('error').map(({ code }) => code)).toEqual(['connection_lost'])
  })

  it('that is slow, and loses and reorders packets: 10,000 messages go there and back in order, and nobody is taken for dead', async () => {
    const link = await Link.make()
    const { server, client } = await connect_over(link, { max_queue: 64_000_000 })
    await link.weather(25, 0.02, 0.02)
    for (let from = 0; from < 10_000; from += 1_000)
      client.order({ do: 'send', from, to: from + 1_000, size: SIZE })
    await Promise.all([server.times('message', 10_000), client.times('message', 10_000)])
    const in_order = Array.from({ length: 10_000 }, (_, index) => index)
    expect(numbers_of(server as never)).toEqual(in_order)
    expect(numbers_of(client as never)).toEqual(in_order)
    expect([server.events('close'), client.events('reconnecting')]).toEqual([[], []])
  })
})
