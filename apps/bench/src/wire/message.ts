import { deflateRawSync, constants as zlib } from 'node:zlib'
import { random_from, shuffled } from '../statistics.js'
import { type Kind, make_frame, OPCODE, type Sender } from './frame.js'

/** How a subject's messages look in frames: as they are, or as packets of socket.io's protocol, which has its own around them. */
export type Dialect = 'websocket' | 'socket.io'

/** What is sent: so many bytes of text, or of anything. */
export interface Shape {
  readonly kind: Kind
  readonly bytes: number
  /** Compressed, where it has been agreed on. */
  readonly is_compressed?: boolean
}

/** What most measures send: as short as most messages of programs that send many. */
export const SMALL_TEXT: Shape = { kind: 'text', bytes: 64 }

/** Texts as a program sends them that says little and often, and much at times: 90 % of 64 B, 9 % of 1 KiB, 1 % of 64 KiB. */
export const MIXED: readonly Shape[] = shuffled(
  Array.from({ length: 100 }, (_, index): Shape => {
    const bytes = index < 90 ? 64 : index < 99 ? 1024 : 64 * 1024
    return { kind: 'text', bytes }
  }),
  random_from(1),
)

/** The name of the one event that the subject and the load of socket.io exchange. */
export const EVENT = 'm'

/** The end of each message's compressed form, which is left out (RFC 7692 §7.2.1). */
const DEFLATE_TAIL_BYTES = 4

/** The payload of a message. Of text, every character is one that JSON needs not escape, so that it is as long in every dialect. */
export function payload_of({ kind, bytes, is_compressed }: Shape): Buffer {
  if (kind === 'binary') return Buffer.alloc(bytes, 0xa5)
  const text = sample_text(bytes)
  return Buffer.from(is_compressed ? text : text.replaceAll('"', ' '))
}

/** A message as the bytes that go over the wire. */
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

/** So much of the sample as was asked for so far. */
let sample = ''
let places = 0

/** Text as a program would send it: JSON, all of it ASCII, with what repeats and what does not; the same in every run. */
function sample_text(bytes: number): string {
  while (sample.length < bytes) {
    places += 1
    const number = (places * 2_654_435_761) % 1_000_003
    const place = { x: number / 100, y: (number * 7) % 1_013, speed_kmh: number % 60 }
    sample += `${JSON.stringify({ user: `u-${number}`, ...place, note: 'turns left at the market' })},`
  }
  return sample.slice(0, bytes)
}

function deflate(payload: Buffer): Buffer {
  return deflateRawSync(payload, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -DEFLATE_TAIL_BYTES)
}
