import { OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import { start_client, start_server, url_of } from './subjects.ts'
import { gate, open_victim, paused, SIDES, type Victim, watch_received } from './victim.ts'

const HEARTBEAT_MS = 200
const MAX_QUEUE = 262_144
const KILOBYTE = 'k'.repeat(1_024)
/** What arrays, strings and journals of a test may take, beside what is measured. */
const LEEWAY_BYTES = 16 * 1_048_576

/** Sends until the queue is full, and returns how many messages were taken. */
function fill(handle: Victim['handle']): number {
  for (let taken = 0; ; taken += 1) {
    const result = handle.send(KILOBYTE)
    if (result === true) continue
    expect(result.code).toBe('queue_full')
    return taken
  }
}

describe.each(SIDES)('a %s of ours survives a peer', side => {
  it('that stops reading: it is told queue_full once, holds no more than max_queue, and gets rid of the peer by close()', async () => {
    const { wire, handle, infos, errors, others_are_served } = await open_victim(side, {
      max_queue: MAX_QUEUE,
    })
    wire.stop_reading()
    wire.is_polite = false
    fill(handle)
    const before = process.memoryUsage().arrayBuffers
    for (let index = 0; index < 100_000; index += 1) if (handle.send(KILOBYTE) === true) expect.fail('taken')
    expect(handle.queued).toBeLessThanOrEqual(MAX_QUEUE)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(LEEWAY_BYTES)
    expect(errors.entries.map(({ code }) => code)).toEqual(['queue_full'])
    await others_are_served()
    handle.close()
    const { cause, clean, unsent } = await infos.first()
    expect({ cause, clean }).toEqual({ cause: 'local', clean: false })
    expect(unsent).toBeGreaterThan(0)
  })

  it('that stops reading for a while: what was taken arrives whole and in order', async () => {
    const { wire, handle } = await open_victim(side, { max_queue: MAX_QUEUE })
    wire.stop_reading()
    let taken = 0
    while (handle.send(`${taken} ${KILOBYTE}`) === true) taken += 1
    wire.resume_reading()
    await handle.drained()
    expect(handle.send('last')).toBe(true)
    await wire.frames.count(taken + 1)
    const numbers = wire.frames.entries.map(({ payload }) => Number.parseInt(payload.toString(), 10))
    expect(numbers).toEqual([...Array.from({ length: taken }).keys(), Number.NaN])
  })

  it('that stops answering while its TCP socket goes on: the heartbeat ends it, and on_close comes though the socket hangs', async () => {
    const { wire, infos, others_are_served } = await open_victim(side, { heartbeat: HEARTBEAT_MS })
    wire.is_polite = false
    expect(await infos.first()).toMatchObject({ cause: 'heartbeat', code: 1006, clean: false, unsent: 0 })
    expect(wire.frames.entries.map(({ opcode }) => opcode)).toEqual([OPCODE.PING])
    await others_are_served()
  })

  it('that stops answering and reading with messages queued: the heartbeat ends it, and unsent counts them', async () => {
    const { wire, handle, infos } = await open_victim(side, { heartbeat: HEARTBEAT_MS, max_queue: MAX_QUEUE })
    wire.stop_reading()
    const taken = fill(handle)
    const { cause, unsent } = await infos.first()
    expect(cause).toBe('heartbeat')
    expect(unsent).toBeGreaterThan(0)
    expect(unsent).toBeLessThanOrEqual(taken)
  })

  it('that stops reading and goes on sending pongs: the heartbeat lets it live, the queue tells', async () => {
    const { wire, handle, infos, errors } = await open_victim(side, {
      heartbeat: HEARTBEAT_MS,
      max_queue: MAX_QUEUE,
    })
    wire.stop_reading()
    fill(handle)
    const pong = wire.frame(OPCODE.PONG)
    // Four times the heartbeat.
    await wire.trickle(
      Buffer.concat(Array.from({ length: 8 }, () => pong)),
      (4 * HEARTBEAT_MS) / (8 * pong.length),
    )
    expect(infos.entries).toEqual([])
    expect(errors.entries.map(({ code }) => code)).toEqual(['queue_full'])
    handle.close()
    expect(await infos.first()).toMatchObject({ cause: 'local', clean: false })
  })

  it('that answers pings and says nothing else: it lives', async () => {
    const { wire, handle, infos, messages } = await open_victim(side, { heartbeat: HEARTBEAT_MS })
    await wire.frames.until(frames => frames.filter(({ opcode }) => opcode === OPCODE.PING).length >= 4)
    expect(infos.entries).toEqual([])
    wire.text('still here')
    await messages.first(data => data === 'still here')
    expect(handle.send('so am I')).toBe(true)
    await wire.frames.first(({ opcode }) => opcode === OPCODE.TEXT)
  })

  it('that is held up by a slow handler of ours for several heartbeats: it is not taken for dead, and hears pings', async () => {
    const { passed, open } = gate()
    const { wire, handle, infos, messages } = await open_victim(side, {
      heartbeat: HEARTBEAT_MS,
      on_message: () => passed,
    })
    const received = watch_received(handle)
    for (let index = 0; index < 1_000; index += 1) wire.text(`${index} ${KILOBYTE}`)
    await paused(received)
    await wire.frames.until(frames => frames.filter(({ opcode }) => opcode === OPCODE.PING).length >= 4)
    expect(infos.entries).toEqual([])
    open()
    await messages.count(1_000)
    const numbers = messages.entries.map(data => Number.parseInt(data, 10))
    expect(numbers).toEqual(Array.from(numbers.keys()))
  })
})

describe('both sides ours survive', () => {
  const SLOW_MS = 5 * HEARTBEAT_MS
  const slowly_once = (): (() => Promise<void>) => {
    let is_first = true
    return async () => {
      if (!is_first) return
      is_first = false
      await new Promise(resolve => setTimeout(resolve, SLOW_MS))
    }
  }

  it('a slow handler of the server, over five heartbeats', async () => {
    const { server, messages, closes } = await start_server({
      heartbeat: HEARTBEAT_MS,
      on_message: slowly_once(),
    })
    const { ws, closes: client_closes } = start_client(url_of(server), { heartbeat: HEARTBEAT_MS })
    for (let index = 0; index < 3_000; index += 1) expect(ws.send(`${index} ${KILOBYTE}`)).toBe(true)
    await messages.count(3_000)
    expect(messages.entries.map(data => Number.parseInt(data, 10))).toEqual(
      Array.from(messages.entries.keys()),
    )
    expect([closes.entries, client_closes.entries]).toEqual([[], []])
  })

  it('a slow handler of the client, over five heartbeats', async () => {
    const { server, closes } = await start_server({
      heartbeat: HEARTBEAT_MS,
      on_connect: socket => {
        for (let index = 0; index < 3_000; index += 1) expect(socket.send(`${index} ${KILOBYTE}`)).toBe(true)
      },
    })
    const client = start_client(url_of(server), { heartbeat: HEARTBEAT_MS, on_message: slowly_once() })
    await client.messages.count(3_000)
    const numbers = client.messages.entries.map(data => Number.parseInt(data, 10))
    expect(numbers).toEqual(Array.from(numbers.keys()))
    expect([closes.entries, client.closes.entries]).toEqual([[], []])
  })

  it('slow handlers of both, which flood each other', async () => {
    const { server, messages, closes } = await start_server({
      heartbeat: HEARTBEAT_MS,
      on_connect: socket => {
        for (let index = 0; index < 3_000; index += 1) socket.send(`${index} ${KILOBYTE}`)
      },
      on_message: slowly_once(),
    })
    const client = start_client(url_of(server), { heartbeat: HEARTBEAT_MS, on_message: slowly_once() })
    for (let index = 0; index < 3_000; index += 1) client.ws.send(`${index} ${KILOBYTE}`)
    await Promise.all([messages.count(3_000), client.messages.count(3_000)])
    expect([closes.entries, client.closes.entries]).toEqual([[], []])
  })
})
