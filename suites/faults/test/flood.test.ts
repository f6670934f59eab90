import { OPCODE } from '@bt/test-support/frames'
import { describe, expect, it } from 'vitest'
import { close_code, REQUEST, Wire } from '../src/wire.ts'
import { serves_others, start_server } from './subjects.ts'
import { gate, open_victim, paused, SIDES, watch_received } from './victim.ts'

const MANY = 10_000

const pong_count = (wire: Wire): number =>
  wire.frames.entries.filter(({ opcode }) => opcode === OPCODE.PONG).length

describe.each(SIDES)('a %s of ours survives a flood', side => {
  it.each([
    ['pings', OPCODE.PING],
    ['pongs that nobody asked for', OPCODE.PONG],
  ])('of %s: it ends with 1008, and others are served', async (_, opcode) => {
    const { wire, infos, errors, others_are_served } = await open_victim(side)
    wire.write(Buffer.concat(Array.from({ length: MANY }, () => wire.frame(opcode, 'x'.repeat(125)))))
    expect(close_code(await wire.frames.first(({ opcode }) => opcode === OPCODE.CLOSE))).toBe(1008)
    expect(await infos.first()).toMatchObject({ cause: 'protocol' })
    expect(errors.entries.map(({ code }) => code)).toEqual(['too_many_pings'])
    await others_are_served()
  })

  it('of pings by a peer that does not read: the answers take no memory, the last is answered when it reads again', async () => {
    const { wire, handle, messages, others_are_served } = await open_victim(side)
    wire.stop_reading()
    const ping = wire.frame(OPCODE.PING, 'x'.repeat(125))
    wire.write(Buffer.concat(Array.from({ length: 900 }, () => ping)))
    wire.send(OPCODE.PING, 'last')
    wire.text('that was all')
    await messages.first(data => data === 'that was all')
    expect(handle.queued).toBeLessThan(131_072)
    await others_are_served()
    wire.resume_reading()
    await wire.frames.first(({ opcode, payload }) => opcode === OPCODE.PONG && payload.toString() === 'last')
    expect(pong_count(wire)).toBeLessThanOrEqual(901)
  })

  it('of empty fragments: max_fragments ends it with 1008', async () => {
    const { wire, messages, infos, errors, others_are_served } = await open_victim(side, {
      max_fragments: 100,
    })
    wire.send(OPCODE.TEXT, '', { fin: false })
    wire.write(
      Buffer.concat(Array.from({ length: MANY }, () => wire.frame(OPCODE.CONTINUATION, '', { fin: false }))),
    )
    expect(close_code(await wire.frames.first(({ opcode }) => opcode === OPCODE.CLOSE))).toBe(1008)
    expect(await infos.first()).toMatchObject({ cause: 'protocol' })
    expect(errors.entries.map(({ code }) => code)).toEqual(['too_many_fragments'])
    expect(messages.entries.filter(data => data !== 'is anybody there?')).toEqual([])
    await others_are_served()
  })

  it('of empty messages: each arrives', async () => {
    const { wire, messages, infos, others_are_served } = await open_victim(side)
    wire.write(Buffer.concat(Array.from({ length: MANY }, () => wire.frame(OPCODE.TEXT))))
    wire.text('that was all')
    await messages.first(data => data === 'that was all')
    expect(messages.entries.filter(data => data === '')).toHaveLength(MANY)
    expect(infos.entries).toEqual([])
    await others_are_served()
  })

  it('of empty messages on a slow handler: it is held back, and none is lost', async () => {
    const { passed, open } = gate()
    const { wire, handle, messages } = await open_victim(side, { on_message: () => passed })
    const received = watch_received(handle)
    const flood = Buffer.concat(Array.from({ length: 10 * MANY }, () => wire.frame(OPCODE.TEXT)))
    const written = new Promise(resolve => wire.socket.write(flood, resolve))
    await paused(received)
    // 64 KiB that were read at once, in frames of two bytes or more, beside those that fill the inbox.
    expect(received.entries.length).toBeLessThan(4_200 + 32_768)
    open()
    await written
    await messages.count(10 * MANY)
  })

  it('of one byte more than max_payload allows, in fragments: ended with 1009', async () => {
    const { wire, infos, errors, others_are_served } = await open_victim(side, { max_payload: 10_000 })
    wire.send(OPCODE.TEXT, '', { fin: false })
    for (let index = 0; index < 101; index += 1)
      wire.send(OPCODE.CONTINUATION, 'x'.repeat(100), { fin: false })
    expect(close_code(await wire.frames.first(({ opcode }) => opcode === OPCODE.CLOSE))).toBe(1009)
    expect(await infos.first()).toMatchObject({ cause: 'protocol' })
    expect(errors.entries.map(({ code }) => code)).toEqual(['message_too_large'])
    await others_are_served()
  })

  it('of data behind its own Close: it is not read', async () => {
    const { wire, handle, messages, infos } = await open_victim(side)
    wire.is_polite = false
    handle.close()
    await wire.frames.first(({ opcode }) => opcode === OPCODE.CLOSE)
    wire.write(Buffer.concat(Array.from({ length: 10_000 }, () => wire.frame(OPCODE.TEXT, 'x'.repeat(100)))))
    expect(await infos.first()).toMatchObject({ cause: 'local', clean: false })
    expect(messages.entries).toEqual([])
  })
})

describe('a server of ours survives', () => {
  it('500 half-open handshakes: others get in, and handshake_timeout ends them all', async () => {
    const { server, connects } = await start_server({ handshake_timeout: 500 })
    const wires = await Promise.all(Array.from({ length: 500 }, () => Wire.dial(server.addr)))
    for (const [index, wire] of wires.entries())
      if (index % 2 === 0) wire.write('GET /ws HTTP/1.1\r\nHost: x\r\n')
    await serves_others(server)
    await Promise.all(wires.map(wire => wire.head().then(() => wire.half_close())))
    await Promise.all(wires.map(({ closed }) => closed))
    expect(server.stats().refused.timed_out).toBe(500)
    expect(connects.entries).toHaveLength(1)
  })

  it('a header without end: answered 431', async () => {
    const { server } = await start_server()
    const wire = await Wire.dial(server.addr)
    wire.write('GET /ws HTTP/1.1\r\nHost: x\r\n')
    wire.write(`X-Long: ${'x'.repeat(100_000)}`)
    expect(await wire.head()).toContain('431')
    wire.reset()
    await serves_others(server)
  })

  it('data sent along with the handshake, before the 101', async () => {
    const { server, messages } = await start_server()
    const wire = await Wire.dial(server.addr)
    wire.write(
      Buffer.concat([
        Buffer.from(REQUEST),
        ...Array.from({ length: 1_000 }, (_, index) => wire.frame(OPCODE.TEXT, String(index))),
      ]),
    )
    await messages.count(1_000)
    expect(messages.entries.map(Number)).toEqual(Array.from(messages.entries.keys()))
    wire.reset()
    await wire.closed
    await serves_others(server)
  })
})
