import { OPCODE } from '@bt/test-support/frames'
import { answer_to } from '@bt/test-support/handshake'
import { describe, expect, it } from 'vitest'
import { REQUEST, Wire } from '../src/wire.ts'
import { goes_on, serves_others, start_client, start_server, start_wire_server } from './subjects.ts'
import { open_victim, SIDES } from './victim.ts'

const HEARTBEAT_MS = 100
const EVERY_MS = 20

describe('a server of ours survives one byte at a time', () => {
  it('in the handshake: handshake_timeout ends it', async () => {
    const { server, connects } = await start_server({ handshake_timeout: 200 })
    const wire = await Wire.dial(server.addr)
    const written = wire.trickle(REQUEST, EVERY_MS)
    expect(await wire.head()).toContain('408')
    await serves_others(server)
    wire.half_close()
    await Promise.all([wire.closed, written])
    expect(server.stats().refused.timed_out).toBe(1)
    expect(connects.entries).toHaveLength(1)
  })

  it('in the handshake, not even the first: handshake_timeout ends it', async () => {
    const { server } = await start_server({ handshake_timeout: 200 })
    const wire = await Wire.dial(server.addr)
    expect(await wire.head()).toContain('408')
    wire.half_close()
    await wire.closed
    expect(server.stats().refused.timed_out).toBe(1)
  })

  it('in the handshake of many at once: others get in meanwhile', async () => {
    const { server } = await start_server({ handshake_timeout: 500 })
    const wires = await Promise.all(Array.from({ length: 100 }, () => Wire.dial(server.addr)))
    const written = wires.map(wire => wire.trickle(REQUEST, EVERY_MS))
    await serves_others(server)
    await Promise.all(wires.map(wire => wire.head().then(() => wire.half_close())))
    await Promise.all([...wires.map(({ closed }) => closed), ...written])
    expect(server.stats().refused.timed_out).toBe(100)
  })
})

describe('a client of ours survives one byte at a time', () => {
  it('in the answer to its handshake: connect_timeout ends it', async () => {
    const hostile = await start_wire_server()
    const { ws, closes, errors } = start_client(hostile.url, { connect_timeout: 200 })
    const wire = await hostile.accept()
    const written = wire.trickle(answer_to(await wire.head()), EVERY_MS)
    expect(await closes.first()).toMatchObject({ cause: 'refused', clean: false })
    await expect(ws.opened).rejects.toMatchObject({ code: 'connect_timeout' })
    expect(errors.entries.map(({ code }) => code)).toEqual(['connect_timeout'])
    await written
    await goes_on()
  })

  it('in the text of a refusal: connect_timeout ends it, or the refusal is told without waiting for the rest', async () => {
    const hostile = await start_wire_server()
    const { errors, closes } = start_client(hostile.url, { connect_timeout: 300 })
    const wire = await hostile.accept()
    await wire.head()
    wire.write('HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\n')
    const written = wire.trickle('b'.repeat(1_000), EVERY_MS)
    expect(await closes.first()).toMatchObject({ cause: 'refused' })
    expect(['connect_timeout', 'handshake_refused']).toContain(errors.entries[0]?.code)
    await written
  })
})

describe.each(SIDES)(
  'a %s of ours survives one byte at a time, and takes nobody for dead who is slow',
  side => {
    it('in a frame header', async () => {
      const { wire, messages, infos } = await open_victim(side, { heartbeat: HEARTBEAT_MS })
      wire.is_polite = false
      const whole = wire.frame(OPCODE.TEXT, 'x'.repeat(70_000))
      const header_bytes = whole.length - 70_000
      await wire.trickle(whole.subarray(0, header_bytes), (3 * HEARTBEAT_MS) / header_bytes)
      wire.write(whole.subarray(header_bytes))
      expect((await messages.first()).length).toBe(70_000)
      expect(infos.entries).toEqual([])
    })

    it('in a payload', async () => {
      const { wire, messages, infos } = await open_victim(side, { heartbeat: HEARTBEAT_MS })
      wire.is_polite = false
      await wire.trickle(wire.frame(OPCODE.TEXT, 'thirty characters of a message'), EVERY_MS)
      expect(await messages.first()).toBe('thirty characters of a message')
      expect(infos.entries).toEqual([])
    })

    it('in fragments of one byte', async () => {
      const { wire, messages, infos } = await open_victim(side, { heartbeat: HEARTBEAT_MS })
      const text = 'twenty characters of'
      const frames = Array.from(text, (character, index) =>
        wire.frame(index === 0 ? OPCODE.TEXT : OPCODE.CONTINUATION, character, {
          fin: index === text.length - 1,
        }),
      )
      await wire.trickle(Buffer.concat(frames), 5)
      expect(await messages.first()).toBe(text)
      expect(infos.entries).toEqual([])
    })
  },
)
