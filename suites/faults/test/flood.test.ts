import { OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import { close_code, RawPeer, REQUEST } from '../src/raw_peer.ts'
import { expect_serving, start_server } from './endpoints.ts'
import { gate, open_connection, paused, SIDES, watch_received } from './test_connection.ts'

const MANY = 10_000

const pong_count = (peer: RawPeer): number =>
  peer.frames.entries.filter(({ opcode }) => opcode === OPCODE.PONG).length

describe.each(SIDES)('a %s in a flood', side => {
  it.each([
    ['pings', OPCODE.PING],
    ['unsolicited pongs', OPCODE.PONG],
  ])('of %s closes the connection with 1008, and others are served', async (_, opcode) => {
    const { peer, infos, errors, expect_others_served } = await open_connection(side)
    peer.write(Buffer.concat(Array.from({ length: MANY }, () => peer.frame(opcode, 'x'.repeat(125)))))
    expect(close_code(await peer.frames.first(({ opcode }) => opcode === OPCODE.CLOSE))).toBe(1008)
    expect(await infos.first()).toMatchObject({ cause: 'protocol' })
    expect(errors.entries.map(({ code }) => code)).toEqual(['too_many_pings'])
    await expect_others_served()
  })

  it('of pings from a peer that does not read queues few pongs, and answers the last ping later', async () => {
    const { peer, handle, messages, expect_others_served } = await open_connection(side)
    peer.stop_reading()
    const ping = peer.frame(OPCODE.PING, 'x'.repeat(125))
    peer.write(Buffer.concat(Array.from({ length: 900 }, () => ping)))
    peer.send(OPCODE.PING, 'last')
    peer.text('end of the flood')
    await messages.first(data => data === 'end of the flood')
    expect(handle.queued).toBeLessThan(131_072)
    await expect_others_served()
    peer.resume_reading()
    await peer.frames.first(({ opcode, payload }) => opcode === OPCODE.PONG && payload.toString() === 'last')
    expect(pong_count(peer)).toBeLessThanOrEqual(901)
  })

  it('of empty fragments closes the connection with 1008, by max_fragments', async () => {
    const { peer, messages, infos, errors, expect_others_served } = await open_connection(side, {
      max_fragments: 100,
    })
    peer.send(OPCODE.TEXT, '', { fin: false })
    peer.write(
      Buffer.concat(Array.from({ length: MANY }, () => peer.frame(OPCODE.CONTINUATION, '', { fin: false }))),
    )
    expect(close_code(await peer.frames.first(({ opcode }) => opcode === OPCODE.CLOSE))).toBe(1008)
    expect(await infos.first()).toMatchObject({ cause: 'protocol' })
    expect(errors.entries.map(({ code }) => code)).toEqual(['too_many_fragments'])
    expect(messages.entries.filter(data => data !== 'are you there?')).toEqual([])
    await expect_others_served()
  })

  it('of empty messages delivers each of them', async () => {
    const { peer, messages, infos, expect_others_served } = await open_connection(side)
    peer.write(Buffer.concat(Array.from({ length: MANY }, () => peer.frame(OPCODE.TEXT))))
    peer.text('end of the flood')
    await messages.first(data => data === 'end of the flood')
    expect(messages.entries.filter(data => data === '')).toHaveLength(MANY)
    expect(infos.entries).toEqual([])
    await expect_others_served()
  })

  it('of empty messages to a slow callback pauses the socket, and loses none', async () => {
    const { passed, open } = gate()
    const { peer, handle, messages } = await open_connection(side, { on_message: () => passed })
    const received = watch_received(handle)
    const flood = Buffer.concat(Array.from({ length: 10 * MANY }, () => peer.frame(OPCODE.TEXT)))
    const written = new Promise(resolve => peer.socket.write(flood, resolve))
    await paused(received)
    // The messages that fill the inbox, and those of a last read of 64 KiB, in frames of at least two bytes.
    expect(received.entries.length).toBeLessThan(4_200 + 32_768)
    open()
    await written
    await messages.count(10 * MANY)
  })

  it('of fragments that exceed max_payload together closes the connection with 1009', async () => {
    const { peer, infos, errors, expect_others_served } = await open_connection(side, { max_payload: 10_000 })
    peer.send(OPCODE.TEXT, '', { fin: false })
    for (let index = 0; index < 101; index += 1)
      peer.send(OPCODE.CONTINUATION, 'x'.repeat(100), { fin: false })
    expect(close_code(await peer.frames.first(({ opcode }) => opcode === OPCODE.CLOSE))).toBe(1009)
    expect(await infos.first()).toMatchObject({ cause: 'protocol' })
    expect(errors.entries.map(({ code }) => code)).toEqual(['message_too_large'])
    await expect_others_served()
  })

  it('of data after its own Close ignores the data', async () => {
    const { peer, handle, messages, infos } = await open_connection(side)
    peer.is_responsive = false
    handle.close()
    await peer.frames.first(({ opcode }) => opcode === OPCODE.CLOSE)
    peer.write(Buffer.concat(Array.from({ length: 10_000 }, () => peer.frame(OPCODE.TEXT, 'x'.repeat(100)))))
    expect(await infos.first()).toMatchObject({ cause: 'local', clean: false })
    expect(messages.entries).toEqual([])
  })
})

describe('a server', () => {
  it('ends 500 half-open handshakes by handshake_timeout, and accepts others meanwhile', async () => {
    const { server, connects } = await start_server({ handshake_timeout: 500 })
    const peers = await Promise.all(Array.from({ length: 500 }, () => RawPeer.dial(server.addr)))
    for (const [index, peer] of peers.entries())
      if (index % 2 === 0) peer.write('GET /ws HTTP/1.1\r\nHost: x\r\n')
    await expect_serving(server)
    await Promise.all(peers.map(peer => peer.head().then(() => peer.half_close())))
    await Promise.all(peers.map(({ closed }) => closed))
    expect(server.stats().refused.timed_out).toBe(500)
    expect(connects.entries).toHaveLength(1)
  })

  it('answers an endless header with 431', async () => {
    const { server } = await start_server()
    const peer = await RawPeer.dial(server.addr)
    peer.write('GET /ws HTTP/1.1\r\nHost: x\r\n')
    peer.write(`X-Long: ${'x'.repeat(100_000)}`)
    expect(await peer.head()).toContain('431')
    peer.reset()
    await expect_serving(server)
  })

  it('delivers data that arrives with the handshake, before the 101', async () => {
    const { server, messages } = await start_server()
    const peer = await RawPeer.dial(server.addr)
    peer.write(
      Buffer.concat([
        Buffer.from(REQUEST),
        ...Array.from({ length: 1_000 }, (_, index) => peer.frame(OPCODE.TEXT, String(index))),
      ]),
    )
    await messages.count(1_000)
    expect(messages.entries.map(Number)).toEqual(Array.from(messages.entries.keys()))
    peer.reset()
    await peer.closed
    await expect_serving(server)
  })
})
