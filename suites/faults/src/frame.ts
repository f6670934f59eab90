/** Opcodes of RFC 6455 §5.2. */
export const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const

/** A frame as it came. */
export interface Frame {
  readonly opcode: number
  readonly fin: boolean
  readonly payload: Buffer
}

/** How a frame is written; left out, it is final and not masked. */
export interface FrameShape {
  readonly fin?: boolean
  readonly is_masked?: boolean
  /** RSV1 (RFC 7692 §6). */
  readonly is_packed?: boolean
  /** What the header says, where the payload is cut off. */
  readonly length?: number
}

const KEY = Buffer.from([0x11, 0x22, 0x33, 0x44])

/** Writes a frame (RFC 6455 §5.2). */
export function frame(
  opcode: number,
  payload: string | Uint8Array = '',
  { fin = true, is_masked = false, is_packed = false, length }: FrameShape = {},
): Buffer {
  const body = Buffer.from(payload as Uint8Array)
  const mask_bit = is_masked ? 0x80 : 0
  const first = (fin ? 0x80 : 0) | (is_packed ? 0x40 : 0) | opcode
  const said = length ?? body.length
  let header: Buffer
  if (said < 126) header = Buffer.from([first, mask_bit | said])
  else if (said < 65_536) {
    header = Buffer.from([first, mask_bit | 126, 0, 0])
    header.writeUInt16BE(said, 2)
  } else {
    header = Buffer.alloc(10)
    header[0] = first
    header[1] = mask_bit | 127
    header.writeBigUInt64BE(BigInt(said), 2)
  }
  return is_masked ? Buffer.concat([header, KEY, apply_mask(body, KEY)]) : Buffer.concat([header, body])
}

/** The payload of a Close (RFC 6455 §5.5.1). */
export function close_payload(code: number, reason = ''): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code)
  payload.write(reason, 2)
  return payload
}

/** Takes bytes as they come, and hands out frames when they are whole. */
export class FrameReader {
  #bytes: Buffer = Buffer.alloc(0)

  read(part: Buffer): readonly Frame[] {
    this.#bytes = this.#bytes.length === 0 ? part : Buffer.concat([this.#bytes, part])
    const frames: Frame[] = []
    for (let next = this.#next(); next !== undefined; next = this.#next()) frames.push(next)
    return frames
  }

  #next(): Frame | undefined {
    const bytes = this.#bytes
    if (bytes.length < 2) return undefined
    const is_masked = ((bytes[1] as number) & 0x80) !== 0
    const short = (bytes[1] as number) & 0x7f
    const header = 2 + (short === 127 ? 8 : short === 126 ? 2 : 0) + (is_masked ? 4 : 0)
    if (bytes.length < header) return undefined
    const length =
      short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short
    if (bytes.length < header + length) return undefined
    const body = bytes.subarray(header, header + length)
    this.#bytes = bytes.subarray(header + length)
    return {
      opcode: (bytes[0] as number) & 0x0f,
      fin: ((bytes[0] as number) & 0x80) !== 0,
      payload: is_masked ? apply_mask(body, bytes.subarray(header - 4, header)) : body,
    }
  }
}

function apply_mask(body: Buffer, key: Buffer): Buffer {
  const masked = Buffer.allocUnsafe(body.length)
  for (let index = 0; index < body.length; index += 1)
    masked[index] = (body[index] as number) ^ (key[index % 4] as number)
  return masked
}
