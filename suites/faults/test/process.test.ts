import { once } from 'node:events'
import { OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import { RawPeer } from '../src/raw_peer.ts'
import { start_client, start_raw_server, start_server, url_of } from './endpoints.ts'
import { measure, run_client, run_server } from './test_process.ts'

const HEARTBEAT_MS = 200
/** More than the two heartbeats after which a silent peer counts as lost. */
const STOPPED_MS = 5 * HEARTBEAT_MS
const RECONNECT = { min_delay: 20, max_delay: 200 }

const number_of = (data: string): number => Number.parseInt(data, 10)
const wait_while_stopped = (): Promise<void> => new Promise(resolve => setTimeout(resolve, STOPPED_MS))

describe('a server', () => {
  it('that was stopped for five heartbeats keeps the clients that answer', async () => {
    const { program, addr } = await run_server({ heartbeat: HEARTBEAT_MS })
    const peers = await Promise.all(Array.from({ length: 50 }, () => RawPeer.open(addr)))
    await program.times('open', 50)
    program.signal('SIGSTOP')
    await wait_while_stopped()
    program.signal('SIGCONT')
    // Two more pings reach each client, so that a heartbeat that wrongly ends connections would have done so.
    await Promise.all(
      peers.map(async ({ frames }) => {
        const before = frames.entries.length
        await frames.count(before + 2)
      }),
    )
    for (const peer of peers) peer.text('still here')
    await Promise.all(peers.map(({ frames }) => frames.first(({ opcode }) => opcode === OPCODE.TEXT)))
    expect(program.events('close')).toEqual([])
    for (const peer of peers) peer.reset()
  })

  it('that was stopped until its client reconnects receives what was sent meanwhile once, in order', async () => {
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

  it('that was killed and restarted receives what 50 clients sent meanwhile once, in order', async () => {
    const first = await run_server({ heartbeat: HEARTBEAT_MS })
    const clients = Array.from({ length: 50 }, () =>
      start_client(`ws://${first.addr}/ws`, { reconnect: RECONNECT }),
    )
    await Promise.all(clients.map(({ opens }) => opens.first()))
    first.program.signal('SIGKILL')
    await Promise.all(clients.map(({ waits }) => waits.first()))
    for (const [id, { ws }] of clients.entries())
      for (let index = 0; index < 100; index += 1) expect(ws.send(`${index} of ${id}`)).toBe(true)
    const second = await run_server({ heartbeat: HEARTBEAT_MS, bind: first.addr })
    await Promise.all(clients.map(({ opens }) => opens.count(2)))
    await Promise.all(clients.map(({ messages }) => messages.count(100)))
    for (const [id, { messages }] of clients.entries())
      expect(messages.entries).toEqual(Array.from({ length: 100 }, (_, index) => `${index} of ${id}`))
    await second.program.times('message', 5_000)
    expect(second.program.events('message')).toHaveLength(5_000)
    expect(clients.flatMap(({ closes }) => closes.entries)).toEqual([])
  })

  it('keeps no descriptors and no heap for 1,000 clients that connect and leave at once', async () => {
    const { program, addr } = await run_server({})
    const connect_and_leave = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 20) {
        const peers = await Promise.all(Array.from({ length: 20 }, () => RawPeer.open(addr)))
        for (const [position, peer] of peers.entries()) position % 2 === 0 ? peer.reset() : peer.half_close()
        await Promise.all(peers.map(({ closed }) => closed))
      }
    }
    await connect_and_leave(500)
    await program.times('close', 500)
    const before = await measure(program)
    await connect_and_leave(1_000)
    await program.times('close', 1_500)
    const after = await measure(program)
    expect(after.stats).toMatchObject({ sockets: 0, accepted: 1_500, queued_bytes: 0, inbox_bytes: 0 })
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors)
    // It would be more if a kilobyte were kept for each client.
    expect(after.heap_bytes - before.heap_bytes).toBeLessThan(1_048_576)
  })

  it('ends only silent peers and idle handshakes while its wall clock jumps by hours', async () => {
    const { program, addr } = await run_server({
      heartbeat: HEARTBEAT_MS,
      handshake_timeout: 300,
      close_timeout: 200,
    })
    program.send({ command: 'jump_clock', interval_ms: 10 })
    const alive = await RawPeer.open(addr)
    const { id } = await program.event('open')
    const mute = await RawPeer.open(addr)
    mute.is_responsive = false
    const idle = await RawPeer.dial(addr)
    expect(await idle.head()).toContain('408')
    const { info, id: closed_id } = await program.event('close')
    expect(info).toMatchObject({ cause: 'heartbeat' })
    expect(closed_id).not.toBe(id)
    await alive.frames.count(4)
    alive.text('still here')
    await alive.frames.first(({ opcode }) => opcode === OPCODE.TEXT)
    expect(program.events('close')).toHaveLength(1)
    for (const peer of [alive, mute, idle]) peer.reset()
  })
})

describe('a client', () => {
  it('that was stopped for five heartbeats stays connected to a server that answers', async () => {
    const hostile = await start_raw_server()
    const client = await run_client({ url: hostile.url, heartbeat: HEARTBEAT_MS })
    client.send({ command: 'connect' })
    const peer = await hostile.accept_open()
    await client.event('open')
    client.signal('SIGSTOP')
    await wait_while_stopped()
    client.signal('SIGCONT')
    const before = peer.frames.entries.length
    await peer.frames.count(before + 2)
    peer.text('still here')
    await client.event('message')
    expect(client.events('close')).toEqual([])
  })

  it('that was stopped until the heartbeat of the server failed reconnects by itself', async () => {
    const { server, closes, connects } = await start_server({ heartbeat: HEARTBEAT_MS })
    const client = await run_client({ url: url_of(server), heartbeat: HEARTBEAT_MS, reconnect: RECONNECT })
    client.send({ command: 'connect' })
    await client.event('open')
    client.signal('SIGSTOP')
    expect((await closes.first()).info).toMatchObject({ cause: 'heartbeat', code: 1006 })
    client.signal('SIGCONT')
    await client.times('open', 2)
    client.send({ command: 'send', from: 0, to: 1, size: 10 })
    await client.event('message')
    expect(connects.entries).toHaveLength(2)
    expect(client.events('close')).toEqual([])
  })

  it('keeps its heartbeat, timeouts and backoff while its wall clock jumps by hours', async () => {
    const hostile = await start_raw_server()
    const client = await run_client({
      url: hostile.url,
      heartbeat: HEARTBEAT_MS,
      connect_timeout: 300,
      reconnect: { min_delay: 10, max_delay: 100 },
    })
    client.send({ command: 'jump_clock', interval_ms: 10 })
    client.send({ command: 'connect' })
    const first = await hostile.accept_open()
    await first.frames.count(4)
    first.is_responsive = false
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

  it('is reported as lost at once when its process is killed', async () => {
    const { server, closes } = await start_server()
    const client = await run_client({ url: url_of(server) })
    client.send({ command: 'connect' })
    await client.event('open')
    client.signal('SIGKILL')
    await once(client.child, 'exit')
    expect((await closes.first()).info).toMatchObject({ cause: 'network', code: 1006 })
  })
})
