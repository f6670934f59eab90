import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { deflateRawSync } from 'node:zlib'
import { frame_bytes } from '@bt/test-support/frames'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServerConnection } from '../../../src/connection/server_connection.js'
import type { CloseInfo } from '../../../src/index.js'
import { agreed_deflate } from '../../../src/node/deflate/deflate_agreement.js'
import { node_platform } from '../../../src/node/platform/platform.js'
import { counting_bytes } from '../../../src/node/wire/byte_stream.js'
import type { ReadRates } from '../../../src/node/wire/read_limit.js'
import { Wire } from '../../../src/node/wire/wire.js'
import { FakeClock } from '../../../src/testing/fake_clock.js'
import { CHECKS_PER_SPAN } from '../../../src/time/periodic_check.js'

const TEXT = 0x81
const CLOSE = 0x88
const PING = 0x89
const RSV1 = 0x40

let clock: FakeClock
let server: Server

beforeEach(async () => {
  clock = new FakeClock()
  server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(() => {
  server.close()
})

function frame(payload: string | Uint8Array, first = TEXT): Buffer {
  return frame_bytes({ first, payload: Buffer.from(payload as string), key: 0x0102_0304 })
}

/** Returns `count` messages, from '0' on. */
function numbered(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => frame(String(i))))
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i))
}

interface Opened {
  readonly connection: ServerConnection<null>
  readonly raw: Socket
  /** The messages that were delivered. */
  readonly received: string[]
  readonly infos: CloseInfo[]
  /** How often the wire has reported that its peer is slowed. */
  slowed: number
}

/** Opens a server's connection with the bare socket of its peer; `head` arrives with the handshake. */
async function open(
  rates: ReadRates,
  {
    head = Buffer.alloc(0) as Uint8Array,
    deflate = false,
    on_message = (_data: string): unknown => undefined,
  } = {},
): Promise<Opened> {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const raw = connect((server.address() as { port: number }).port, '127.0.0.1')
  raw.on('error', () => {})
  const [stream] = await accepted
  const opened: Opened = { connection: undefined as never, raw, received: [], infos: [], slowed: 0 }
  const wire = new Wire({
    side: 'server',
    options: { max_payload: 1_000_000, max_fragments: 100, compression: deflate, ...rates },
    clock,
    slowed: () => {
      opened.slowed += 1
    },
  })
  const connection = new ServerConnection<null>(
    { side: 'server', binary: false, close_timeout: 60_000, max_queue: 1_000_000 },
    {
      on_open: () => undefined,
      on_message: (_handle, data) => {
        opened.received.push(String(data))
        return on_message(String(data))
      },
      on_close: (_handle, info) => void opened.infos.push(info),
      report: () => {},
      opened: () => {},
      ended: () => {},
    },
    node_platform,
    () => null,
  )
  connection.attach(wire)
  const parameters = deflate ? agreed_deflate('permessage-deflate') : undefined
  wire.open(connection, counting_bytes(stream), head, parameters)
  connection.socket_opened()
  return Object.assign(opened, { connection })
}

/** Lets everything happen that needs no time to pass. */
async function until(is_reached: () => boolean): Promise<void> {
  while (!is_reached()) await new Promise(setImmediate)
}

/** Lets so many turns of the event loop pass that whatever was sent over loopback would have been read. */
async function turns(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await new Promise(setImmediate)
}

describe('messages_per_second', () => {
  it('delivers a second’s worth of thousands of messages in one read, and the others in time and in order', async () => {
    const opened = await open({ messages_per_second: 10 })
    opened.raw.write(numbered(5_000))
    await until(() => opened.received.length >= 10)
    await turns()
    expect(opened.received).toEqual(numbers(10))
    clock.advance(99)
    expect(opened.received).toHaveLength(10)
    clock.advance(1)
    expect(opened.received).toHaveLength(11)
    for (let second = 1; second <= 60; second += 1) {
      clock.advance(1_000)
      await turns()
    }
    expect(opened.received).toEqual(numbers(611))
    expect(opened.slowed).toBe(1)
    opened.raw.destroy()
  })

  it('saves up one second, and no more', async () => {
    const opened = await open({ messages_per_second: 10 })
    clock.advance(3_600_000)
    opened.raw.write(numbered(100))
    await until(() => opened.received.length >= 10)
    await turns()
    expect(opened.received).toHaveLength(10)
    opened.raw.destroy()
  })

  it('does nothing to a peer that stays below it', async () => {
    const opened = await open({ messages_per_second: 10 })
    for (let count = 1; count <= 50; count += 1) {
      opened.raw.write(frame(String(count)))
      await until(() => opened.received.length === count)
      clock.advance(101)
    }
    expect([opened.slowed, clock.timers]).toEqual([0, 0])
    opened.raw.destroy()
  })

  it('of one a second delivers one a second', async () => {
    const opened = await open({ messages_per_second: 1 })
    opened.raw.write(numbered(3))
    await until(() => opened.received.length > 0)
    clock.advance(999)
    await turns()
    expect(opened.received).toEqual(['0'])
    clock.advance(1)
    await until(() => opened.received.length > 1)
    clock.advance(1_000)
    await until(() => opened.received.length > 2)
    expect(opened.received).toEqual(numbers(3))
    opened.raw.destroy()
  })

  it('counts what came with the handshake', async () => {
    const opened = await open({ messages_per_second: 5 }, { head: numbered(20) })
    await until(() => opened.received.length >= 5)
    await turns()
    expect(opened.received).toEqual(numbers(5))
    for (let second = 0; second < 3; second += 1) clock.advance(1_000)
    expect(opened.received).toEqual(numbers(20))
    opened.raw.destroy()
  })

  it('counts compressed messages', async () => {
    const opened = await open({ messages_per_second: 2 }, { deflate: true })
    const compressed = (text: string): Buffer =>
      frame(deflateRawSync(text, { finishFlush: 2 }).subarray(0, -4), TEXT | RSV1)
    opened.raw.write(Buffer.concat(numbers(6).map(compressed)))
    await until(() => opened.received.length >= 2)
    await turns()
    expect(opened.received).toEqual(numbers(2))
    for (let count = 3; count <= 6; count += 1) {
      clock.advance(500)
      await until(() => opened.received.length >= count)
    }
    expect(opened.received).toEqual(numbers(6))
    opened.raw.destroy()
  })

  it('does not count the fragments and the pings of a message', async () => {
    const opened = await open({ messages_per_second: 1 })
    const fragments = [frame('a', 0x01), frame('', PING), frame('b', 0x00), frame('', PING), frame('c', 0x80)]
    opened.raw.write(Buffer.concat(fragments))
    await until(() => opened.received.length > 0)
    expect(opened.received).toEqual(['abc'])
    opened.raw.destroy()
  })
})

describe('bytes_per_second', () => {
  it('takes a message that is larger than it in pieces, and delivers it when its bytes are paid for', async () => {
    const opened = await open({ bytes_per_second: 1_000 })
    const message = frame('x'.repeat(5_000))
    opened.raw.write(message)
    await until(() => opened.slowed === 1)
    const rest_ms = message.length - 1_000
    for (let ms = 0; ms < rest_ms - 100; ms += 100) clock.advance(100)
    await turns()
    expect(opened.received).toHaveLength(0)
    clock.advance(200)
    await until(() => opened.received.length > 0)
    expect(opened.received).toEqual(['x'.repeat(5_000)])
    opened.raw.destroy()
  })

  it('counts the bytes of small messages with their headers, and keeps their order', async () => {
    const opened = await open({ bytes_per_second: 800 })
    const messages = Array.from({ length: 1_000 }, (_, i) => String(1_000 + i))
    // Each is a frame of 10 bytes.
    opened.raw.write(Buffer.concat(messages.map(text => frame(text))))
    await until(() => opened.received.length >= 80)
    await turns()
    expect(opened.received).toHaveLength(80)
    for (let second = 1; second <= 5; second += 1) {
      clock.advance(1_000)
      await turns()
      expect(opened.received).toHaveLength(80 + 80 * second)
    }
    for (let second = 6; second <= 12; second += 1) {
      clock.advance(1_000)
      await turns()
    }
    expect(opened.received).toEqual(messages)
    expect(opened.slowed).toBe(1)
    opened.raw.destroy()
  })

  it('of one byte takes a message byte by byte', async () => {
    const opened = await open({ bytes_per_second: 1 })
    opened.raw.write(frame('hello'))
    await until(() => opened.slowed === 1)
    clock.advance(9_999)
    expect(opened.received).toHaveLength(0)
    clock.advance(1)
    expect(opened.received).toEqual(['hello'])
    opened.raw.destroy()
  })

  it('holds together with messages_per_second: the one that is used up first counts', async () => {
    const rates = { bytes_per_second: 1_000, messages_per_second: 10 }
    const opened = await open(rates)
    // The first ten take the messages of a second, and 70 bytes; the next two more than the bytes of a second.
    opened.raw.write(
      Buffer.concat([numbered(10), frame('x'.repeat(492)), frame('y'.repeat(992)), frame('z')]),
    )
    await until(() => opened.received.length >= 10)
    await turns()
    expect(opened.received).toHaveLength(10)
    clock.advance(100)
    await turns()
    expect(opened.received).toHaveLength(11)
    clock.advance(400)
    await turns()
    expect(opened.received).toHaveLength(11)
    clock.advance(300)
    await turns()
    expect(opened.received).toHaveLength(13)
    opened.raw.destroy()
  })
})

describe('a peer that is slowed', () => {
  it('is not taken for dead, but pinged, since its own pings are stuck; and is when it stays silent', async () => {
    const opened = await open({ messages_per_second: 1 })
    const pings: Buffer[] = []
    opened.raw.on('data', part => pings.push(part))
    opened.raw.write(numbered(30))
    await until(() => opened.slowed === 1)
    // With a heartbeat of 10 s, a check is due each second.
    for (let check = 0; check < 29; check += 1) {
      opened.connection.check()
      clock.advance(1_000)
      await turns()
    }
    expect([opened.received.length, opened.connection.state]).toEqual([30, 'open'])
    expect(Buffer.concat(pings)).toEqual(Buffer.from([PING, 0, PING, 0]))
    clock.advance(1_000)
    for (let check = 0; check <= 2 * CHECKS_PER_SPAN; check += 1) opened.connection.check()
    await until(() => opened.infos.length > 0)
    expect(opened.infos).toMatchObject([{ cause: 'heartbeat' }])
    expect(clock.timers).toBe(0)
  })

  it.each([
    ['messages', { messages_per_second: 1 }],
    ['bytes', { bytes_per_second: 10 }],
  ])('is closed at once, though much of it is unread: by %s', async (_name, rates) => {
    const opened = await open(rates)
    opened.raw.write(numbered(20_000))
    await until(() => opened.slowed === 1)
    const delivered = opened.received.length
    opened.connection.close()
    const [part] = (await once(opened.raw, 'data')) as [Buffer]
    expect(part[0]).toBe(CLOSE)
    opened.raw.end(frame(Buffer.from([3, 232]), CLOSE))
    await until(() => opened.infos.length > 0)
    expect(opened.infos).toMatchObject([{ code: 1000, cause: 'local', clean: true }])
    expect(opened.received).toHaveLength(delivered)
    expect(clock.timers).toBe(0)
  })

  it('is shut down in order at once, and late messages come through', async () => {
    const opened = await open({ messages_per_second: 1 })
    opened.raw.write(numbered(500))
    await until(() => opened.slowed === 1)
    opened.connection.shut_down(1001, '', 60_000, 'delivered')
    await once(opened.raw, 'data')
    opened.raw.end(frame(Buffer.from([3, 233]), CLOSE))
    await until(() => opened.infos.length > 0)
    expect(opened.infos).toMatchObject([{ code: 1001, cause: 'shutdown', clean: true }])
    expect(opened.received).toEqual(numbers(500))
  })

  it('and terminated leaves no timer behind', async () => {
    const opened = await open({ messages_per_second: 1 })
    opened.raw.write(numbered(100))
    await until(() => opened.slowed === 1)
    expect(clock.timers).toBe(1)
    opened.connection.terminate()
    await until(() => opened.infos.length > 0)
    expect(clock.timers).toBe(0)
    expect(opened.received).toEqual(['0'])
  })

  it.each([
    ['messages', { messages_per_second: 5 }],
    ['bytes', { bytes_per_second: 50 }],
  ])('and then is reset loses nothing that was read: by %s', async (_name, rates) => {
    const opened = await open(rates)
    opened.raw.write(numbered(100))
    await until(() => opened.slowed === 1)
    await turns()
    opened.raw.resetAndDestroy()
    // Only a write shows the end of a connection that is not read.
    await until(() => {
      opened.connection.send('x')
      return opened.infos.length > 0
    })
    expect(opened.infos).toMatchObject([{ code: 1006, cause: 'network' }])
    expect(opened.received).toEqual(numbers(100))
    expect(clock.timers).toBe(0)
  })

  it('and ends its side in order has all of its messages delivered in time, and then its Close', async () => {
    const opened = await open({ messages_per_second: 10 })
    opened.raw.end(Buffer.concat([numbered(30), frame(Buffer.from([3, 232]), CLOSE)]))
    await until(() => opened.slowed === 1)
    expect(opened.received).toEqual(numbers(10))
    clock.advance(1_000)
    await turns()
    expect(opened.received).toEqual(numbers(20))
    clock.advance(2_000)
    await until(() => opened.infos.length > 0)
    expect(opened.received).toEqual(numbers(30))
    expect(opened.infos).toMatchObject([{ code: 1000, cause: 'peer', clean: true }])
  })

  it('waits for a slow callback, too, and each message is delivered once', async () => {
    const settled: (() => void)[] = []
    const on_message = (): Promise<void> => new Promise<void>(resolve => void settled.push(resolve))
    const opened = await open({ messages_per_second: 10 }, { on_message })
    opened.raw.write(numbered(20))
    await until(() => opened.slowed === 1)
    clock.advance(2_000)
    for (let count = 1; count <= 20; count += 1) {
      await until(() => opened.received.length === count)
      settled.shift()?.()
    }
    expect(opened.received).toEqual(numbers(20))
    opened.raw.destroy()
  })
})
