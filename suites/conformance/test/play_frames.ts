import { constants, inflateRawSync } from 'node:zlib'
import type { SeenFrame } from '@bt/test-support/frames'
import { expect } from 'vitest'
import { close, type Frame, type Sent, text } from './frame.ts'
import type { Ending, FrameCase } from './frame_case.ts'
import type { RawPeer, Segmentation } from './raw_peer.ts'
import type { Told } from './told.ts'

/** What came of a case: on the wire, and to the user. */
export interface Observed {
  readonly frames: readonly SeenFrame[]
  /** Bytes behind the last whole frame. */
  readonly rest: Buffer
  /** Whether TCP was ended by both sides, not reset. */
  readonly is_ended_in_order: boolean
  readonly told: Told
}

/** What the peer of a connection that lives on still sends. */
const LAST_MESSAGE = 'still here'
const TAIL: readonly Sent[] = [text(LAST_MESSAGE), close(1000)]

/** Plays a case over a connection that is open; the handles are those of the side under test. */
export async function play_frames(
  peer: RawPeer,
  each: FrameCase,
  encode: (sent: readonly Sent[]) => Buffer,
  segmentation: Segmentation,
  user: { readonly told: Told; readonly closed: Promise<void> },
): Promise<Observed> {
  const { ends, sends, seen = [] } = each
  // In one segment, as far as nothing that is to come out first would be overtaken by the peer's Close.
  const is_tail_at_once = ends.kind === 'lives_on' && seen.length === 0
  await peer.send(encode(is_tail_at_once ? [...sends, ...TAIL] : sends), segmentation)
  if (ends.kind === 'lives_on' && !is_tail_at_once) {
    await peer.frames_seen(seen.length)
    await peer.send(encode(TAIL), segmentation)
  }
  if (ends.kind === 'user_closed' || ends.kind === 'declined') {
    await peer.frames_seen(seen.length + 1)
    await peer.send(encode(ends.kind === 'declined' ? [close(ends.code)] : ends.answer), segmentation)
    if (ends.kind === 'user_closed' && !ends.clean) peer.end()
  }
  if (ends.kind === 'lost') peer.end()
  const [is_ended_in_order] = await Promise.all([peer.ended, user.closed])
  return { ...peer.received(), is_ended_in_order, told: user.told }
}

/** Checks everything that a case says. */
export function check_frames(each: FrameCase, side: 'server' | 'client', observed: Observed): void {
  const { ends, seen = [], messages = [] } = each
  const { told } = observed

  expect(observed.frames.map(frame => shown(unpacked(frame)))).toEqual(
    [...seen, ...last_frame(ends)].map(shown),
  )
  expect(observed.rest).toHaveLength(0)
  for (const frame of observed.frames) {
    expect(frame.is_masked).toBe(side === 'client')
    expect(frame.length_bytes).toBe(fewest_length_bytes(frame.payload.length))
  }
  expect(observed.is_ended_in_order).toBe(true)

  const all_messages = ends.kind === 'lives_on' ? [...messages, LAST_MESSAGE] : messages
  expect(told.messages.map(comparable)).toEqual(all_messages.map(comparable))
  expect(told.errors.map(error => error.code)).toEqual(errors_of(ends, side))
  expect(told.infos).toEqual([info_of(ends)])
}

function shown({ opcode, fin = true, rsv = 0, payload = new Uint8Array() }: Frame): unknown {
  return { opcode, fin, rsv, payload: comparable(payload) }
}

/** Equal for equal values, and quick to compare; text stays apart from bytes. */
function comparable(data: string | Uint8Array): string {
  return typeof data === 'string' ? `text ${data}` : `bytes ${Buffer.from(data).toString('hex')}`
}

/** Takes the compression off a frame: our side compresses each message for itself (RFC 7692 §7.2.2). */
function unpacked(frame: SeenFrame): SeenFrame {
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
    case 'lives_on':
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
  // For a server, that a client is gone is no error.
  return ends.kind === 'lost' && side === 'client' ? ['connection_lost'] : []
}

function info_of(ends: Ending): unknown {
  switch (ends.kind) {
    case 'lives_on':
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
