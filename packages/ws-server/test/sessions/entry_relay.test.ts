import { NetError } from '@bt/ws-protocol'
import { make_frame, OPCODE } from '@bt/ws-protocol/internal'
import { beforeEach, describe, expect, it } from 'vitest'
import { EntryRelay } from '../../src/sessions/entry_relay.js'
import { FakeWire, SentMessages } from './fake_wire.js'

const text = (content: string): Uint8Array => make_frame(OPCODE.TEXT, Buffer.from(content), false)

let wire: FakeWire
let sent: SentMessages
let ends: number
let relay: EntryRelay

beforeEach(() => {
  wire = new FakeWire()
  sent = new SentMessages()
  ends = 0
  relay = new EntryRelay(wire, sent, () => {
    ends += 1
  })
})

describe('the end of a relay at the client', () => {
  it('passes on what the client sends, text and bytes', () => {
    relay.socket_message('héllo')
    relay.socket_message(Uint8Array.of(1, 9))
    expect(sent.data).toEqual(
      Buffer.concat([text('héllo'), make_frame(OPCODE.BINARY, Uint8Array.of(1, 9), false)]),
    )
  })

  it('pauses the client while a window of its bytes is on its way, and resumes it with credit', () => {
    relay.socket_message('x'.repeat(262_144))
    expect(wire.calls).toEqual(['pause'])
    relay.received({ type: 'credit', bytes: 11 })
    expect(wire.calls).toEqual(['pause', 'resume'])
    relay.received({ type: 'credit', bytes: 100_000 })
    expect(wire.calls).toEqual(['pause', 'resume'])
  })

  it('gives credit for what the client’s network has taken, not before', () => {
    wire.takes_batch = false
    const frames = text('a')
    relay.received({ type: 'data', number: 0, bytes: frames })
    expect([wire.written, sent.all]).toEqual([[], []])
    wire.takes_batch = true
    relay.socket_drained()
    expect(wire.written).toEqual([Uint8Array.from(frames)])
    expect(sent.all).toEqual([{ type: 'credit', bytes: frames.length }])
  })

  it('gives credit for a piece of a frame, and writes the frame once it is whole', () => {
    const frames = text('abcdef')
    relay.received({ type: 'data', number: 0, bytes: frames.subarray(0, 3) })
    expect([wire.written, sent.types]).toEqual([[], ['credit']])
    relay.received({ type: 'data', number: 1, bytes: frames.subarray(3) })
    expect(wire.written).toEqual([Uint8Array.from(frames)])
  })

  it('closes the client after what waits for its network', () => {
    wire.takes_batch = false
    relay.received({ type: 'data', number: 0, bytes: text('last') })
    relay.received({ type: 'close', code: 4_000, reason: 'bye' })
    expect(wire.calls).toEqual([])
    wire.takes_batch = true
    relay.socket_drained()
    expect(wire.written).toHaveLength(1)
    expect(wire.calls).toEqual(['close 4000 bye'])
  })

  it.each([
    ['a piece is missing', () => relay.received({ type: 'data', number: 1, bytes: text('b') })],
    ['the session has gone on elsewhere', () => relay.received(gone)],
    ['the other server speaks out of turn', () => relay.received({ type: 'refused' })],
    ['the other server is lost', () => relay.lost()],
    ['this server ends at once', () => relay.shut_down(1_012, 'restart', true)],
  ])('drops the client if %s', (_, happen) => {
    happen()
    expect(wire.calls).toEqual(['terminate'])
  })

  it('closes the client in order when this server shuts down', () => {
    relay.shut_down(1_012, 'restart', false)
    expect(wire.calls).toEqual(['close 1012 restart'])
  })

  it('reports a broken rule and the end of the client, and that only once', () => {
    relay.socket_failed(new NetError('invalid_utf8', 'closed with 1007'), 1_007)
    wire.is_close_sent = true
    relay.socket_closed(1_007, 'x')
    relay.socket_closed(1_006, '')
    expect(sent.all).toEqual([
      { type: 'failed', failure: { code: 'invalid_utf8', message: 'closed with 1007', close_code: 1_007 } },
      { type: 'gone', code: 1_007, reason: 'x', is_close_sent: true },
    ])
    expect(ends).toBe(1)
  })

  it('reports a lost client as one that got no Close', () => {
    wire.is_close_sent = true
    relay.socket_closed(1_006, '')
    expect(sent.all).toEqual([gone])
  })
})

const gone = { type: 'gone', code: 1_006, reason: '', is_close_sent: false } as const
