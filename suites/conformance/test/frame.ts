import { close_payload, FIN, frame_bytes, OPCODE } from '@bt/test-support/frames'

/** A frame, valid or not; only `opcode` is required. */
export interface Frame {
  readonly opcode: number
  /** Whether it is the last frame of its message, which is the default. */
  readonly fin?: boolean
  /** The reserved bits, from RSV1 (4) to RSV3 (1). */
  readonly rsv?: number
  readonly payload?: Uint8Array
  /** In how many bits the length is written; by default, as few as possible. */
  readonly length_bits?: 7 | 16 | 64
  /** The length in the header, if it differs from that of the payload. */
  readonly length?: bigint
  /** `right` masks frames of clients, `wrong` those of servers; `zero_key` is `right` with a zero key. */
  readonly mask?: 'right' | 'wrong' | 'zero_key'
}

/** What a peer sends: frames, or arbitrary bytes. */
export type Sent = Frame | Uint8Array

const KEY = 0x37fa_213d
const LENGTH_BYTES = { 7: 0, 16: 2, 64: 8 } as const

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

type Extra = Partial<Omit<Frame, 'opcode' | 'payload'>>

export function text(payload: string | Uint8Array, extra: Extra = {}): Frame {
  return { opcode: OPCODE.TEXT, payload: as_bytes(payload), ...extra }
}

export function binary(payload: Uint8Array, extra: Extra = {}): Frame {
  return { opcode: OPCODE.BINARY, payload, ...extra }
}

export function continuation(payload: string | Uint8Array, extra: Extra = {}): Frame {
  return { opcode: OPCODE.CONTINUATION, payload: as_bytes(payload), ...extra }
}

export function ping(payload: string | Uint8Array = '', extra: Extra = {}): Frame {
  return { opcode: OPCODE.PING, payload: as_bytes(payload), ...extra }
}

export function pong(payload: string | Uint8Array = '', extra: Extra = {}): Frame {
  return { opcode: OPCODE.PONG, payload: as_bytes(payload), ...extra }
}

/** Returns a Close; without a code, it has no payload (§5.5.1). */
export function close(code?: number, reason: string | Uint8Array = '', extra: Extra = {}): Frame {
  const payload = code === undefined ? new Uint8Array() : close_payload(code, reason)
  return { opcode: OPCODE.CLOSE, payload, ...extra }
}

/** Returns a message in fragments; only the last one has FIN set. */
export function fragments(opcode: number, ...payloads: readonly (string | Uint8Array)[]): Frame[] {
  return payloads.map((payload, index) => ({
    opcode: index === 0 ? opcode : OPCODE.CONTINUATION,
    fin: index === payloads.length - 1,
    payload: as_bytes(payload),
  }))
}

/** Returns the bytes of what a client or a server sends (RFC 6455 §5.2). */
export function encode(sent: readonly Sent[], sender: 'client' | 'server'): Buffer {
  return Buffer.concat(sent.map(item => (item instanceof Uint8Array ? item : encode_frame(item, sender))))
}

function encode_frame(frame: Frame, sender: 'client' | 'server'): Buffer {
  const { opcode, fin = true, rsv = 0, mask = 'right', payload, length_bits, length } = frame
  const is_masked = (sender === 'client') === (mask !== 'wrong')
  const key = mask === 'zero_key' ? 0 : KEY
  const first = (fin ? FIN : 0) | (rsv << 4) | opcode
  const length_bytes = length_bits && LENGTH_BYTES[length_bits]
  return frame_bytes({ first, payload, key: is_masked ? key : undefined, length_bytes, length })
}

function as_bytes(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? utf8(payload) : payload
}
