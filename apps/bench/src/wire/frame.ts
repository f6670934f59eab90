import { randomBytes } from 'node:crypto'

/** What a frame holds (RFC 6455 §5.2). */
export const OPCODE = { TEXT: 0x1, BINARY: 0x2, CLOSE: 0x8, PONG: 0xa } as const

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
  if (bytes.length < 2) return undefined
  const short_length = bytes.readUInt8(1) & 0x7f
  const start = short_length < 126 ? 2 : short_length === 126 ? 4 : 10
  if (bytes.length < start) return undefined
  const length =
    start === 2 ? short_length : start === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  const end = start + length
  if (bytes.length < end) return undefined
  const first = bytes.readUInt8(0)
  return {
    opcode: first & 0x0f,
    is_compressed: (first & RSV1) !== 0,
    payload: bytes.subarray(start, end),
    bytes: end,
  }
}

function masked(payload: Buffer): Buffer {
  const result = Buffer.from(payload)
  for (let at = 0; at < result.length; at += 1)
    result[at] = (result[at] as number) ^ (MASK_KEY[at & 3] as number)
  return result
}
