/** RFC 6455 §11.8. */
export const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const

/** A frame as a case asks for it; only `opcode` has to be said, and what is said may be against the rules. */
export interface Frame {
  readonly opcode: number
  /** Whether it is the last of its message: it is, where nothing is said. */
  readonly fin?: boolean
  /** The reserved bits, from RSV1 (4) to RSV3 (1). */
  readonly rsv?: number
  readonly payload?: Uint8Array
  /** In how many bits the length is written; the fewest that will do, where nothing is said. */
  readonly length_bits?: 7 | 16 | 64
  /** The length that is written, where it is not the payload's. */
  readonly length?: bigint
  /** `right`: as the side that sends it has to. */
  readonly mask?: 'right' | 'wrong' | 'zero_key'
}

/** What a peer sends: frames, or bytes that need not be any. */
export type Sent = Frame | Uint8Array

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)
const ZERO_KEY = new Uint8Array(4)

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Bytes written in hexadecimal, with spaces where they help. */
export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], pair => Number.parseInt(pair, 16))
}

type Extra = Partial<Omit<Frame, 'opcode' | 'payload'>>

export function text(payload: string | Uint8Array, extra: Extra = {}): Frame {
  return { opcode: OPCODE.TEXT, payload: as_bytes(payload), ...extra }
}

export function binary(payload: Uint8Array, extra: Extra = {}): Frame {
  return { opcode: OPCODE.BINARY, payload, ...extra }
}

export function continued(payload: string | Uint8Array, extra: Extra = {}): Frame {
  return { opcode: OPCODE.CONTINUATION, payload: as_bytes(payload), ...extra }
}

export function ping(payload: string | Uint8Array = '', extra: Extra = {}): Frame {
  return { opcode: OPCODE.PING, payload: as_bytes(payload), ...extra }
}

export function pong(payload: string | Uint8Array = '', extra: Extra = {}): Frame {
  return { opcode: OPCODE.PONG, payload: as_bytes(payload), ...extra }
}

/** A Close; without a code it has no payload at all (§5.5.1). */
export function close(code?: number, reason: string | Uint8Array = '', extra: Extra = {}): Frame {
  const payload =
    code === undefined ? new Uint8Array() : Uint8Array.of(code >> 8, code & 0xff, ...as_bytes(reason))
  return { opcode: OPCODE.CLOSE, payload, ...extra }
}

/** A message in fragments, of which only the last one says that it is. */
export function fragments(opcode: number, ...payloads: readonly (string | Uint8Array)[]): Frame[] {
  return payloads.map((payload, index) => ({
    opcode: index === 0 ? opcode : OPCODE.CONTINUATION,
    fin: index === payloads.length - 1,
    payload: as_bytes(payload),
  }))
}

/** Writes what a peer sends, as the client or the server that it is (RFC 6455 §5.2). */
export function encode(sent: readonly Sent[], sender: 'client' | 'server'): Buffer {
  return Buffer.concat(sent.map(item => (item instanceof Uint8Array ? item : encode_frame(item, sender))))
}

function encode_frame(frame: Frame, sender: 'client' | 'server'): Buffer {
  const { opcode, fin = true, rsv = 0, payload = new Uint8Array(), mask = 'right' } = frame
  const length = frame.length ?? BigInt(payload.length)
  const bits = frame.length_bits ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64)
  const is_masked = (sender === 'client') === (mask !== 'wrong')
  const key = mask === 'zero_key' ? ZERO_KEY : KEY

  const head = Buffer.alloc(bits === 7 ? 2 : bits === 16 ? 4 : 10)
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  head[1] = (is_masked ? 0x80 : 0) | (bits === 7 ? Number(length) : bits === 16 ? 126 : 127)
  if (bits === 16) head.writeUInt16BE(Number(length), 2)
  if (bits === 64) head.writeBigUInt64BE(length, 2)
  return is_masked ? Buffer.concat([head, key, masked(payload, key)]) : Buffer.concat([head, payload])
}

/** A frame as it came from the side under test. */
export interface SeenFrame {
  readonly opcode: number
  readonly fin: boolean
  readonly rsv: number
  readonly is_masked: boolean
  /** How many bytes the length took besides the first one: 0, 2 or 8. */
  readonly length_bytes: number
  readonly payload: Buffer
}

/** Reads all frames that came; what is left over is not a whole frame. */
export function decode(received: Buffer): { readonly frames: SeenFrame[]; readonly rest: Buffer } {
  const frames: SeenFrame[] = []
  let at = 0
  for (;;) {
    const read = decode_frame(received.subarray(at))
    if (read === undefined) return { frames, rest: received.subarray(at) }
    frames.push(read.frame)
    at += read.size
  }
}

function decode_frame(from: Buffer): { readonly frame: SeenFrame; readonly size: number } | undefined {
  if (from.length < 2) return undefined
  const [first = 0, second = 0] = from
  const short = second & 0x7f
  const length_bytes = short === 126 ? 2 : short === 127 ? 8 : 0
  const is_masked = (second & 0x80) !== 0
  const start = 2 + length_bytes + (is_masked ? 4 : 0)
  if (from.length < start) return undefined
  const length =
    length_bytes === 0 ? short : length_bytes === 2 ? from.readUInt16BE(2) : Number(from.readBigUInt64BE(2))
  if (from.length < start + length) return undefined
  const body = from.subarray(start, start + length)
  const payload = is_masked ? masked(body, from.subarray(start - 4, start)) : Buffer.from(body)
  const frame = {
    opcode: first & 0xf,
    fin: first >= 0x80,
    rsv: (first >> 4) & 7,
    is_masked,
    length_bytes,
    payload,
  }
  return { frame, size: start + length }
}

/** RFC 6455 §5.3. */
function masked(payload: Uint8Array, key: Uint8Array): Buffer {
  return Buffer.from(payload.map((byte, index) => byte ^ (key[index % 4] ?? 0)))
}

function as_bytes(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? utf8(payload) : payload
}
