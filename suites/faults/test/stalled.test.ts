import { OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import { start_client, start_server, url_of } from './endpoints.ts'
import {
  gate,
  open_connection,
  paused,
  SIDES,
  type TestConnection,
  watch_received,
} from './test_connection.ts'

const HEARTBEAT_MS = 200
const MAX_QUEUE = 262_144
const KILOBYTE = 'k'.repeat(1_024)
/** Memory that the arrays, strings and journals of a test may use. */
const LEEWAY_BYTES = 16 * 1_048_576

/** Sends until the queue is full, and returns how many messages were accepted. */
function fill(handle: TestConnection['handle']): number {
  for (let accepted = 0; ; accepted += 1) {
    const result = handle.send(KILOBYTE)
    if (result === true) continue
    expect(result.code).toBe('queue_full')
    return accepted
  }
}

describe.each(SIDES)('a %s with a peer', side => {
  it('that stops reading reports queue_full once, queues at most max_queue, and can close', async () => {
    const { peer, handle, infos, errors, expect_others_served } = await open_connection(side, {
      max_queue: MAX_QUEUE,
    })
    peer.stop_reading()
    peer.is_responsive = false
    fill(handle)
    const before = process.memoryUsage().arrayBuffers
    for (let index = 0; index < 100_000; index += 1)
      if (handle.send(KILOBYTE) === true) expect.fail('accepted')
    expect(handle.queued).toBeLessThanOrEqual(MAX_QUEUE)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(LEEWAY_BYTES)
    expect(errors.entries.map(({ code }) => code)).toEqual(['queue_full'])
    await expect_others_served()
    handle.close()
    const { cause, clean, unsent } = await infos.first()
    expect({ cause, clean }).toEqual({ cause: 'local', clean: false })
    expect(unsent).toBeGreaterThan(0)
  })

  it('that stops reading for a while delivers all accepted messages in order', async () => {
    const { peer, handle } = await open_connection(side, { max_queue: MAX_QUEUE })
    peer.stop_reading()
    let accepted = 0
    while (handle.send(`${accepted} ${KILOBYTE}`) === true) accepted += 1
    peer.resume_reading()
    await handle.drained()
    expect(handle.send('last')).toBe(true)
    await peer.frames.count(accepted + 1)
    const numbers = peer.frames.entries.map(({ payload }) => Number.parseInt(payload.toString(), 10))
    expect(numbers).toEqual([...Array.from({ length: accepted }).keys(), Number.NaN])
  })

  it('that keeps TCP open but stops answering ends the connection by heartbeat', async () => {
    const { peer, infos, expect_others_served } = await open_connection(side, { heartbeat: HEARTBEAT_MS })
    peer.is_responsive = false
    expect(await infos.first()).toMatchObject({ cause: 'heartbeat', code: 1006, clean: false, unsent: 0 })
    expect(peer.frames.entries.map(({ opcode }) => opcode)).toEqual([OPCODE.PING])
    await expect_others_served()
  })

  it('that stops answering and reading counts the queued messages as unsent after the heartbeat fails', async () => {
    const { peer, handle, infos } = await open_connection(side, {
      heartbeat: HEARTBEAT_MS,
      max_queue: MAX_QUEUE,
    })
    peer.stop_reading()
    const accepted = fill(handle)
    const { cause, unsent } = await infos.first()
    expect(cause).toBe('heartbeat')
    expect(unsent).toBeGreaterThan(0)
    expect(unsent).toBeLessThanOrEqual(accepted)
  })

  it('that stops reading but keeps sending pongs keeps the connection, and reports queue_full', async () => {
    const { peer, handle, infos, errors } = await open_connection(side, {
      heartbeat: HEARTBEAT_MS,
      max_queue: MAX_QUEUE,
    })
    peer.stop_reading()
    fill(handle)
    const pong = peer.frame(OPCODE.PONG)
    // Over four heartbeats.
    await peer.trickle(
      Buffer.concat(Array.from({ length: 8 }, () => pong)),
      (4 * HEARTBEAT_MS) / (8 * pong.length),
    )
    expect(infos.entries).toEqual([])
    expect(errors.entries.map(({ code }) => code)).toEqual(['queue_full'])
    handle.close()
    expect(await infos.first()).toMatchObject({ cause: 'local', clean: false })
  })

  it('that answers pings and sends nothing else keeps the connection', async () => {
    const { peer, handle, infos, messages } = await open_connection(side, { heartbeat: HEARTBEAT_MS })
    await peer.frames.until(frames => frames.filter(({ opcode }) => opcode === OPCODE.PING).length >= 4)
    expect(infos.entries).toEqual([])
    peer.text('still here')
    await messages.first(data => data === 'still here')
    expect(handle.send('so am I')).toBe(true)
    await peer.frames.first(({ opcode }) => opcode === OPCODE.TEXT)
  })

  it('that a slow callback holds up for several heartbeats keeps the connection and sends pings', async () => {
    const { passed, open } = gate()
    const { peer, handle, infos, messages } = await open_connection(side, {
      heartbeat: HEARTBEAT_MS,
      on_message: () => passed,
    })
    const received = watch_received(handle)
    for (let index = 0; index < 1_000; index += 1) peer.text(`${index} ${KILOBYTE}`)
    await paused(received)
    await peer.frames.until(frames => frames.filter(({ opcode }) => opcode === OPCODE.PING).length >= 4)
    expect(infos.entries).toEqual([])
    open()
    await messages.count(1_000)
    const numbers = messages.entries.map(data => Number.parseInt(data, 10))
    expect(numbers).toEqual(Array.from(numbers.keys()))
  })
})

describe('a client and a server stay connected', () => {
  const SLOW_MS = 5 * HEARTBEAT_MS
  const slow_once = (): (() => Promise<void>) => {
    let is_first = true
    return async () => {
      if (!is_first) return
      is_first = false
      await new Promise(resolve => setTimeout(resolve, SLOW_MS))
    }
  }

  it('while a callback of the server takes five heartbeats', async () => {
    const { server, messages, closes } = await start_server({
      heartbeat: HEARTBEAT_MS,
      on_message: slow_once(),
    })
    const { ws, closes: client_closes } = start_client(url_of(server), { heartbeat: HEARTBEAT_MS })
    for (let index = 0; index < 3_000; index += 1) expect(ws.send(`${index} ${KILOBYTE}`)).toBe(true)
    await messages.count(3_000)
    expect(messages.entries.map(data => Number.parseInt(data, 10))).toEqual(
      Array.from(messages.entries.keys()),
    )
    expect([closes.entries, client_closes.entries]).toEqual([[], []])
  })

  it('while a callback of the client takes five heartbeats', async () => {
    const { server, closes } = await start_server({
      heartbeat: HEARTBEAT_MS,
      on_connect: socket => {
        for (let index = 0; index < 3_000; index += 1) expect(socket.send(`${index} ${KILOBYTE}`)).toBe(true)
      },
    })
    const client = start_client(url_of(server), { heartbeat: HEARTBEAT_MS, on_message: slow_once() })
    await client.messages.count(3_000)
    const numbers = client.messages.entries.map(data => Number.parseInt(data, 10))
    expect(numbers).toEqual(Array.from(numbers.keys()))
    expect([closes.entries, client.closes.entries]).toEqual([[], []])
  })

  it('while both flood each other and have slow callbacks', async () => {
    const { server, messages, closes } = await start_server({
      heartbeat: HEARTBEAT_MS,
      on_connect: socket => {
        for (let index = 0; index < 3_000; index += 1) socket.send(`${index} ${KILOBYTE}`)
      },
      on_message: slow_once(),
    })
    const client = start_client(url_of(server), { heartbeat: HEARTBEAT_MS, on_message: slow_once() })
    for (let index = 0; index < 3_000; index += 1) client.ws.send(`${index} ${KILOBYTE}`)
    await Promise.all([messages.count(3_000), client.messages.count(3_000)])
    expect([closes.entries, client.closes.entries]).toEqual([[], []])
  })
})
