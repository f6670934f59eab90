import { OPCODE } from '@bt/test-support/frames'
import { answer_to } from '@bt/test-support/handshake'
import { describe, expect, it } from 'vitest'
import { RawPeer, REQUEST } from '../src/raw_peer.ts'
import {
  expect_process_alive,
  expect_serving,
  start_client,
  start_raw_server,
  start_server,
} from './endpoints.ts'
import { open_connection, SIDES } from './test_connection.ts'

const HEARTBEAT_MS = 100
const INTERVAL_MS = 20

describe('a server that receives one byte at a time', () => {
  it('ends a slow handshake by handshake_timeout', async () => {
    const { server, connects } = await start_server({ handshake_timeout: 200 })
    const peer = await RawPeer.dial(server.addr)
    const written = peer.trickle(REQUEST, INTERVAL_MS)
    expect(await peer.head()).toContain('408')
    await expect_serving(server)
    peer.half_close()
    await Promise.all([peer.closed, written])
    expect(server.stats().refused.timed_out).toBe(1)
    expect(connects.entries).toHaveLength(1)
  })

  it('ends a handshake without a single byte by handshake_timeout', async () => {
    const { server } = await start_server({ handshake_timeout: 200 })
    const peer = await RawPeer.dial(server.addr)
    expect(await peer.head()).toContain('408')
    peer.half_close()
    await peer.closed
    expect(server.stats().refused.timed_out).toBe(1)
  })

  it('accepts others during 100 slow handshakes', async () => {
    const { server } = await start_server({ handshake_timeout: 500 })
    const peers = await Promise.all(Array.from({ length: 100 }, () => RawPeer.dial(server.addr)))
    const written = peers.map(peer => peer.trickle(REQUEST, INTERVAL_MS))
    await expect_serving(server)
    await Promise.all(peers.map(peer => peer.head().then(() => peer.half_close())))
    await Promise.all([...peers.map(({ closed }) => closed), ...written])
    expect(server.stats().refused.timed_out).toBe(100)
  })
})

describe('a client that receives one byte at a time', () => {
  it('ends a slow response to its handshake by connect_timeout', async () => {
    const hostile = await start_raw_server()
    const { ws, closes, errors } = start_client(hostile.url, { connect_timeout: 200 })
    const peer = await hostile.accept()
    const written = peer.trickle(answer_to(await peer.head()), INTERVAL_MS)
    expect(await closes.first()).toMatchObject({ cause: 'refused', clean: false })
    await expect(ws.opened).rejects.toMatchObject({ code: 'connect_timeout' })
    expect(errors.entries.map(({ code }) => code)).toEqual(['connect_timeout'])
    await written
    await expect_process_alive()
  })

  it('does not wait longer than connect_timeout for the slow body of a refusal', async () => {
    const hostile = await start_raw_server()
    const { errors, closes } = start_client(hostile.url, { connect_timeout: 300 })
    const peer = await hostile.accept()
    await peer.head()
    peer.write('HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\n')
    const written = peer.trickle('b'.repeat(1_000), INTERVAL_MS)
    expect(await closes.first()).toMatchObject({ cause: 'refused' })
    expect(['connect_timeout', 'handshake_refused']).toContain(errors.entries[0]?.code)
    await written
  })
})

describe.each(SIDES)('a %s that receives one byte at a time keeps the connection', side => {
  it('in a frame header', async () => {
    const { peer, messages, infos } = await open_connection(side, { heartbeat: HEARTBEAT_MS })
    peer.is_responsive = false
    const whole = peer.frame(OPCODE.TEXT, 'x'.repeat(70_000))
    const header_bytes = whole.length - 70_000
    await peer.trickle(whole.subarray(0, header_bytes), (3 * HEARTBEAT_MS) / header_bytes)
    peer.write(whole.subarray(header_bytes))
    expect((await messages.first()).length).toBe(70_000)
    expect(infos.entries).toEqual([])
  })

  it('in a payload', async () => {
    const { peer, messages, infos } = await open_connection(side, { heartbeat: HEARTBEAT_MS })
    peer.is_responsive = false
    await peer.trickle(peer.frame(OPCODE.TEXT, 'thirty characters of a message'), INTERVAL_MS)
    expect(await messages.first()).toBe('thirty characters of a message')
    expect(infos.entries).toEqual([])
  })

  it('in fragments of one byte', async () => {
    const { peer, messages, infos } = await open_connection(side, { heartbeat: HEARTBEAT_MS })
    const text = 'twenty characters of'
    const frames = Array.from(text, (character, index) =>
      peer.frame(index === 0 ? OPCODE.TEXT : OPCODE.CONTINUATION, character, {
        fin: index === text.length - 1,
      }),
    )
    await peer.trickle(Buffer.concat(frames), 5)
    expect(await messages.first()).toBe(text)
    expect(infos.entries).toEqual([])
  })
})
