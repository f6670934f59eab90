import type { BrokenRule } from '../../src/frames/broken_rule.js'
import type { DecoderEvents, DecoderMemory, DecoderSettings, FrameDecoder } from '../../src/frames/decoder.js'
import { decoder_memory } from '../../src/node/memory/decoder_memory.js'
import { read_chunk, read_memory } from '../../src/node/memory/read_memory.js'
import { decoder_event } from './decoder_event.js'

/**
 * What to do at an event, or before a segment: nothing, stop until resumed later, or stop and resume at once.
 */
export type Pause = 'none' | 'stop' | 'stop_and_resume'

type Decoder = Pick<FrameDecoder, keyof FrameDecoder>
export type DecoderClass = new (
  settings: DecoderSettings,
  memory: DecoderMemory,
  decoder_events: DecoderEvents,
) => Decoder

const GUARD_BYTES = 8
const GUARD = 0x5c

/**
 * Decodes segments with our decoder, with cyclic pauses. Messages are only formatted at the end, and each
 * segment is overwritten once it is decoded, so that a message that shares memory with its segment or another
 * message is corrupted. Violations of a decoder's contract are added as events.
 */
export function read_with(
  Decoder: DecoderClass,
  segments: readonly Uint8Array[],
  settings: DecoderSettings,
  pauses: readonly Pause[] = [],
  platform_memory: DecoderMemory = decoder_memory,
): string[] {
  const events: (() => string)[] = []
  const note = (event: string): void => void events.push(() => event)
  let next_pause = 0
  let is_stopped = false
  let is_over = false

  const pause = (): void => {
    const kind = pauses[next_pause++ % pauses.length] ?? 'none'
    if (kind === 'none') return
    decoder.stop()
    if (kind === 'stop') is_stopped = true
    else decoder.resume()
  }
  const delivered = (event: string | (() => string)): void => {
    if (is_stopped) note('fault: delivered while stopped')
    if (is_over) note('fault: delivered after the end')
    events.push(typeof event === 'string' ? () => event : event)
    pause()
  }
  const decoder_events: DecoderEvents = {
    on_message(data, payload_bytes) {
      if (typeof data !== 'string' && data.buffer.byteLength !== data.byteLength)
        note('fault: a message keeps more memory than its own')
      delivered(() => decoder_event.message(data, payload_bytes))
    },
    on_compressed: (payload, is_text) => delivered(() => decoder_event.compressed(payload, is_text)),
    // The payload is only valid during the call, so it is formatted at once.
    on_ping: payload => delivered(decoder_event.ping(payload)),
    on_pong: () => delivered(decoder_event.pong()),
    on_close(code, reason) {
      delivered(decoder_event.close(code, reason))
      is_over = true
    },
    on_broken(rule: BrokenRule) {
      delivered(decoder_event.broken(rule))
      is_over = true
    },
  }
  const decoder = new Decoder(settings, platform_memory, decoder_events)
  let arrived_bytes = 0
  for (const [index, segment] of segments.entries()) {
    // Every other segment is in the memory that sockets share. The others start at different offsets, since
    // masking by words depends on the alignment.
    const is_shared = index % 2 === 0 && segment.length + GUARD_BYTES <= read_memory.length
    const start = is_shared ? 0 : GUARD_BYTES + (index % 5)
    const end = start + segment.length
    const size_bytes = end + GUARD_BYTES
    const memory = is_shared
      ? read_memory.subarray(0, size_bytes).fill(GUARD)
      : Buffer.alloc(size_bytes, GUARD)
    memory.set(segment, start)
    arrived_bytes += segment.length
    if (!is_stopped) pause()
    decoder.decode(is_shared ? read_chunk(segment.length) : memory.subarray(start, end))
    if ([memory.subarray(0, start), memory.subarray(end)].some(guards => guards.some(byte => byte !== GUARD)))
      note('fault: wrote outside of the segment')
    memory.fill(0xaa)
    while (is_stopped || decoder.has_unread_bytes) {
      is_stopped = false
      decoder.resume()
    }
    if (decoder.held_bytes > max_held_bytes(arrived_bytes)) note('fault: holds more than it may')
    if (is_over && decoder.held_bytes > 0) note('fault: holds memory after the end')
  }
  return events.map(event => event())
}

const LARGE_BYTES = 32_768
const STEP_BYTES = 65_536

/**
 * Returns the limit for held bytes: four times the bytes that have arrived, or 16 times from 32 KiB on; a
 * large buffer is a multiple of 64 KiB.
 */
function max_held_bytes(arrived_bytes: number): number {
  const growth = arrived_bytes < LARGE_BYTES ? 4 : 16
  return growth * arrived_bytes + (arrived_bytes * growth > STEP_BYTES ? STEP_BYTES : 0)
}
