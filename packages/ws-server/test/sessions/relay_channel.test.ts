import { make_frame, OPCODE } from '@bt/ws-protocol/internal'
import { describe, expect, it } from 'vitest'
import { count_frames, RelayChannel } from '../../src/sessions/relay_channel.js'
import { SentMessages } from './fake_wire.js'

const text = (content: string): Uint8Array => make_frame(OPCODE.TEXT, Buffer.from(content), false)

describe('a channel of a relay', () => {
  it('cuts frames into pieces that the broker takes, and the other end puts them together', () => {
    const sent = new SentMessages(100)
    const from = new RelayChannel(sent)
    const to = new RelayChannel(new SentMessages())
    const frames = [text('a'.repeat(250)), text('b'), text('')]
    from.send(Buffer.concat(frames))
    const arrived = sent.all.flatMap(message =>
      message.type === 'data' ? [to.receive(message.number, message.bytes)] : [],
    )
    expect(arrived.length).toBeGreaterThan(3)
    // Nothing is passed on before a frame is whole.
    expect(arrived[0]).toHaveLength(0)
    expect(Buffer.concat(arrived.map(bytes => bytes ?? new Uint8Array()))).toEqual(Buffer.concat(frames))
    expect(count_frames(Buffer.concat(frames))).toBe(3)
  })

  it.each([
    ['is missing', 1],
    ['comes twice', 0],
  ])('notices that a piece %s', (_, second) => {
    const channel = new RelayChannel(new SentMessages())
    if (second === 0) expect(channel.receive(0, text('a'))).toBeDefined()
    expect(channel.receive(second, text('b'))).toBeUndefined()
  })

  it('is full with a window of bytes on their way, and reports once that it has room again', () => {
    const channel = new RelayChannel(new SentMessages())
    const frames = text('x'.repeat(200_000))
    channel.send(frames)
    expect(channel.has_room).toBe(true)
    channel.send(frames)
    expect(channel.has_room).toBe(false)
    expect(channel.credited(1)).toBe(false)
    expect(channel.credited(frames.length)).toBe(true)
    expect(channel.credited(1)).toBe(false)
    expect(channel.has_room).toBe(true)
  })
})
