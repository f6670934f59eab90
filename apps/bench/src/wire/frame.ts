import { randomBytes } from 'node:crypto'

/** What a frame holds (RFC 6455 §5.2). */
export const OPCODE = { TEXT: 0x1, BINARY: 0x2, CLOSE: 0x8, PING: 0x9, PONG: 0xa } as const

/** Text or bytes. */
export type Kind = 'text' | 'binary'

/** Who sends: a client masks, a server never does (RFC 6455 §5.1). */
export type Sender = 'client' | 'server'

/** A frame as it was read. */
export interface Frame {
  readonly opcode: number
  readonly is_compressed: boolean
  readonly payload: Buffer
  /** Of the whole frame, header and all. */
  readonly bytes: number
}

const FIN = 0x80
const RSV1 = 0x40
const OPCODE_BITS = 0x0f
const MASKED = 0x80

/** The same for all frames of a run, which saves masking them anew; a server can't tell. */
const MASK_KEY = randomBytes(4)

/** A message in one frame, as bytes. */
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

/** Reads the frame of a server that `bytes` begin with; `undefined` where it is not all there yet. */
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

/** What the frame holds that begins at `start`. */
export function opcode_at(bytes: Buffer, start: number): number {
  return (bytes[start] as number) & OPCODE_BITS
}

/** Where the frame of a server ends that begins at `start`, beyond `bytes` perhaps; `undefined` where not all of its header is there. */
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

/** A server masks nothing: there is a length, and no more. */
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
