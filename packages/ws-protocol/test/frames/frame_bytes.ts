export const FIN = 0x80
export const RSV1 = 0x40
export const CONTINUATION = 0x0
export const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

/** A frame for a test, which may be invalid. */
export interface Frame {
  /** FIN, the reserved bits and the opcode. */
  readonly first: number
  readonly payload?: Uint8Array
  /** The masking key as a 32-bit number; if left out, the frame is not masked. */
  readonly key?: number | undefined
  /** The size of the extended length in bytes; by default, as few as possible. */
  readonly length_bytes?: 0 | 2 | 8 | undefined
  /** The length to write instead of the payload's. */
  readonly length?: bigint | undefined
}

const NOTHING = new Uint8Array(0)

/** Returns the bytes of a frame (RFC 6455 §5.2). */
export function frame_bytes({ first, payload = NOTHING, key, length_bytes, length }: Frame): Buffer {
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
  return Buffer.concat([header, key_bytes, payload.map((byte, at) => byte ^ (key_bytes[at & 3] as number))])
}

/** Returns the bytes of hexadecimal digits, ignoring spaces. */
export function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(' ', ''), 'hex')
}

/** Cuts bytes into segments of these sizes, cyclically. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const segments: Uint8Array[] = []
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = Math.max(1, sizes[index % sizes.length] ?? bytes.length)
    segments.push(bytes.subarray(at, at + size))
    at += size
  }
  return segments
}
