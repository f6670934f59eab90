import { randomBytes } from 'node:crypto'

/** Opcodes of RFC 6455 §5.2. */
export const OPCODE = { TEXT: 0x1, BINARY: 0x2, CLOSE: 0x8, PING: 0x9, PONG: 0xa } as const

/** The kind of a message. */
export type Kind = 'text' | 'binary'

/** The sender of a frame: a client masks it, a server never does (RFC 6455 §5.1). */
export type Sender = 'client' | 'server'

/** A frame that was read. */
export interface Frame {
  readonly opcode: number
  readonly is_compressed: boolean
  readonly payload: Buffer
  /** The size of the whole frame with its header. */
  readonly bytes: number
}

const FIN = 0x80
const RSV1 = 0x40
const OPCODE_BITS = 0x0f
const MASKED = 0x80

/**
 * One key for all frames of a run, so that each is masked only once. A server does the same work for any key.
 */
const MASK_KEY = randomBytes(4)

/** Returns the bytes of an unfragmented message. */
export function make_frame(opcode: number, payload: Buffer, sender: Sender, is_compressed = false): Buffer {
  const length_bytes = payload.length < 126 ? 0 : payload.length <= 0xffff ? 2 : 8
  const header = Buffer.alloc(2 + length_bytes)
  const mask_bit = sender === 'client' ? MASKED : 0
  header[0] = FIN | (is_compressed ? RSV1 : 0) | opcode
  header[1] = mask_bit | (length_bytes === 0 ? payload.length : length_bytes === 2 ? 126 : 127)
  if (length_bytes === 2) header.writeUInt16BE(payload.length, 2)
  if (length_bytes === 8) header.writeBigUInt64BE(BigInt(payload.length), 2)
  return sender === 'client'
    ? Buffer.concat([header, MASK_KEY, masked(payload)])
    : Buffer.concat([header, payload])
}

/** Reads the frame of a server at the beginning of `bytes`; `undefined` if it is incomplete. */
export function read_frame(bytes: Buffer): Frame | undefined {
  const end = frame_end(bytes, 0)
  if (end === undefined || bytes.length < end) return undefined
  const first = bytes.readUInt8(0)
  return {
    opcode: first & OPCODE_BITS,
    is_compressed: (first & RSV1) !== 0,
    payload: bytes.subarray(header_end(bytes, 0), end),
    bytes: end,
  }
}

/** Returns the opcode of the frame that begins at `start`. */
export function opcode_at(bytes: Buffer, start: number): number {
  return (bytes[start] as number) & OPCODE_BITS
}

/**
 * Returns the end of the frame of a server that begins at `start`, which may be beyond `bytes`; `undefined`
 * if its header is incomplete.
 */
export function frame_end(bytes: Buffer, start: number): number | undefined {
  if (bytes.length < start + 2) return undefined
  const end = header_end(bytes, start)
  if (bytes.length < end) return undefined
  switch (end - start) {
    case 2:
      return end + (bytes[start + 1] as number)
    case 4:
      return end + bytes.readUInt16BE(start + 2)
    default:
      return end + Number(bytes.readBigUInt64BE(start + 2))
  }
}

/** Returns the end of the header of a frame of a server, which has no masking key. */
function header_end(bytes: Buffer, start: number): number {
  const length = bytes[start + 1] as number
  return start + (length < 126 ? 2 : length === 126 ? 4 : 10)
}

function masked(payload: Buffer): Buffer {
  const result = Buffer.from(payload)
  for (let at = 0; at < result.length; at += 1)
    result[at] = (result[at] as number) ^ (MASK_KEY[at & 3] as number)
  return result
}
