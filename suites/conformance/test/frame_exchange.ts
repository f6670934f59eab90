import { constants, inflateRawSync } from 'node:zlib'
import type { SeenFrame } from '@bt/test-support/frames'
import { expect } from 'vitest'
import { close, type Frame, type Sent, text } from './frame.ts'
import type { Ending, FrameCase } from './frame_case.ts'
import type { RawPeer, Segmentation } from './raw_peer.ts'
import type { UserEvents } from './user_events.ts'

/** What a case led to, on the wire and for the user. */
export interface Observed {
  readonly frames: readonly SeenFrame[]
  /** The bytes after the last complete frame. */
  readonly rest: Buffer
  /** Whether both sides ended TCP, so that it was not reset. */
  readonly is_ended_cleanly: boolean
  readonly events: UserEvents
}

/** What the peer sends last on a connection that stays open. */
const LAST_MESSAGE = 'still here'
const LAST_FRAMES: readonly Sent[] = [text(LAST_MESSAGE), close(1000)]

/** Runs a case on an open connection; `user` observes the side under test. */
export async function exchange_frames(
  peer: RawPeer,
  test_case: FrameCase,
  encode: (sent: readonly Sent[]) => Buffer,
  segmentation: Segmentation,
  user: { readonly events: UserEvents; readonly closed: Promise<void> },
): Promise<Observed> {
  const { ends, sends, receives = [] } = test_case
  // The last frames follow at once, unless the peer must receive other frames before its Close arrives.
  const is_one_send = ends.kind === 'stays_open' && receives.length === 0
  await peer.send(encode(is_one_send ? [...sends, ...LAST_FRAMES] : sends), segmentation)
  if (ends.kind === 'stays_open' && !is_one_send) {
    await peer.frames_received(receives.length)
    await peer.send(encode(LAST_FRAMES), segmentation)
  }
  if (ends.kind === 'user_closed' || ends.kind === 'declined') {
    await peer.frames_received(receives.length + 1)
    await peer.send(encode(ends.kind === 'declined' ? [close(ends.code)] : ends.reply), segmentation)
    if (ends.kind === 'user_closed' && !ends.clean) peer.end()
  }
  if (ends.kind === 'lost') peer.end()
  const [is_ended_cleanly] = await Promise.all([peer.ended, user.closed])
  return { ...peer.received(), is_ended_cleanly, events: user.events }
}

/** Checks everything that a case specifies. */
export function check_frames(test_case: FrameCase, side: 'server' | 'client', observed: Observed): void {
  const { ends, receives = [], messages = [] } = test_case
  const { events } = observed

  expect(observed.frames.map(frame => comparable_frame(inflated(frame)))).toEqual(
    [...receives, ...last_frame(ends)].map(comparable_frame),
  )
  expect(observed.rest).toHaveLength(0)
  for (const frame of observed.frames) {
    expect(frame.is_masked).toBe(side === 'client')
    expect(frame.length_bytes).toBe(fewest_length_bytes(frame.payload.length))
  }
  expect(observed.is_ended_cleanly).toBe(true)

  const all_messages = ends.kind === 'stays_open' ? [...messages, LAST_MESSAGE] : messages
  expect(events.messages.map(comparable)).toEqual(all_messages.map(comparable))
  expect(events.errors.map(error => error.code)).toEqual(errors_of(ends, side))
  expect(events.infos).toEqual([info_of(ends)])
}

function comparable_frame({ opcode, fin = true, rsv = 0, payload = new Uint8Array() }: Frame): unknown {
  return { opcode, fin, rsv, payload: comparable(payload) }
}

/** Returns a string that is quick to compare, and that differs between text and bytes. */
function comparable(data: string | Uint8Array): string {
  return typeof data === 'string' ? `text ${data}` : `bytes ${Buffer.from(data).toString('hex')}`
}

/** Decompresses a frame; our side compresses each message without context (RFC 7692 §7.2.2). */
function inflated(frame: SeenFrame): SeenFrame {
  if (frame.rsv !== 4) return frame
  const tail = Buffer.from([0, 0, 255, 255])
  const payload = inflateRawSync(Buffer.concat([frame.payload, tail]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  })
  return { ...frame, payload }
}

function fewest_length_bytes(size: number): number {
  return size < 126 ? 0 : size < 65_536 ? 2 : 8
}

function last_frame(ends: Ending): Frame[] {
  switch (ends.kind) {
    case 'stays_open':
      return [close(1000)]
    case 'failed':
    case 'declined':
      return [close(ends.code)]
    case 'peer_closed':
      return [ends.code === 1005 ? close() : close(ends.code, ends.reason)]
    case 'user_closed':
      return [close(ends.with[0] ?? 1000, ends.with[1])]
    case 'lost':
      return []
  }
}

function errors_of(ends: Ending, side: 'server' | 'client'): string[] {
  if (ends.kind === 'failed' || ends.kind === 'declined') return [ends.error]
  // A server does not report a lost client as an error.
  return ends.kind === 'lost' && side === 'client' ? ['connection_lost'] : []
}

function info_of(ends: Ending): unknown {
  switch (ends.kind) {
    case 'stays_open':
      return { code: 1000, reason: '', cause: 'peer', clean: true, unsent: 0 }
    case 'failed':
    case 'declined':
      return { code: ends.code, reason: '', cause: 'protocol', clean: ends.kind === 'declined', unsent: 0 }
    case 'peer_closed':
      return { code: ends.code, reason: ends.reason, cause: 'peer', clean: true, unsent: 0 }
    case 'user_closed':
      return { code: ends.code, reason: ends.reason, cause: 'local', clean: ends.clean, unsent: 0 }
    case 'lost':
      return { code: 1006, reason: '', cause: 'network', clean: false, unsent: 0 }
  }
}
