import { once } from 'node:events'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, describe, expect, it } from 'vitest'
import type { CloseInfo, WsListenOptions, WsServer } from '../../src/index.js'
import { masked_frame, RawClient } from '../raw_client.js'
import { connect_client, start_open, stop_all } from '../started_server.js'

const PING = 0x89
const PONG = 0x8a

afterEach(stop_all)

interface Heard {
  readonly server: WsServer
  /** How the next socket ends. */
  readonly ended: Promise<CloseInfo>
}

async function start(options: Partial<WsListenOptions>): Promise<Heard> {
  let end = (_info: CloseInfo): void => {}
  const ended = new Promise<CloseInfo>(resolve => {
    end = resolve
  })
  const server = await start_open({ heartbeat: 50, on_close: (_socket, info) => end(info), ...options })
  return { server, ended }
}

describe('heartbeat', () => {
  it('pings a silent client, and gives up one that does not answer, though its socket is still there', async () => {
    const { server, ended } = await start({})
    const client = await RawClient.upgraded(server.addr)
    expect((await client.bytes(2))[0]).toBe(PING)
    expect(await ended).toEqual({ code: 1006, reason: '', cause: 'heartbeat', clean: false, unsent: 0 })
    expect(server.sockets.size).toBe(0)
    client.socket.destroy()
  })

  it('keeps a client that answers, and counts its round trip', async () => {
    const { server } = await start({})
    expect(server.stats().round_trip_ms).toBeUndefined()
    const ws = await connect_client(server)
    for (let pings = 0; pings < 5; pings += 1) await once(ws, 'ping')
    expect(server.sockets.size).toBe(1)
    const { p50, p99 } = server.stats().round_trip_ms ?? { p50: 0, p99: 0 }
    expect(p50).toBeGreaterThan(0)
    expect(p99).toBeGreaterThanOrEqual(p50)
  })

  it('takes whatever arrives for a sign of life, be it a part of a frame', async () => {
    const { server } = await start({ on_message: (socket, data) => socket.send(`got ${data}`) })
    const client = await RawClient.upgraded(server.addr)
    const frame = masked_frame(0x81, Buffer.from('x'.repeat(20)))
    for (const byte of frame) {
      // Only a ping shows that time has passed.
      expect((await client.bytes(2))[0]).toBe(PING)
      client.send(Uint8Array.of(byte))
    }
    expect(String(await client.bytes(2 + 24)).slice(2)).toBe(`got ${'x'.repeat(20)}`)
    client.socket.destroy()
  })

  it('does not give up a client that is not read, since a handler is slow, and goes on pinging it', async () => {
    const { promise: released, resolve: release } = deferred()
    const { server } = await start({ on_message: () => released })
    const client = await RawClient.upgraded(server.addr)
    const frame = Buffer.concat([
      Buffer.from([0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0]),
      Buffer.alloc(65_535, 0x20),
    ])
    for (let i = 0; i < 40; i += 1) client.send(frame)
    for (let pings = 0; pings < 5; pings += 1) expect((await client.bytes(2))[0]).toBe(PING)
    expect(server.sockets.size).toBe(1)
    expect(server.stats().inbox_bytes).toBeGreaterThan(0)
    release()
    client.socket.destroy()
  })

  it('is no matter of messages: a client that answers pings and never sends anything stays', async () => {
    const { server } = await start({})
    const client = await RawClient.upgraded(server.addr)
    for (let pings = 0; pings < 5; pings += 1) {
      expect((await client.bytes(2))[0]).toBe(PING)
      client.send(masked_frame(PONG, Buffer.alloc(0)))
    }
    expect(server.sockets.size).toBe(1)
    client.socket.destroy()
  })

  it('may be turned off', async () => {
    const { server } = await start({ heartbeat: false })
    const other = await start({})
    const silent = await RawClient.upgraded(server.addr)
    const given_up = await RawClient.upgraded(other.server.addr)
    await other.ended
    expect(silent.received_bytes).toBe(0)
    expect(server.sockets.size).toBe(1)
    silent.socket.destroy()
    given_up.socket.destroy()
  })
})
