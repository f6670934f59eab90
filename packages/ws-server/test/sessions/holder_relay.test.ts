import type { NetError } from '@bt/ws-protocol'
import {
  type FrameBatch,
  make_frame,
  OPCODE,
  read_control,
  read_frames,
  type SocketEvents,
} from '@bt/ws-protocol/internal'
import { beforeEach, describe, expect, it } from 'vitest'
import { HolderRelay } from '../../src/sessions/holder_relay.js'
import { SentMessages } from './fake_wire.js'

const text = (content: string): Uint8Array => make_frame(OPCODE.TEXT, Buffer.from(content), false)

/** Records the events of a socket. */
class RecordedEvents implements SocketEvents {
  readonly inbox = { bytes: 0 }
  readonly events: unknown[] = []

  close(): true {
    return true
  }
  socket_opened(): void {}
  socket_message(data: string | Uint8Array, payload_bytes: number): void {
    this.events.push([data, payload_bytes])
  }
  socket_drained(): void {
    this.events.push('drained')
  }
  socket_failed({ code, message }: NetError, close_code: number): void {
    this.events.push(`${code} ${message} ${close_code}`)
  }
  socket_ending(): void {}
  socket_closed(code: number, reason: string): void {
    this.events.push(`closed ${code} ${reason}`.trim())
  }
}

let sent: SentMessages
let ends: number
let relay: HolderRelay
let recorded: RecordedEvents

beforeEach(() => {
  sent = new SentMessages()
  ends = 0
  relay = new HolderRelay(sent, () => {
    ends += 1
  })
  recorded = new RecordedEvents()
  relay.report_to(recorded)
})

/** A batch of frames that counts how often its memory is returned. */
function batch(frames: Uint8Array): FrameBatch & { released: number } {
  return {
    messages: 1,
    frame_bytes: frames.length,
    frames,
    released: 0,
    release() {
      this.released += 1
    },
  }
}

describe('the end of a relay at the session', () => {
  it('delivers text and bytes, gives credit for them, and counts them', () => {
    const frames = Buffer.concat([text('ä'), make_frame(OPCODE.BINARY, Uint8Array.of(1, 2), false)])
    const before = relay.signs_of_life()
    relay.received({ type: 'data', number: 0, bytes: frames })
    expect(recorded.events).toEqual([
      ['ä', 2],
      [Uint8Array.of(1, 2), 2],
    ])
    expect(sent.all).toEqual([{ type: 'credit', bytes: frames.length }])
    expect(relay.stream).toEqual({ bytesRead: frames.length, bytesWritten: 0 })
    expect(relay.signs_of_life()).not.toBe(before)
  })

  it('writes up to a window, gives the memory back at once, and goes on with credit', () => {
    const frames = batch(text('x'.repeat(300_000)))
    relay.write(frames)
    expect(frames.released).toBe(1)
    expect(sent.data).toHaveLength(frames.frames.length)
    expect([relay.takes_batch, relay.is_writable]).toEqual([false, true])
    const before = relay.signs_of_life()
    relay.received({ type: 'credit', bytes: 200_000 })
    expect(recorded.events).toEqual(['drained'])
    relay.received({ type: 'credit', bytes: 1 })
    expect(recorded.events).toEqual(['drained'])
    // A network takes data for a dead client, too.
    expect(relay.signs_of_life()).toBe(before)
  })

  it('pings the client itself, if the window has room', () => {
    relay.ping()
    const [frame] = [...read_frames(sent.data)]
    expect(read_control(frame?.payload ?? new Uint8Array())).toEqual({ type: 'ping' })
    relay.write(batch(text('x'.repeat(300_000))))
    const { length } = sent.all
    relay.ping()
    expect(sent.all).toHaveLength(length)
  })

  it('closes once, and takes nothing more to send', () => {
    relay.close(4_000, 'bye')
    relay.close(4_001, 'again')
    expect(sent.all).toEqual([{ type: 'close', code: 4_000, reason: 'bye' }])
    expect([relay.is_writable, relay.takes_batch]).toEqual([false, false])
    relay.received({ type: 'gone', code: 4_000, reason: 'bye', is_close_sent: true })
    expect([recorded.events, relay.is_close_sent, ends]).toEqual([['closed 4000 bye'], true, 1])
  })

  it('passes on which rule the client has broken', () => {
    relay.received({
      type: 'failed',
      failure: { code: 'invalid_utf8', message: 'not UTF-8', close_code: 1_007 },
    })
    expect(recorded.events).toEqual(['invalid_utf8 not UTF-8 1007'])
  })

  it.each([
    ['a piece is missing', () => relay.received({ type: 'data', number: 5, bytes: text('b') })],
    ['the other server speaks out of turn', () => relay.received({ type: 'accepted' })],
    ['it is ended here', () => relay.terminate()],
  ])('ends in the next tick, and says so, if %s', async (_, happen) => {
    happen()
    expect([sent.types, recorded.events]).toEqual([['gone'], []])
    await new Promise<void>(resolve => process.nextTick(resolve))
    expect([recorded.events, ends]).toEqual([['closed 1006'], 1])
    relay.terminate()
    relay.lost()
    expect([sent.types, recorded.events, ends]).toEqual([['gone'], ['closed 1006'], 1])
  })

  it('ends with 1006 if the other server is lost', () => {
    relay.lost()
    expect([recorded.events, sent.types, ends]).toEqual([['closed 1006'], [], 1])
  })
})
