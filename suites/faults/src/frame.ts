import { FIN, frame_bytes, RSV1 } from '@bt/test-support/frames'

/** How a frame is written; by default, it is final and not masked. */
export interface FrameOptions {
  readonly fin?: boolean
  readonly is_masked?: boolean
  /** RSV1 (RFC 7692 §6). */
  readonly is_packed?: boolean
  /** What the header says, if the payload is cut off. */
  readonly length?: number
}

const KEY = 0x1122_3344

/** Writes a frame (RFC 6455 §5.2). */
export function frame(
  opcode: number,
  payload: string | Uint8Array = '',
  { fin = true, is_masked = false, is_packed = false, length }: FrameOptions = {},
): Buffer {
  return frame_bytes({
    first: (fin ? FIN : 0) | (is_packed ? RSV1 : 0) | opcode,
    payload: Buffer.from(payload as Uint8Array),
    key: is_masked ? KEY : undefined,
    length: length === undefined ? undefined : BigInt(length),
  })
}
