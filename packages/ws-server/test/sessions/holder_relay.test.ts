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
import { TotalInboxBudget } from '../../src/sockets/inbox_budget.js'
import { SentMessages } from './fake_wire.js'

const text = (content: string): Uint8Array => make_frame(OPCODE.TEXT, Buffer.from(content), false)

/** Records the events of a socket. */
class RecordedEvents implements SocketEvents {
  readonly inbox = { bytes: 0 }
  readonly events: unknown[] = []
  /** Whether it can still be closed to free memory. */
  is_sheddable = true

  shed({ code }: NetError, close_code: number): boolean {
    this.events.push(`shed ${code} ${close_code}`)
    return this.is_sheddable
  }
  close(): true {
    this.inbox.bytes = 0
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
let budget: TotalInboxBudget
let relay: HolderRelay
let recorded: RecordedEvents

beforeEach(() => {
  sent = new SentMessages()
  ends = 0
  budget = new TotalInboxBudget(100_000_000)
  relay = new HolderRelay(sent, budget.for_sessions(), () => {
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

  it('gives credit only once few messages wait, and closes without waiting for that', () => {
    const frames = text('a')
    // What a session may let wait, with this budget of the server.
    recorded.inbox.bytes = 10_000_000
    relay.received({ type: 'data', number: 0, bytes: frames })
    expect([sent.all, budget.total_bytes]).toEqual([[], 10_000_000])
    const before = relay.signs_of_life()
    expect(relay.signs_of_life()).not.toBe(before)
    recorded.inbox.bytes = 100
    expect(relay.may_run()).toBe(true)
    expect([sent.all, budget.total_bytes]).toEqual([[{ type: 'credit', bytes: frames.length }], 100])
    recorded.inbox.bytes = 10_000_000
    relay.received({ type: 'data', number: 1, bytes: frames })
    relay.close(1_000, '')
    expect(sent.types).toEqual(['credit', 'close', 'credit'])
  })

  it('counts a message whose callback is running, until the session goes on elsewhere', () => {
    relay.lend('x'.repeat(1_000))
    expect(relay.held_bytes).toBeGreaterThan(1_000)
    // Shedding would not free it.
    expect(relay.sheddable_bytes).toBe(0)
    relay.release_messages()
    expect([relay.held_bytes, budget.total_bytes]).toEqual([0, 0])
  })

  it.each([
    ['closes its session to free memory', true, []],
    ['is ended to free memory if its session is ending already', false, ['gone']],
  ])('%s', (_, is_sheddable, types) => {
    const holders = new TotalInboxBudget(2_000)
    const held = new HolderRelay(sent, holders.for_sessions(), () => {})
    recorded.is_sheddable = is_sheddable
    held.report_to(recorded)
    recorded.inbox.bytes = 3_000
    held.account()
    expect(recorded.events).toEqual(['shed inbox_shed 1013'])
    expect([sent.types, holders.shed]).toEqual([types, is_sheddable ? 1 : 0])
    expect(held.held_bytes).toBe(is_sheddable ? 0 : 3_000)
  })
})
