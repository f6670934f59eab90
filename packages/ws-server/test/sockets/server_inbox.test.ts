import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { deflateRawSync } from 'node:zlib'
import { deferred } from '@bt/test-support/deferred'
import { frame_bytes } from '@bt/test-support/frames'
import { afterEach, describe, expect, it } from 'vitest'
import type { CloseInfo, WsListenOptions, WsServer, WsServerError } from '../../src/index.js'
import { RawClient } from '../raw_client.js'
import { connect_client, start_open, stop_all } from '../started_server.js'

const KIB = 1_024
const MIB = 1_048_576
const TEXT = 0x81
const BINARY = 0x82
const RSV1 = 0x40
const BEGUN = 0x01

const held: (() => void)[] = []

afterEach(async () => {
  for (const release of held.splice(0)) release()
  await stop_all()
})

/**
 * A frame of a client with the key 0, which leaves the payload as it is; it may be cut off before `length`.
 */
function frame(first_byte: number, payload: Uint8Array | string, length = payload.length): Buffer {
  const bytes = Buffer.from(payload as string)
  return frame_bytes({ first: first_byte, payload: bytes, key: 0, length: BigInt(length) })
}

/**
 * Starts a server whose callbacks for messages stay pending until `release` is called, and records its
 * events.
 */
interface Held {
  readonly server: WsServer
  readonly errors: WsServerError[]
  readonly infos: CloseInfo[]
  readonly received: string[]
  release(): void
}

async function start_pending(options: Partial<WsListenOptions> = {}): Promise<Held> {
  const errors: WsServerError[] = []
  const infos: CloseInfo[] = []
  const received: string[] = []
  const { promise: released, resolve: release } = deferred()
  held.push(release)
  const server = await start_open({
    close_timeout: 200,
    on_message: (socket, data) => {
      received.push(data.slice(0, 10))
      if (data === 'hello') return socket.send(data)
      return released
    },
    on_error: error => errors.push(error),
    on_close: (_socket, info) => infos.push(info),
    ...options,
  } as Partial<WsListenOptions>)
  return { server, errors, infos, received, release }
}

const upgraded = (server: WsServer, count: number): Promise<RawClient[]> =>
  Promise.all(Array.from({ length: count }, () => RawClient.upgraded(server.addr)))

/** Waits until a server holds the expected memory, or has shed a socket. */
async function until(is_reached: () => boolean): Promise<void> {
  while (!is_reached()) await new Promise(setImmediate)
}

async function expect_served(server: WsServer): Promise<void> {
  const ws = await connect_client(server)
  ws.send('hello')
  expect(String((await once(ws, 'message'))[0])).toBe('hello')
  ws.close()
}

describe('max_total_inbox', () => {
  it('counts messages that wait for a callback, and the one it has, until it is done', async () => {
    const { server, release } = await start_pending()
    const ws = await connect_client(server)
    for (let i = 0; i < 3; i += 1) ws.send('x'.repeat(1_000))
    await until(() => server.stats().inbox_bytes === 1_064 + 2 * 1_128)
    release()
    await until(() => server.stats().inbox_bytes === 0)
    expect(server.stats().inbox_shed).toBe(0)
  })

  it('also counts data that is read in later turns of the event loop', async () => {
    const { server } = await start_pending()
    const be_busy = (): void => {
      const until_ms = performance.now() + 0.1
      while (performance.now() < until_ms);
    }
    subscribe('bt.net.message', be_busy)
    const [client] = await upgraded(server, 1)
    client?.send(Buffer.concat(Array<Buffer>(500).fill(frame(TEXT, 'x'))))
    await until(() => server.stats().inbox_bytes === 65 + 499 * 129)
    unsubscribe('bt.net.message', be_busy)
    client?.socket.destroy()
  })

  it('counts messages that are unfinished, by the memory that they take', async () => {
    const { server } = await start_pending()
    const [client] = await upgraded(server, 1)
    client?.send(frame(BEGUN, 'x'.repeat(10_000), 100_000))
    await until(() => server.stats().inbox_bytes >= 10_000)
    expect(server.stats().inbox_bytes).toBeLessThanOrEqual(40_000)
    client?.socket.destroy()
    await until(() => server.stats().inbox_bytes === 0)
  })

  it('closes the sockets with the largest unfinished messages with 1013, reports it to on_error, and keeps the others', async () => {
    const { server, errors, infos } = await start_pending({ max_total_inbox: 4 * MIB })
    const small = await upgraded(server, 3)
    for (const client of small) client.send(frame(BEGUN, 'x'.repeat(10_000)))
    const large = await upgraded(server, 8)
    for (const client of large) client.send(frame(BEGUN, 'x'.repeat(MIB - 1), MIB))
    await until(() => server.stats().inbox_shed >= 4)
    await until(() => infos.length >= 4)
    expect(server.stats().inbox_bytes).toBeLessThanOrEqual(4 * MIB)
    expect(errors.length).toBe(server.stats().inbox_shed)
    for (const error of errors) {
      expect(error.code).toBe('inbox_shed')
      expect(error.message).toContain(`max_total_inbox is ${4 * MIB}`)
    }
    for (const info of infos) expect(info).toMatchObject({ code: 1013, cause: 'overflow' })
    expect(small.filter(({ socket }) => socket.destroyed)).toEqual([])
    await expect_served(server)
    for (const { socket } of [...small, ...large]) socket.destroy()
  })

  it('reads the Close of a socket that was shed in the middle of a message, and no message before it', async () => {
    const { server, infos, received } = await start_pending({ max_total_inbox: MIB - 1 })
    const [client] = await upgraded(server, 1)
    client?.send(frame(BEGUN, 'x'.repeat(MIB - 10), MIB))
    await client?.bytes(4)
    client?.send(
      Buffer.concat([
        ...[Buffer.alloc(10, 'x'), frame(0x80, 'end'), frame(TEXT, 'after')],
        ...[Buffer.of(0x89, 0x80, 0, 0, 0, 0), Buffer.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf5)],
      ]),
    )
    await until(() => infos.length === 1)
    expect(infos[0]).toMatchObject({ code: 1013, cause: 'overflow', clean: true })
    expect(received).toEqual([])
    expect(server.stats().inbox_bytes).toBe(0)
  })

  it('pauses sockets sooner the more memory is held, before any socket is shed', async () => {
    const { server, release, received } = await start_pending({ max_total_inbox: 8 * MIB })
    const clients = await upgraded(server, 30)
    const burst = Buffer.concat(Array.from({ length: 300 }, () => frame(TEXT, 'x'.repeat(1_000))))
    for (const client of clients) client.send(burst)
    await until(() => server.stats().inbox_bytes > 4 * MIB)
    expect(server.stats()).toMatchObject({ inbox_shed: 0, sockets: 30 })
    release()
    await until(() => {
      expect(server.stats().inbox_bytes).toBeLessThanOrEqual(8 * MIB)
      return received.length === 30 * 300
    })
    expect(server.stats()).toMatchObject({ inbox_shed: 0, inbox_bytes: 0 })
    for (const { socket } of clients) socket.destroy()
  })

  it('counts the inflated size of compressed messages', async () => {
    const { server, errors } = await start_pending({ compression: true, max_total_inbox: 4 * MIB })
    const packed = deflateRawSync(Buffer.alloc(1_000_000, 97))
    const burst = Buffer.concat([frame(TEXT | RSV1, packed), frame(TEXT | RSV1, packed)])
    const clients = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = RawClient.ask(server.addr, {
          Extensions: 'Sec-WebSocket-Extensions: permessage-deflate',
        })
        await client.header()
        client.send(burst)
        return client
      }),
    )
    await until(() => server.stats().inbox_shed > 0)
    await until(() => errors.length > 0)
    expect(errors[0]?.code).toBe('inbox_shed')
    // Callbacks hold up to eight of them, which shedding can't free.
    expect(server.stats().inbox_bytes).toBeLessThanOrEqual(8 * 1_000_128)
    await expect_served(server)
    for (const { socket } of clients) socket.destroy()
  })

  it('delivers received messages of a client that has left, and counts them until then', async () => {
    const { server, release, received, infos } = await start_pending()
    const ws = await connect_client(server)
    for (const data of ['a', 'b', 'c']) ws.send(data)
    ws.close()
    await once(ws, 'close')
    await until(() => server.sockets.size === 0)
    expect(server.stats().inbox_bytes).toBe(65 + 2 * 129)
    release()
    await until(() => infos.length === 1)
    expect(received).toEqual(['a', 'b', 'c'])
    expect(server.stats().inbox_bytes).toBe(0)
  })

  it('counts nothing for messages that were thrown away, since the socket was closed', async () => {
    const { server, release } = await start_pending()
    const ws = await connect_client(server)
    for (const data of ['a', 'b', 'c']) ws.send(data)
    await until(() => server.stats().inbox_bytes === 65 + 2 * 129)
    for (const socket of server.sockets) socket.close()
    await once(ws, 'close')
    await until(() => server.stats().inbox_bytes === 65)
    release()
    await until(() => server.stats().inbox_bytes === 0)
  })

  it('counts nothing for a callback that throws, after one that took its time', async () => {
    const { promise: released, resolve: release } = deferred()
    const { server, errors } = await start_pending({
      on_message: async (_socket, data) => {
        if (data !== 'held') throw new Error('no failure: a test throws this')
        await released
      },
    })
    const ws = await connect_client(server)
    ws.send('held')
    ws.send('throws')
    await until(() => server.stats().inbox_bytes > 129)
    release()
    await until(() => errors.length === 1)
    await until(() => server.stats().inbox_bytes === 0)
  })

  it('counts data that clients send while authorize runs, and refuses the client that has sent most', async () => {
    const letting: (() => void)[] = []
    const { server } = await start_pending({
      max_total_inbox: 100 * KIB,
      authorize: () => new Promise<void>(resolve => letting.push(resolve)),
    })
    const modest = RawClient.ask(server.addr)
    modest.send(frame(TEXT, 'hello'))
    const greedy = [RawClient.ask(server.addr), RawClient.ask(server.addr)]
    for (const client of greedy) client.send(Buffer.alloc(60 * KIB))
    const ended = await Promise.race(greedy.map(client => client.until_ended()))
    expect(ended).toMatch(/^HTTP\/1\.1 503 .*Retry-After: 5.*too early/s)
    expect(server.stats()).toMatchObject({ refused: { over_limit: 1 }, inbox_shed: 0 })
    for (const let_in of letting) let_in()
    await modest.header()
    expect(String(await modest.bytes(7))).toContain('hello')
    await until(() => server.stats().inbox_bytes === 0)
    for (const { socket } of [modest, ...greedy]) socket.destroy()
  })
})

describe('a paused socket', () => {
  it.each([
    ['by itself', () => {}],
    ['with another reader', (socket: Socket) => socket.on('data', () => {})],
  ])('%s reads one chunk ahead at most, be it of one byte', async (_, prepare) => {
    const http = createServer()
    const connected = once(http.on('connection', prepare), 'connection')
    http.listen(0, '127.0.0.1')
    const { server } = await start_pending({ bind: undefined, server: http })
    const [client] = await upgraded(server, 1)
    const [socket] = (await connected) as [Socket]
    // The first is handled, the second waits and has the socket paused.
    client?.send(Buffer.concat([frame(TEXT, 'x'), frame(TEXT, 'x'.repeat(262_144))]))
    await until(() => socket.isPaused())
    client?.socket.setNoDelay()
    for (let i = 0; i < 200; i += 1) {
      client?.send('a')
      await new Promise(setImmediate)
    }
    expect(socket.readableLength).toBeLessThan(10)
    client?.socket.destroy()
    http.close()
  })
})

describe('binary messages', () => {
  it('are plain Uint8Arrays, whether they came whole, in fragments or compressed', async () => {
    const kinds: unknown[] = []
    const options = {
      binary: true,
      compression: true,
      on_message: (_socket: unknown, data: unknown) => {
        kinds.push(Object.getPrototypeOf(data) === Uint8Array.prototype)
      },
    }
    const server = await start_open(options as object)
    const client = RawClient.ask(server.addr, {
      Extensions: 'Sec-WebSocket-Extensions: permessage-deflate',
    })
    await client.header()
    const bytes = Buffer.alloc(100, 'x')
    client.send(
      Buffer.concat([
        ...[frame(BINARY, bytes), frame(BINARY & 0x7f, bytes), frame(0x80, bytes)],
        ...[frame(BINARY | RSV1, deflateRawSync(bytes))],
      ]),
    )
    await until(() => kinds.length === 3)
    expect(kinds).toEqual([true, true, true])
    client.socket.destroy()
  })
})
