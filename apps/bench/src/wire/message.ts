import { deflateRawSync, constants as zlib } from 'node:zlib'
import { random_from, shuffled } from '../statistics.js'
import { type Kind, make_frame, OPCODE, type Sender } from './frame.js'

/** The protocol of a subject: plain WebSocket messages, or the packets of socket.io in them. */
export type Dialect = 'websocket' | 'socket.io'

/** The kind and size of a message. */
export interface Shape {
  readonly kind: Kind
  readonly bytes: number
  /** Whether it is compressed, on a connection that has negotiated this. */
  readonly is_compressed?: boolean
}

/** The message of most measures, as short as most messages of applications that send many. */
export const SMALL_TEXT: Shape = { kind: 'text', bytes: 64 }

/**
 * Texts of an application with many small and a few large messages: 90 % of 64 B, 9 % of 1 KiB, 1 % of 64
 * KiB.
 */
export const MIXED: readonly Shape[] = shuffled(
  Array.from({ length: 100 }, (_, index): Shape => {
    const bytes = index < 90 ? 64 : index < 99 ? 1024 : 64 * 1024
    return { kind: 'text', bytes }
  }),
  random_from(1),
)

/** The name of the only socket.io event that the subject and the load exchange. */
export const EVENT = 'm'

/** The size of the end of each compressed message, which is not sent (RFC 7692 §7.2.1). */
const DEFLATE_TAIL_BYTES = 4

/**
 * Returns the payload of a message. Text has no characters that JSON escapes, so it is as long in both
 * protocols.
 */
export function payload_of({ kind, bytes, is_compressed }: Shape): Buffer {
  if (kind === 'binary') return Buffer.alloc(bytes, 0xa5)
  const text = sample_text(bytes)
  return Buffer.from(is_compressed ? text : text.replaceAll('"', ' '))
}

/** Returns the bytes of a message on the wire. */
export function message_bytes(shape: Shape, dialect: Dialect, sender: Sender): Buffer {
  const payload = payload_of(shape)
  const opcode = shape.kind === 'text' ? OPCODE.TEXT : OPCODE.BINARY
  if (shape.is_compressed) return make_frame(opcode, deflate(payload), sender, true)
  if (dialect === 'websocket') return make_frame(opcode, payload, sender)
  const text = (packet: string): Buffer => make_frame(OPCODE.TEXT, Buffer.from(packet), sender)
  return shape.kind === 'text'
    ? text(`42["${EVENT}","${payload}"]`)
    : Buffer.concat([
        text(`451-["${EVENT}",{"_placeholder":true,"num":0}]`),
        make_frame(opcode, payload, sender),
      ])
}

/** The sample text, as far as it was needed so far. */
let sample = ''
let place_count = 0

/**
 * Returns text as an application would send it: ASCII JSON with repetitions and variations, the same in every
 * run.
 */
function sample_text(bytes: number): string {
  while (sample.length < bytes) {
    place_count += 1
    const number = (place_count * 2_654_435_761) % 1_000_003
    const place = { x: number / 100, y: (number * 7) % 1_013, speed_kmh: number % 60 }
    sample += `${JSON.stringify({ user: `u-${number}`, ...place, note: 'turns left at the market' })},`
  }
  return sample.slice(0, bytes)
}

function deflate(payload: Buffer): Buffer {
  return deflateRawSync(payload, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -DEFLATE_TAIL_BYTES)
}
