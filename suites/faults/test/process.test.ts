import { once } from 'node:events'
import { OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import { Wire } from '../src/wire.ts'
import { measure, run_client, run_server } from './processes.ts'
import { start_client, start_server, start_wire_server, url_of } from './subjects.ts'

const HEARTBEAT_MS = 200
/** Longer than two heartbeats. */
const STOPPED_MS = 5 * HEARTBEAT_MS
const RECONNECT = { min_delay: 20, max_delay: 200 }

const number_of = (data: string): number => Number.parseInt(data, 10)
const stopped_long_enough = (): Promise<void> => new Promise(resolve => setTimeout(resolve, STOPPED_MS))

describe('a server of ours survives', () => {
  it('to be stopped for five heartbeats: it takes nobody for dead who answers', async () => {
    const { program, addr } = await run_server({ heartbeat: HEARTBEAT_MS })
    const wires = await Promise.all(Array.from({ length: 50 }, () => Wire.open(addr)))
    await program.times('open', 50)
    program.signal('SIGSTOP')
    await stopped_long_enough()
    program.signal('SIGCONT')
    // Each is pinged twice more, and answers, before it is asked who is left.
    await Promise.all(
      wires.map(async ({ frames }) => {
        const before = frames.entries.length
        await frames.count(before + 2)
      }),
    )
    for (const wire of wires) wire.text('still here')
    await Promise.all(wires.map(({ frames }) => frames.first(({ opcode }) => opcode === OPCODE.TEXT)))
    expect(program.events('close')).toEqual([])
    for (const wire of wires) wire.reset()
  })

  it('to be stopped while a client of ours finds it dead: the client comes back when it goes on, and what was sent meanwhile arrives once, in order', async () => {
    const { program, addr } = await run_server({ heartbeat: HEARTBEAT_MS })
    const { ws, waits, opens, closes } = start_client(`ws://${addr}/ws`, {
      heartbeat: HEARTBEAT_MS,
      connect_timeout: 500,
      reconnect: RECONNECT,
    })
    await opens.first()
    program.signal('SIGSTOP')
    expect((await waits.first()).info).toMatchObject({ cause: 'heartbeat', code: 1006 })
    for (let index = 0; index < 1_000; index += 1) expect(ws.send(String(index))).toBe(true)
    program.signal('SIGCONT')
    await opens.count(2)
    await program.times('message', 1_000)
    ws.send('last')
    await program.event('message', ({ data }) => data === 'last')
    const numbers = program.events('message').map(({ data }) => number_of(data))
    expect(numbers).toEqual([...Array.from({ length: 1_000 }).keys(), Number.NaN])
    expect(closes.entries).toEqual([])
  })

  it('to be killed and started again, with 50 clients: all come back, and what they sent meanwhile arrives once, in order', async () => {
    const first = await run_server({ heartbeat: HEARTBEAT_MS })
    const clients = Array.from({ length: 50 }, () =>
      start_client(`ws://${first.addr}/ws`, { reconnect: RECONNECT }),
    )
    await Promise.all(clients.map(({ opens }) => opens.first()))
    first.program.signal('SIGKILL')
    await Promise.all(clients.map(({ waits }) => waits.first()))
    for (const [who, { ws }] of clients.entries())
      for (let index = 0; index < 100; index += 1) expect(ws.send(`${index} of ${who}`)).toBe(true)
    const second = await run_server({ heartbeat: HEARTBEAT_MS, bind: first.addr })
    await Promise.all(clients.map(({ opens }) => opens.count(2)))
    await Promise.all(clients.map(({ messages }) => messages.count(100)))
    for (const [who, { messages }] of clients.entries())
      expect(messages.entries).toEqual(Array.from({ length: 100 }, (_, index) => `${index} of ${who}`))
    await second.program.times('message', 5_000)
    expect(second.program.events('message')).toHaveLength(5_000)
    expect(clients.flatMap(({ closes }) => closes.entries)).toEqual([])
  })

  it('1,000 clients that come and leave at once: descriptors and heap are as before', async () => {
    const { program, addr } = await run_server({})
    const come_and_leave = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 20) {
        const wires = await Promise.all(Array.from({ length: 20 }, () => Wire.open(addr)))
        for (const [which, wire] of wires.entries()) which % 2 === 0 ? wire.reset() : wire.half_close()
        await Promise.all(wires.map(({ closed }) => closed))
      }
    }
    await come_and_leave(500)
    await program.times('close', 500)
    const before = await measure(program)
    await come_and_leave(1_000)
    await program.times('close', 1_500)
    const after = await measure(program)
    expect(after.stats).toMatchObject({ sockets: 0, accepted: 1_500, queued_bytes: 0, inbox_bytes: 0 })
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors)
    // A kilobyte kept for each would be more.
    expect(after.heap_bytes - before.heap_bytes).toBeLessThan(1_048_576)
  })

  it('its wall clock jumping by hours, back and forth: heartbeats, timeouts and live peers are as ever', async () => {
    const { program, addr } = await run_server({
      heartbeat: HEARTBEAT_MS,
      handshake_timeout: 300,
      close_timeout: 200,
    })
    program.order({ do: 'jump_clock', every_ms: 10 })
    const alive = await Wire.open(addr)
    const { id } = await program.event('open')
    const mute = await Wire.open(addr)
    mute.is_polite = false
    const idle = await Wire.dial(addr)
    expect(await idle.head()).toContain('408')
    const { info, id: dead } = await program.event('close')
    expect(info).toMatchObject({ cause: 'heartbeat' })
    expect(dead).not.toBe(id)
    await alive.frames.count(4)
    alive.text('still here')
    await alive.frames.first(({ opcode }) => opcode === OPCODE.TEXT)
    expect(program.events('close')).toHaveLength(1)
    for (const wire of [alive, mute, idle]) wire.reset()
  })
})

describe('a client of ours survives', () => {
  it('to be stopped for five heartbeats by a server that answers: it goes on', async () => {
    const hostile = await start_wire_server()
    const client = await run_client({ url: hostile.url, heartbeat: HEARTBEAT_MS })
    client.order({ do: 'connect' })
    const wire = await hostile.accept_open()
    await client.event('open')
    client.signal('SIGSTOP')
    await stopped_long_enough()
    client.signal('SIGCONT')
    const before = wire.frames.entries.length
    await wire.frames.count(before + 2)
    wire.text('still here')
    await client.event('message')
    expect(client.events('close')).toEqual([])
  })

  it('to be stopped while a server of ours finds it dead: it comes back by itself when it goes on', async () => {
    const { server, closes, connects } = await start_server({ heartbeat: HEARTBEAT_MS })
    const client = await run_client({ url: url_of(server), heartbeat: HEARTBEAT_MS, reconnect: RECONNECT })
    client.order({ do: 'connect' })
    await client.event('open')
    client.signal('SIGSTOP')
    expect((await closes.first()).info).toMatchObject({ cause: 'heartbeat', code: 1006 })
    client.signal('SIGCONT')
    await client.times('open', 2)
    client.order({ do: 'send', from: 0, to: 1, size: 10 })
    await client.event('message')
    expect(connects.entries).toHaveLength(2)
    expect(client.events('close')).toEqual([])
  })

  it('its wall clock jumping by hours, back and forth: heartbeat, timeouts and backoff are as ever', async () => {
    const hostile = await start_wire_server()
    const client = await run_client({
      url: hostile.url,
      heartbeat: HEARTBEAT_MS,
      connect_timeout: 300,
      reconnect: { min_delay: 10, max_delay: 100 },
    })
    client.order({ do: 'jump_clock', every_ms: 10 })
    client.order({ do: 'connect' })
    const first = await hostile.accept_open()
    await first.frames.count(4)
    first.is_polite = false
    expect((await client.event('reconnecting')).info).toMatchObject({ cause: 'heartbeat' })
    const second = await hostile.accept()
    await second.head()
    expect((await client.event('reconnecting', ({ attempt }) => attempt === 2)).code).toBe('connect_timeout')
    const third = await hostile.accept_open()
    await client.times('open', 2)
    third.text('back again')
    await client.event('message')
    for (const { delay_ms } of client.events('reconnecting')) expect(delay_ms).toBeLessThan(100)
  })

  it('the sudden end of its process: the server is told at once', async () => {
    const { server, closes } = await start_server()
    const client = await run_client({ url: url_of(server) })
    client.order({ do: 'connect' })
    await client.event('open')
    client.signal('SIGKILL')
    await once(client.child, 'exit')
    expect((await closes.first()).info).toMatchObject({ cause: 'network', code: 1006 })
  })
})
