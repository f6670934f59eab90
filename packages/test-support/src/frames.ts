// A simple writer and reader of WebSocket frames (RFC 6455 §5.2), which uses none of the code under test.

export const FIN = 0x80
export const RSV1 = 0x40

export const CONTINUATION = 0x0
export const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

/** RFC 6455 §11.8. */
export const OPCODE = { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } as const

/** A frame to write, valid or not. */
export interface FrameShape {
  /** The first byte: FIN, the reserved bits and the opcode. */
  readonly first: number
  readonly payload?: Uint8Array | undefined
  /** The masking key as a 32-bit number; without it, the frame is not masked. */
  readonly key?: number | undefined
  /** The size of the extended payload length; by default, the smallest that fits. */
  readonly length_bytes?: 0 | 2 | 8 | undefined
  /** The length in the header, if it differs from the payload's. */
  readonly length?: bigint | undefined
}

/** A frame that was read. */
export interface SeenFrame {
  readonly opcode: number
  readonly fin: boolean
  /** The reserved bits, from RSV1 (4) to RSV3 (1). */
  readonly rsv: number
  readonly is_masked: boolean
  /** The size of the extended payload length: 0, 2 or 8. */
  readonly length_bytes: number
  /** The payload, unmasked. */
  readonly payload: Buffer
}

const NO_PAYLOAD = new Uint8Array(0)

/** Returns the bytes of a frame. */
export function frame_bytes({ first, payload = NO_PAYLOAD, key, length_bytes, length }: FrameShape): Buffer {
  const written = length ?? BigInt(payload.length)
  const size = length_bytes ?? (written < 126n ? 0 : written < 0x1_0000n ? 2 : 8)
  const header = Buffer.alloc(2 + size)
  header[0] = first
  header[1] = size === 0 ? Number(written & 0x7fn) : size === 2 ? 126 : 127
  if (size === 2) header.writeUInt16BE(Number(written & 0xffffn), 2)
  if (size === 8) header.writeBigUInt64BE(written, 2)
  if (key === undefined) return Buffer.concat([header, payload])
  header[1] |= 0x80
  const key_bytes = Buffer.alloc(4)
  key_bytes.writeUInt32BE(key >>> 0)
  return Buffer.concat([header, key_bytes, masked(payload, key_bytes)])
}

/** Returns the payload of a Close frame (§5.5.1). */
export function close_payload(code: number, reason: string | Uint8Array = ''): Buffer {
  return Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason as Uint8Array)])
}

/** Parses hexadecimal digits; spaces are ignored. */
export function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(' ', ''), 'hex')
}

/** Reads frames from a stream of bytes. */
export class FrameReader {
  #parts: Buffer[] = []
  #received = 0
  /** The smallest number of bytes that can complete the next frame, as far as it is known. */
  #needed = 2

  /** Returns the frames that these bytes complete. */
  read(part: Buffer): SeenFrame[] {
    this.#parts.push(part)
    this.#received += part.length
    if (this.#received < this.#needed) return []
    let bytes = this.rest
    const frames: SeenFrame[] = []
    for (;;) {
      const { frame, size } = read_frame(bytes)
      this.#needed = size
      if (frame === undefined) break
      frames.push(frame)
      bytes = bytes.subarray(size)
    }
    this.#parts = [bytes]
    this.#received = bytes.length
    return frames
  }

  /** The bytes of the frame that is still incomplete. */
  get rest(): Buffer {
    const [first] = this.#parts
    return first !== undefined && this.#parts.length === 1 ? first : Buffer.concat(this.#parts)
  }
}

/** Reads the first frame. If it is incomplete, `size` is its size as far as it is known. */
function read_frame(bytes: Buffer): { readonly frame?: SeenFrame; readonly size: number } {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return { size: 2 }
  const short = second & 0x7f
  const length_bytes = short === 126 ? 2 : short === 127 ? 8 : 0
  const is_masked = second >= 0x80
  const start = 2 + length_bytes + (is_masked ? 4 : 0)
  if (bytes.length < start) return { size: start }
  const length =
    length_bytes === 0 ? short : length_bytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  const size = start + length
  if (bytes.length < size) return { size }
  const body = bytes.subarray(start, size)
  const payload = is_masked ? masked(body, bytes.subarray(start - 4, start)) : body
  const rsv = (first >> 4) & 7
  return { frame: { opcode: first & 0xf, fin: first >= 0x80, rsv, is_masked, length_bytes, payload }, size }
}

/** Masks or unmasks a payload (§5.3). */
function masked(payload: Uint8Array, key: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(payload.length)
  for (let at = 0; at < payload.length; at += 1) bytes[at] = (payload[at] as number) ^ (key[at % 4] as number)
  return bytes
}
