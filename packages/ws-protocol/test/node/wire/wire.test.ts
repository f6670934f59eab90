import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as http_request, type IncomingMessage } from 'node:http'
import { createServer as create_https_server, request as https_request } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { deflateRawSync } from 'node:zlib'
import { make_self_signed } from '@bt/test-support/certificates'
import { deferred } from '@bt/test-support/deferred'
import { frame_bytes } from '@bt/test-support/frames'
import { accept_of } from '@bt/test-support/handshake'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { Connection } from '../../../src/connection/connection.js'
import { ServerConnection } from '../../../src/connection/server_connection.js'
import { NetError } from '../../../src/errors/errors.js'
import { deflate_offers } from '../../../src/handshake/deflate_offer.js'
import {
  accept_deflate,
  agreed_deflate,
  type DeflateParameters,
  frame_memory,
  type InboxBudget,
  node_platform,
  Wire,
  type WireTraits,
} from '../../../src/node/index.js'
import { type PortHarness, PortListener, port_cases, WsPeer } from '../../../src/testing/index.js'
import { settings as small_settings } from '../../connection/connection_events.js'

const limits = { max_payload: 1_048_576, max_fragments: 16_384 }

const left_open: { close(): void }[] = []

const identity = await make_self_signed({ hosts: ['127.0.0.1'] })
const trust = { ca: identity.cert }

/** The transport below the WebSocket. */
type Transport = 'TCP' | 'TLS'

/**
 * The stream of a handshake that was accepted, what came behind it, and whether messages may be compressed.
 */
interface Accepted {
  readonly stream: Socket
  readonly head: Buffer
  readonly deflate: DeflateParameters | undefined
}

const NO_CONTEXT_TAKEOVER = { serverNoContextTakeover: true, clientNoContextTakeover: true }
const OFFERS = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

function made_http(transport: Transport): ReturnType<typeof createServer> {
  const http = transport === 'TLS' ? create_https_server(identity) : createServer()
  http.listen(0, '127.0.0.1')
  left_open.push(http)
  return http
}

const url_of = (http: ReturnType<typeof createServer>, transport: Transport): string =>
  `${transport === 'TLS' ? 'wss' : 'ws'}://127.0.0.1:${(http.address() as AddressInfo).port}`

/** A server that accepts one handshake (RFC 6455 §4.2.2), and leaves the rest to a wire. */
async function accepting(
  compression: boolean,
  transport: Transport = 'TCP',
): Promise<{ accepted: Promise<Accepted>; url: string }> {
  const http = made_http(transport)
  const accepted = new Promise<Accepted>(resolve => {
    http.once('upgrade', ({ headers }: IncomingMessage, stream: Socket, head: Buffer) => {
      const offers = deflate_offers(headers['sec-websocket-extensions'] ?? '', 'client') ?? []
      const deflate = compression ? accept_deflate(offers) : undefined
      const lines = [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${accept_of(String(headers['sec-websocket-key']))}`,
        ...(deflate === undefined ? [] : [`Sec-WebSocket-Extensions: ${deflate.answer}`]),
      ]
      stream.write(`${lines.join('\r\n')}\r\n\r\n`)
      resolve({ stream, head, deflate: deflate?.parameters })
    })
  })
  await once(http, 'listening')
  return { accepted, url: url_of(http, transport) }
}

/** Asks a server for a WebSocket (RFC 6455 §4.1), and leaves the rest to a wire. */
function asked(url: string, compression: boolean): Promise<Accepted> {
  const { hostname, port, protocol } = new URL(url)
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...(compression ? { 'Sec-WebSocket-Extensions': OFFERS } : {}),
  }
  const request = protocol === 'wss:' ? https_request : http_request
  return new Promise((resolve, reject) => {
    request({ hostname, port, headers, ...trust })
      .on('upgrade', (answer: IncomingMessage, stream: Socket, head: Buffer) => {
        const agreed = answer.headers['sec-websocket-extensions']
        resolve({ stream, head, deflate: agreed === undefined ? undefined : agreed_deflate(agreed) })
      })
      .on('error', reject)
      .end()
  })
}

/** A wire over a stream whose handshake is done. */
function opened(
  traits: Pick<WireTraits, 'side' | 'round_trip'>,
  compression: boolean,
  { stream, head, deflate }: Accepted,
  connection: Connection<null>,
  attach = (wire: Wire): void => connection.attach(wire),
): Wire {
  const wire = new Wire({ ...traits, options: { ...limits, compression }, clock: node_platform.clock })
  attach(wire)
  wire.open(connection, stream, head, deflate)
  connection.socket_opened()
  return wire
}

function server_harness(compression: boolean, transport?: Transport): PortHarness {
  return {
    platform: node_platform,
    side: 'server',
    async open(connection, attach) {
      const { accepted, url } = await accepting(compression, transport)
      const peer = new WebSocket(url, { perMessageDeflate: compression && NO_CONTEXT_TAKEOVER, ...trust })
      const peer_open = once(peer, 'open')
      opened({ side: 'server' }, compression, await accepted, connection, attach)
      await peer_open
      return new WsPeer(peer)
    },
  }
}

function client_harness(compression: boolean, transport: Transport = 'TCP'): PortHarness {
  return {
    platform: node_platform,
    side: 'client',
    async open(connection: Connection<null>, attach) {
      const http = made_http(transport)
      await once(http, 'listening')
      const acceptor = new WebSocketServer({
        server: http,
        perMessageDeflate: compression && NO_CONTEXT_TAKEOVER,
      })
      const peer = once(acceptor, 'connection') as Promise<[WebSocket]>
      const accepted = await asked(url_of(http, transport), compression)
      opened({ side: 'client' }, compression, accepted, connection, attach)
      return new WsPeer((await peer)[0])
    },
  }
}

describe('Wire', () => {
  const settings = { ...small_settings, max_queue: 1_000_000, close_timeout: 1_000 }

  afterEach(() => {
    vi.restoreAllMocks()
    for (const server of left_open.splice(0)) server.close()
  })

  /** A server's connection, open, and the bare socket of its peer. */
  async function open_raw(
    options: Partial<WireTraits['options']> = {},
    inbox_budget?: InboxBudget,
  ): Promise<{ connection: ServerConnection<null>; listener: PortListener; raw: Socket; wire: Wire }> {
    const { accepted, url } = await accepting(options.compression === true)
    const raw = connect(Number(new URL(url).port), '127.0.0.1')
    raw.write(
      `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: ${OFFERS}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    )
    const { stream, head, deflate } = await accepted
    const listener = new PortListener()
    const given = { ...settings, side: 'server', binary: true } as const
    const connection = new ServerConnection(given, listener, node_platform, () => null)
    const wire = new Wire({
      side: 'server',
      clock: node_platform.clock,
      options: { ...limits, compression: false, ...options },
      ...(inbox_budget && { inbox_budget }),
    })
    connection.attach(wire)
    wire.open(connection, stream, head, deflate)
    connection.socket_opened()
    await once(raw, 'data')
    return { connection, listener, raw, wire }
  }

  /** A frame of a client whose zero mask leaves the payload as it is; it may be cut off before `length`. */
  const frame = (first: number, payload: string | Uint8Array, length = payload.length): Buffer =>
    frame_bytes({ first, payload: Buffer.from(payload as string), key: 0, length: BigInt(length) })

  it('decompresses text and bytes, and refuses text that is not UTF-8', async () => {
    const { connection, listener, raw } = await open_raw({ compression: true })
    const packed = (first: number, payload: string | Uint8Array): Buffer =>
      frame(first, deflateRawSync(Buffer.from(payload as string)))
    raw.write(
      Buffer.concat([packed(0xc1, 'a'.repeat(200)), packed(0xc1, 'é€👋'), packed(0xc2, Buffer.of(0xff))]),
    )
    await listener.has(3)
    raw.write(packed(0xc1, Buffer.of(0xff)))
    expect(await connection.closed).toMatchObject({ code: 1007, cause: 'protocol' })
    expect(listener.received).toEqual(['a'.repeat(200), 'é€👋', new Uint8Array([0xff])])
    raw.destroy()
  })

  it('reports the rule that the peer broke, and closes with its code', async () => {
    const { connection, listener, raw } = await open_raw()
    raw.write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0]))
    expect(await connection.closed).toMatchObject({ code: 1002, cause: 'protocol', clean: false })
    expect(listener.errors.map(error => error.code)).toEqual(['protocol_error'])
    raw.destroy()
  })

  describe('a budget for received data', () => {
    const CLOSE = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf5])
    const error = new NetError('inbox_shed', 'shed by a test')

    /** A budget whose limit a test sets. */
    class Budget implements InboxBudget {
      max_waiting_bytes = 1_000_000
      held_bytes = 0
      on_change = (): void => {}
      changed(_holder: unknown, by_bytes: number): void {
        this.held_bytes += by_bytes
        this.on_change()
      }
      until(is_reached: () => boolean): Promise<void> {
        return new Promise(resolve => {
          this.on_change = () => is_reached() && resolve()
          this.on_change()
        })
      }
    }

    let budget: Budget
    beforeEach(() => {
      budget = new Budget()
    })

    it('gets reports of unfinished messages, and of their end', async () => {
      const { connection, raw, wire } = await open_raw({}, budget)
      raw.write(frame(0x01, 'x'.repeat(200), 1_000))
      await budget.until(() => budget.held_bytes >= 200)
      expect([wire.held_bytes, wire.sheddable_bytes]).toEqual([budget.held_bytes, budget.held_bytes])
      raw.destroy()
      await connection.closed
      expect([budget.held_bytes, wire.sheddable_bytes]).toEqual([0, 0])
    })

    it('gets reports of messages in callbacks, and pauses the socket while its limit is exceeded', async () => {
      budget.max_waiting_bytes = 100
      const { connection, listener, raw, wire } = await open_raw({}, budget)
      const { promise: released, resolve: release } = deferred()
      listener.on_data = data => {
        wire.lend(data)
        return released
      }
      raw.write(frame(0x81, 'x'.repeat(200)))
      await listener.has(1)
      await budget.until(() => budget.held_bytes > 200)
      expect(wire.sheddable_bytes).toBe(0)
      raw.write(frame(0x81, 'y'.repeat(200)))
      await new Promise(setImmediate)
      const before = wire.signs_of_life()
      expect(wire.signs_of_life(), 'silence says nothing of a peer that is not read').not.toBe(before)
      expect(listener.received).toHaveLength(1)
      release()
      await listener.has(2)
      await budget.until(() => budget.held_bytes === 0)
      raw.destroy()
      await connection.closed
    })

    it('sheds with a Close, skips further messages, and reads the peer’s Close', async () => {
      const { connection, listener, raw, wire } = await open_raw({}, budget)
      raw.write(frame(0x01, 'x'.repeat(200), 300))
      await budget.until(() => budget.held_bytes >= 200)
      const sent_bytes = once(raw, 'data').then(([bytes]) => bytes as Buffer)
      expect(wire.shed(error, 1013, 'later')).toBe(true)
      expect(budget.held_bytes).toBe(0)
      raw.write(
        Buffer.concat([Buffer.alloc(100, 'x'), frame(0x80, 'y'.repeat(200)), frame(0x81, 'z'.repeat(200))]),
      )
      raw.write(CLOSE)
      expect(await connection.closed).toMatchObject({ code: 1013, cause: 'overflow', clean: true })
      expect((await sent_bytes).subarray(-5).toString()).toBe('later')
      expect([listener.received, listener.errors]).toEqual([[], [error]])
    })

    it('sheds while a message is being decompressed', async () => {
      const { connection, listener, raw, wire } = await open_raw({ compression: true }, budget)
      const packed = deflateRawSync(randomBytes(30_000))
      raw.write(frame(0xc2, packed))
      await budget.until(() => budget.held_bytes >= 30_000)
      expect(wire.shed(error, 1013, 'later')).toBe(true)
      raw.write(CLOSE)
      expect(await connection.closed).toMatchObject({ code: 1013, cause: 'overflow' })
      expect([listener.received, budget.held_bytes]).toEqual([[], 0])
    })

    it('terminates a connection that is already ending', async () => {
      const { connection, raw, wire } = await open_raw({}, budget)
      connection.close()
      raw.write(frame(0x01, 'x'.repeat(200), 300))
      await budget.until(() => budget.held_bytes >= 200)
      expect(wire.shed(error, 1013, 'later')).toBe(false)
      expect(await connection.closed).toMatchObject({ clean: false })
      expect(budget.held_bytes).toBe(0)
    })
  })

  describe('pings', () => {
    /** Sends `count` numbered pings in one write. A zero mask leaves the payload as it is. */
    const ping = (raw: Socket, count: number): void => {
      const pings = Array.from({ length: count }, (_, i) => [0x89, 0x82, 0, 0, 0, 0, i >> 8, i & 0xff])
      raw.write(Buffer.from(pings.flat()))
    }

    /** The numbers in the answers, up to that to the last ping. */
    const answers = async (raw: Socket, last: number): Promise<number[]> => {
      let bytes = Buffer.alloc(0)
      const numbers: number[] = []
      for await (const chunk of raw.iterator({ destroyOnReturn: false })) {
        bytes = Buffer.concat([bytes, chunk])
        for (; bytes.length >= 4; bytes = bytes.subarray(4)) {
          expect([bytes[0], bytes[1]]).toEqual([0x8a, 2])
          numbers.push(bytes.readUInt16BE(2))
        }
        if (numbers.at(-1) === last) return numbers
      }
      return numbers
    }

    const up_to = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

    it('that arrive together are each answered, in order, up to 64', async () => {
      const { raw } = await open_raw()
      ping(raw, 64)
      expect(await answers(raw, 63)).toEqual(up_to(64))
      raw.destroy()
    })

    it.each([65, 100, 1_000])('beyond that are answered only by the last one: %i', async count => {
      // So all of them are handled in one turn, however busy the machine is.
      vi.spyOn(performance, 'now').mockReturnValue(performance.now())
      const { raw } = await open_raw()
      ping(raw, count)
      expect(await answers(raw, count - 1)).toEqual([...up_to(64), count - 1])
      raw.destroy()
    })

    it('in a flood close the connection with 1008', async () => {
      const { connection, listener, raw } = await open_raw()
      ping(raw, 3_000)
      raw.resume()
      expect(await connection.closed).toMatchObject({ code: 1008, cause: 'protocol' })
      expect(listener.errors.map(error => error.code)).toEqual(['too_many_pings'])
      raw.destroy()
    })
  })

  /** A server's connection, open, with a plain `ws` as its peer. */
  async function open_pair(
    max_queue: number,
    compression = false,
    transport: Transport = 'TCP',
    round_trip?: (ms: number) => void,
  ): Promise<{ connection: ServerConnection<null>; peer: WebSocket; port: Wire; stream: Socket }> {
    const { accepted, url } = await accepting(compression, transport)
    const peer = new WebSocket(url, { perMessageDeflate: compression && NO_CONTEXT_TAKEOVER, ...trust })
    peer.on('error', () => {})
    const peer_open = once(peer, 'open')
    const client = await accepted
    const given = { ...settings, max_queue, close_timeout: 30, side: 'server' } as const
    const connection = new ServerConnection(given, new PortListener(), node_platform, () => null)
    const traits = { side: 'server', ...(round_trip && { round_trip }) } as const
    const port = opened(traits, compression, client, connection)
    await peer_open
    return { connection, peer, port, stream: client.stream }
  }

  it.each([
    ['TCP', 'is reset', 'reset'],
    ['TCP', 'is terminated after close_timeout', 'close'],
    ['TLS', 'is reset', 'reset'],
    ['TLS', 'is terminated after close_timeout', 'close'],
  ] as const)(
    'counts a batch under way over %s as unsent when its connection %s',
    async (transport, _name, end) => {
      const { connection, peer } = await open_pair(30_000_000, false, transport)
      peer.pause()
      expect(connection.send(new Uint8Array(20_000_000))).toBe(true)
      const drained = connection.drained()
      drained.catch(() => {})
      await new Promise(resolve => setImmediate(resolve))
      if (end === 'close') connection.close()
      else peer.terminate()
      expect(await connection.closed).toMatchObject({ code: 1006, unsent: 1 })
      await expect(drained).rejects.toMatchObject({ code: 'connection_lost' })
      peer.terminate()
    },
  )

  it.each(['TCP', 'TLS'] as const)(
    'counts messages written to a failed socket of %s as unsent',
    async transport => {
      const { connection, stream } = await open_pair(1_000_000, false, transport)
      stream.destroy()
      for (let i = 0; i < 10; i += 1) connection.send('too late')
      expect((await connection.closed).unsent).toBe(10)
    },
  )

  it('releases the memory of a batch when the kernel has taken it with the write', async () => {
    const release = vi.spyOn(frame_memory, 'release')
    const { connection, port, peer } = await open_pair(1_000_000)
    expect(connection.send('small')).toBe(true)
    await connection.drained()
    expect(release).toHaveBeenCalledTimes(1)
    expect([port.unsent, port.takes_batch]).toEqual([0, true])
    peer.terminate()
    await connection.closed
  })

  it.each(['TCP', 'TLS'] as const)(
    'keeps the memory of a batch while the kernel has not taken it over %s, and takes no other batch',
    async transport => {
      const { connection, port, peer } = await open_pair(30_000_000, false, transport)
      const release = vi.spyOn(frame_memory, 'release')
      peer.pause()
      connection.send(new Uint8Array(20_000_000))
      connection.send('behind it')
      await new Promise(resolve => setImmediate(resolve))
      expect([port.unsent, port.takes_batch, port.is_writable]).toEqual([1, false, true])
      expect(connection.queued).toBe(20_000_010 + 11)
      expect(release).not.toHaveBeenCalled()
      peer.resume()
      await connection.drained()
      expect([port.unsent, port.takes_batch, port.buffered_bytes]).toEqual([0, true, 0])
      expect(release.mock.calls.map(([buffer]) => buffer.length >= 20_000_000)).toEqual([true, false])
      peer.terminate()
      await connection.closed
    },
  )

  it('keeps the memory of a batch while it is being compressed', async () => {
    const { connection, port, peer } = await open_pair(1_000_000, true)
    const release = vi.spyOn(frame_memory, 'release')
    const received = once(peer, 'message')
    connection.send('x'.repeat(10_000))
    await new Promise<void>(resolve => node_platform.defer(resolve))
    expect([port.unsent, port.takes_batch]).toEqual([1, false])
    expect(release).not.toHaveBeenCalled()
    await connection.drained()
    expect(port.unsent).toBe(0)
    expect(release).toHaveBeenCalledTimes(1)
    expect(String((await received)[0])).toBe('x'.repeat(10_000))
    peer.terminate()
    await connection.closed
  })

  it('counts what the kernel has taken over TLS as sent once TLS says so, and not before', async () => {
    const { connection, port, peer } = await open_pair(1_000_000, false, 'TLS')
    connection.send('small')
    await new Promise<void>(resolve => node_platform.defer(resolve))
    expect([connection.queued, port.unsent, port.takes_batch]).toEqual([7, 1, false])
    await connection.drained()
    expect([connection.queued, port.unsent, port.takes_batch]).toEqual([0, 0, true])
    peer.terminate()
    expect((await connection.closed).unsent).toBe(0)
  })

  describe('signs of life', () => {
    it('are none while the peer is silent, even if much is sent to it', async () => {
      const { connection, port, peer } = await open_pair(1_000_000)
      const before = port.signs_of_life()
      const received = once(peer, 'message')
      connection.send('x'.repeat(1_000))
      await received
      expect(port.signs_of_life()).toBe(before)
      peer.terminate()
      await connection.closed
    })

    it('are all bytes that the peer sends, even a ping', async () => {
      const { connection, port, peer } = await open_pair(1_000_000)
      const before = port.signs_of_life()
      const answered = once(peer, 'pong')
      peer.ping()
      await answered
      const after = port.signs_of_life()
      expect(after).not.toBe(before)
      expect(port.signs_of_life()).toBe(after)
      peer.terminate()
      await connection.closed
    })

    it.each(['TCP', 'TLS'] as const)(
      'over %s are also batches that were pending at a check and are taken by the peer',
      async transport => {
        const { connection, port, peer } = await open_pair(30_000_000, false, transport)
        peer.pause()
        connection.send(new Uint8Array(20_000_000))
        await new Promise(resolve => setImmediate(resolve))
        const before = port.signs_of_life()
        expect(port.unsent).toBe(1)
        peer.resume()
        await connection.drained()
        expect(port.signs_of_life()).not.toBe(before)
        peer.terminate()
        await connection.closed
      },
    )

    it.each(['TCP', 'TLS'] as const)(
      'over %s are not batches that the kernel takes at once',
      async transport => {
        const { connection, port, peer } = await open_pair(30_000_000, false, transport)
        peer.pause()
        const before = port.signs_of_life()
        connection.send('small')
        await connection.drained()
        expect(port.signs_of_life()).toBe(before)
        peer.terminate()
        await connection.closed
      },
    )
  })

  describe('a ping', () => {
    /** How many pings the peer gets before its next message. */
    const pings_until_message = async (peer: WebSocket): Promise<number> => {
      let pings = 0
      peer.on('ping', () => {
        pings += 1
      })
      await once(peer, 'message')
      return pings
    }

    it('reaches the peer, and reports its round-trip time', async () => {
      const { promise: round_trip, resolve: report_round_trip } = deferred<number>()
      const { connection, port, peer } = await open_pair(1_000_000, false, 'TCP', ms => report_round_trip(ms))
      const before = performance.now()
      const signs = port.signs_of_life()
      port.ping()
      const ms = await round_trip
      expect(ms).toBeGreaterThan(0)
      expect(ms).toBeLessThanOrEqual(performance.now() - before)
      expect(port.signs_of_life()).not.toBe(signs)
      peer.terminate()
      await connection.closed
    })

    it('reports one round-trip time for pings before a pong, from the first of them, and another for the next', async () => {
      const trips: number[] = []
      const { connection, port, peer } = await open_pair(1_000_000, false, 'TCP', ms => trips.push(ms))
      peer.pause()
      port.ping()
      port.ping()
      peer.resume()
      // What the peer sends behind its answers has arrived when they have.
      const two_pings = pings_until_message(peer)
      connection.send('behind them')
      expect(await two_pings).toBe(2)
      const answered = once(peer, 'pong')
      peer.ping()
      await answered
      expect(trips).toHaveLength(1)
      const third = once(peer, 'ping')
      port.ping()
      await third
      const answered_again = once(peer, 'pong')
      peer.ping()
      await answered_again
      expect(trips).toHaveLength(2)
      peer.terminate()
      await connection.closed
    })

    it('works without a callback for round-trip times', async () => {
      const { connection, port, peer } = await open_pair(1_000_000)
      const pinged = once(peer, 'ping')
      port.ping()
      await pinged
      peer.terminate()
      await connection.closed
    })

    it('is not sent behind a batch that the network does not take', async () => {
      const { connection, port, peer } = await open_pair(30_000_000)
      peer.pause()
      connection.send(new Uint8Array(20_000_000))
      await new Promise(resolve => setImmediate(resolve))
      expect(port.unsent).toBe(1)
      port.ping()
      const pings = pings_until_message(peer)
      peer.resume()
      expect(await pings).toBe(0)
      peer.terminate()
      await connection.closed
    })

    it('is not sent on a closing connection', async () => {
      const { connection, port, peer } = await open_pair(1_000_000)
      let pings = 0
      peer.on('ping', () => {
        pings += 1
      })
      connection.close()
      port.ping()
      await connection.closed
      port.ping()
      expect(pings).toBe(0)
    })
  })

  it('reports why a connection was lost', async () => {
    const { connection, listener, raw } = await open_raw()
    raw.resetAndDestroy()
    expect(await connection.closed).toMatchObject({ code: 1006, cause: 'network' })
    expect(listener.end_error).toMatchObject({
      code: 'connection_lost',
      message: expect.stringContaining('ECONNRESET'),
    })
  })
})

describe.each([
  ['a server', server_harness(false)],
  ['a client', client_harness(false)],
  ['a server that compresses', server_harness(true)],
  ['a client that compresses', client_harness(true)],
  ['a server over TLS', server_harness(false, 'TLS')],
  ['a client over TLS', client_harness(false, 'TLS')],
  ['a server over TLS that compresses', server_harness(true, 'TLS')],
  ['a client over TLS that compresses', client_harness(true, 'TLS')],
])('Wire of %s', (_name, harness) => {
  afterEach(() => {
    for (const server of left_open.splice(0)) server.close()
  })

  it.each(port_cases)('$name', ({ run }) => run(harness))
})
